"""Hybrid attention (Tian, Li, Xu 2020), a row of Table IV."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmin.layers.attention import Attended, MultiHeadAttention
from dmin.layers.dropout import Dropout
from dmin.layers.inter_modality import INTER_MODALITY, with_feed_forward


class HybridAttention(nn.Module):
    """HAN: x_cat = MHA(x; x, x) + MHA(x; y, y), two attentions with weights of their own, dropout on what each gives.

    The released code (AVVP-ECCV20, HANLayer) has one head and a layer that both modalities share; here there are n
    heads and no shared weights, as in DIMA, whose place it takes (a reading). What is attended is dropped out twice,
    here and by the layer around it; the feed-forward layer that follows has that layer's dropout, the released one 0.1.

    Args:
        width: d_m.
        heads: n.
        dropout: Of the attention weights and of both results.

    Example:
        >>> HybridAttention(8, heads=2, dropout=0.0)(torch.zeros(3, 5, 8), torch.zeros(3, 4, 8)).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.own = MultiHeadAttention(width, heads, dropout)
        self.other = MultiHeadAttention(width, heads, dropout)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        own: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Attend: x [B, T, d] to itself and to y [B, S, d].

        The weights [B, heads, T, T + S] are both maps side by side, halved, so that a row sums to 1.
        """
        to_own = self.own(own, mask, return_weights=return_weights)
        to_other = self.other(own, other_mask, memory=other, return_weights=return_weights)
        weights = None
        if to_own.weights is not None and to_other.weights is not None:
            weights = torch.cat([to_own.weights, to_other.weights], -1) / 2
        return Attended(self.dropout(to_own.values) + self.dropout(to_other.values), weights)


INTER_MODALITY.add("han", with_feed_forward(lambda width, config: HybridAttention(width, config.heads)))
