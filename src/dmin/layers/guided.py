"""Output of a visual attention: the contract of DMIN's visual-attention slot."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Guided:
    """Output of a visual attention."""

    values: Tensor
    """v^S, [B, T, D]"""
    spatial: Tensor | None = None
    """M^S, [B, T, R], each second's regions summing to 1; None without attention over regions."""
    channel: Tensor | None = None
    """M^C, [B, T, D] in 0..1; None without attention over channels."""


def attend_regions(weights: Tensor, visual: Tensor) -> Tensor:
    """Sum of regions [B, T, R, D] by weights [B, T, R]: [B, T, D].

    Example:
        >>> import torch
        >>> attend_regions(torch.tensor([[[0.5, 0.5]]]), torch.tensor([[[[2.0], [4.0]]]])).tolist()
        [[[3.0]]]
    """
    return (weights.to(visual.dtype)[:, :, None] @ visual).squeeze(2)
