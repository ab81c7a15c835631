"""Small functions whose gradients or precision need care."""

from __future__ import annotations

import torch
from torch import Tensor


def signed_sqrt(values: Tensor) -> Tensor:
    """Power normalisation of eq. 4, sign(x) sqrt|x|, with gradient 0 at 0 (the formula itself gives NaN there).

    Half precision is widened to float32.

    Example:
        >>> x = torch.tensor([-4.0, 0.0, 9.0], requires_grad=True)
        >>> y = signed_sqrt(x)
        >>> y.sum().backward()
        >>> y.tolist(), x.grad.tolist()
        ([-2.0, 0.0, 3.0], [0.25, 0.0, 0.1666666716337204])
    """
    values = widened(values)
    # `where` keeps sqrt away from 0, whose gradient is infinite there; the sign makes both value and gradient 0.
    return values.detach().sign() * torch.where(values == 0, 1.0, values.abs()).sqrt()


def unit_norm(vectors: Tensor) -> Tensor:
    """L2 normalisation of eq. 4 over the last dimension; zero vectors stay zero, with gradient 0.

    Half precision is widened to float32.

    Example:
        >>> unit_norm(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    vectors = widened(vectors)
    squares = vectors.square().sum(-1, keepdim=True)
    return vectors / torch.where(squares == 0, torch.inf, squares).sqrt()


def masked_max(sequence: Tensor, mask: Tensor | None) -> Tensor:
    """Max over time of [B, T, D], padding left out: [B, D].

    Example:
        >>> masked_max(torch.tensor([[[1.0], [5.0]]]), torch.tensor([[True, False]])).tolist()
        [[1.0]]
    """
    if mask is not None:
        sequence = sequence.masked_fill(~mask[..., None], -torch.inf)
    return sequence.amax(1)


def masked_mean(sequence: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean over time of [B, T, D], padding left out: [B, D].

    Example:
        >>> masked_mean(torch.tensor([[[1.0], [9.0]]]), torch.tensor([[True, False]])).tolist()
        [[1.0]]
    """
    if mask is None:
        return sequence.mean(1)
    return sequence.masked_fill(~mask[..., None], 0.0).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def widened(values: Tensor) -> Tensor:
    """float32 instead of half precision; float32 and float64 as they are."""
    return values.float() if values.dtype in {torch.float16, torch.bfloat16} else values
