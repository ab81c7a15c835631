"""DMIN's visual-attention slot: the ways in which what is heard guides the eye, by name (Table III).

Each is a module from regions [B, T, R, D], audio [B, T, D_a] and a mask [B, T] to `Guided`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from torch import nn

from dmin.layers.agta import PARTS, AudioGuidedTripletAttention
from dmin.registry import Registry


@dataclass(frozen=True, kw_only=True)
class GuideOptions:
    """All that a visual attention may be built from; most need a few of them only."""

    visual_size: int
    """D."""
    audio_size: int
    """D_a."""
    regions: int = 49
    """R = H W."""
    size: int = 256
    """d_o of eq. 3-7, and the inner width of other attentions."""
    bottleneck: int = 256
    """d of eq. 1."""
    factors: int = 5
    """k of eq. 3."""
    heads: int = 4
    """Of AVTrans."""
    dropout: float = 0.1
    """Of MFB and AVTrans."""
    dropout_first: bool = False
    """Of what MFB sums, as in the released code."""
    lstm_layers: int = 1
    """Of AGTA's Bi-LSTM."""
    channel_residual: bool = False
    """v^C = (M^C + 1) v instead of eq. 2, as in the released code."""
    spatial_bias: bool = False
    """Give W_3 of eq. 7 a bias, as in the released code."""


VISUAL_ATTENTION = Registry[Callable[[GuideOptions], nn.Module]]("visual attention", extensible=True)
"""Makers by name."""


def _agta(parts: Collection[str]) -> Callable[[GuideOptions], nn.Module]:
    def make(options: GuideOptions) -> nn.Module:
        return AudioGuidedTripletAttention(
            options.visual_size,
            options.audio_size,
            options.size,
            options.bottleneck,
            options.factors,
            options.dropout,
            options.dropout_first,
            options.lstm_layers,
            options.channel_residual,
            options.spatial_bias,
            parts,
        )

    return make


VISUAL_ATTENTION.add("agta", _agta(PARTS))
VISUAL_ATTENTION.add("agta-no-lstm", _agta(("channel", "mfb")))
VISUAL_ATTENTION.add("agta-no-mfb", _agta(("channel", "lstm")))
VISUAL_ATTENTION.add("agta-no-channel", _agta(("mfb", "lstm")))
VISUAL_ATTENTION.add("agta-no-spatial", _agta(("channel",)))
VISUAL_ATTENTION.add("none", _agta(()))
