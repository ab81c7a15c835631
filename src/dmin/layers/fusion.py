"""Audio-visual fusion (eq. 14)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmin.layers.attention import MultiHeadAttention


class AudioVisualFusion(nn.Module):
    """Eq. 14: F_av = a_cross * v_cross attends to cat(a_cross, v_cross); F_o = LayerNorm(F_av + O).

    Args:
        width: d_m.
        heads: Heads of the dot-product attention.
        dropout: Of the attention weights and of the residual.

    Example:
        >>> AudioVisualFusion(8, heads=2, dropout=0.0)(torch.zeros(3, 5, 8), torch.zeros(3, 5, 8)).shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads, dropout)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

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
