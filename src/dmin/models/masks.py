"""Masks [B, T], True where a second is real: checked, and used to blank what lies beyond."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.models.outputs import PADDING_LOGIT


def check_mask(mask: Tensor, audio: Tensor) -> None:
    """Make sure that a mask [B, T] fits features [B, T, D], and that real seconds come first.

    Raises:
        ModelError: It does not.
    """
    if mask.shape != audio.shape[:2] or mask.dtype != torch.bool:
        raise ModelError(f"got mask {list(mask.shape)} of {mask.dtype}: must be {list(audio.shape[:2])} of torch.bool")
    if not bool(mask[:, 0].all() & (mask[:, 1:] <= mask[:, :-1]).all()):
        raise ModelError(
            "got a mask with padding before a real second: each clip needs a real second, and they come first"
        )


def without_padding(values: Tensor, mask: Tensor | None) -> Tensor:
    """[B, T, ...] with 0 in the padded seconds, whatever stood there."""
    if mask is None:
        return values
    return values.masked_fill(~mask.reshape(*mask.shape, *[1] * (values.ndim - 2)), 0.0)


def logits_of_seconds(head: nn.Module, sequence: Tensor, mask: Tensor | None) -> Tensor:
    """One logit a second [B, T] of a sequence [B, T, d]; `PADDING_LOGIT` at padded seconds."""
    logits: Tensor = head(sequence).squeeze(-1)
    return without_relevance(logits, mask)


def without_relevance(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Logits [B, T] with `PADDING_LOGIT` at padded seconds."""
    return logits if mask is None else logits.masked_fill(~mask, PADDING_LOGIT)


def without_padded_queries(weights: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """Attention weights [B, heads, T, S] with 0 in the rows of padded seconds."""
    return weights if mask is None or weights is None else weights.masked_fill(~mask[:, None, :, None], 0.0)
