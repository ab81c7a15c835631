"""Audio-visual fusion (eq. 14)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.checks import check_shares, check_sizes
from dmin.layers.attention import MultiHeadAttention
from dmin.layers.dropout import Dropout


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """Options of the fusion.

    Raises:
        ModelError: A size or a share that no network can have.
    """

    heads: int = 4
    """Heads of the dot-product attention."""
    dropout: float = 0.1
    """Of the attention weights and of the residual."""

    def __post_init__(self) -> None:
        check_sizes(self, "heads")
        check_shares(self, "dropout")


class AudioVisualFusion(nn.Module):
    """Eq. 14: F_av = a_cross * v_cross attends to cat(a_cross, v_cross); F_o = LayerNorm(F_av + O).

    Args:
        width: d_m, a multiple of the heads.
        config: Options.

    Example:
        >>> AudioVisualFusion(8, FusionConfig(heads=2))(torch.zeros(3, 5, 8), torch.zeros(3, 5, 8)).shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, config: FusionConfig) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, config.heads, config.dropout)
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(config.dropout)

    def forward(self, audio: Tensor, visual: Tensor, mask: Tensor | None = None) -> Tensor:
        """Fuse.

        Args:
            audio: a_cross, [B, T, d].
            visual: v_cross, [B, T, d].
            mask: [B, T], True where a second is real; None if all are.

        Returns:
            F_o, [B, T, d].
        """
        query = audio * visual
        both = None if mask is None else mask.repeat(1, 2)
        attended = self.attention(query, both, memory=torch.cat([audio, visual], 1))
        fused: Tensor = self.norm(query + self.dropout(attended.values))
        return fused
