"""DMIN's visual-attention slot: how the sound guides the look at the picture (Table III).

A visual attention is a module from regions [B, T, R, D], audio [B, T, D_a] and a mask [B, T] to `Guided`. The registry
`VISUAL_ATTENTION` holds makers, called with the keywords visual_size (D), audio_size (D_a), regions (R) and config.
A module that averages the regions says so by ``looks_at_regions = False``: it may then be trained on pooled features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from dmin.checks import check_shares, check_sizes
from dmin.errors import ModelError
from dmin.registry import Registry


@dataclass(frozen=True, kw_only=True)
class VisualAttentionConfig:
    """Options of a visual attention; most attentions use a few of them.

    Raises:
        ModelError: A name, a size or a share that no network can have.
    """

    name: str = "agta"
    """The attention; `dmin list systems` shows all."""
    size: int = 256
    """d_o of eq. 3-7, and the inner width of other attentions; even."""
    bottleneck: int = 256
    """d of eq. 1."""
    factors: int = 5
    """k of eq. 3."""
    heads: int = 4
    """Heads of AVTrans."""
    dropout: float = 0.1
    """In MFB and AVTrans."""
    dropout_first: bool = False
    """Let the dropout of eq. 3 fall on what is summed instead of on the sums, as in the released code."""
    lstm_layers: int = 1
    """Layers of the Bi-LSTM of eq. 6; the paper speaks of one Bi-LSTM, the released code stacks two."""
    channel_residual: bool = False
    """v^C = (M^C + 1) v instead of eq. 2, as in the released code."""
    spatial_bias: bool = False
    """Give W_3 of eq. 7 a bias, as in the released code."""

    def __post_init__(self) -> None:
        VISUAL_ATTENTION[self.name]
        check_sizes(self, "size", "bottleneck", "factors", "heads", "lstm_layers")
        if self.size % 2:
            raise ModelError(f"visual_attention.size is {self.size}: must be even, half of it runs in each direction")
        check_shares(self, "dropout")


@dataclass(frozen=True)
class Guided:
    """Output of a visual attention."""

    values: Tensor
    """v^S, [B, T, D]"""
    spatial: Tensor | None = None
    """M^S, [B, T, R], each second's regions summing to 1; None without attention over regions."""
    channel: Tensor | None = None
    """M^C, [B, T, D] in 0..1; None without attention over channels."""


class MakeVisualAttention(Protocol):
    """Maker of a visual attention."""

    def __call__(self, *, visual_size: int, audio_size: int, regions: int, config: VisualAttentionConfig) -> nn.Module:
        """A module from regions [B, T, R, D], audio [B, T, D_a] and a mask [B, T] to `Guided`."""


VISUAL_ATTENTION = Registry[MakeVisualAttention]("visual attention", extensible=True)
"""Makers by name."""


def attend_regions(weights: Tensor, visual: Tensor) -> Tensor:
    """Sum of regions [B, T, R, D] by weights [B, T, R]: [B, T, D].

    Example:
        >>> import torch
        >>> attend_regions(torch.tensor([[[0.5, 0.5]]]), torch.tensor([[[[2.0], [4.0]]]])).tolist()
        [[[3.0]]]
    """
    return (weights.to(visual.dtype)[:, :, None] @ visual).squeeze(2)
