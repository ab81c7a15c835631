"""Dot-product attention (eq. 9) and the full channel pair product of dense fusion attention (eq. 12-13).

Eq. 13 sums all channel pairs of query and key with a weight matrix W, alpha on the diagonal and
beta = (1 - alpha) / (d_k - 1) elsewhere. That is a bilinear form, and W = (alpha - beta) I + beta 1 1^T, so
FCPP(q, k) = q . k' with k' = (alpha - beta) k + beta (sum of k) 1: dot-product attention on transformed keys, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.layers.numeric import widened


@dataclass(frozen=True)
class Attended:
    """Output of an attention."""

    values: Tensor
    """[B, T, d]"""
    weights: Tensor | None
    """[B, heads, T, S], each row summing to 1; None unless asked for."""


def dense_keys(keys: Tensor, alpha: float) -> Tensor:
    """Transform keys [..., d_k] so that a dot product with them is eq. 13.

    Args:
        keys: [..., d_k]. A single channel has no other to pair with: what is left is alpha times the inner product.
        alpha: Weight of equal channel pairs.

    Example:
        >>> dense_keys(torch.tensor([1.0, 3.0]), alpha=0.5).tolist()
        [2.0, 2.0]
    """
    size = keys.shape[-1]
    beta = (1 - alpha) / (size - 1) if size > 1 else 0.0
    return (alpha - beta) * keys + beta * keys.sum(-1, keepdim=True)


def full_channel_pair_product(queries: Tensor, keys: Tensor, alpha: float = 0.5) -> Tensor:
    """Eq. 12-13: score of every query [..., T, d_k] with every key [..., S, d_k] over all channel pairs: [..., T, S].

    Example:
        >>> full_channel_pair_product(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 3.0]])).tolist()
        [[6.0]]
    """
    return queries @ dense_keys(keys, alpha).mT


class SplitHeads(nn.Module):
    """Projections of queries, keys and values, split into heads, and back."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj.weight)
        nn.init.zeros_(self.in_proj.bias)
        nn.init.zeros_(self.out_proj.bias)

    def project(self, sequence: Tensor, first: int, last: int) -> list[Tensor]:
        """Projections ``first`` to ``last`` of (query 0, key 1, value 2), each [B, heads, T, d_k]."""
        width = self.in_proj.in_features
        rows = slice(first * width, last * width)
        projected = F.linear(sequence, self.in_proj.weight[rows], self.in_proj.bias[rows])  # [B, T, n d]
        parts = projected.reshape(*sequence.shape[:2], last - first, self.heads, -1)  # [B, T, n, heads, d_k]
        return list(parts.permute(2, 0, 3, 1, 4).unbind(0))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, return_weights: bool) -> Attended:
        """Softmax attention [B, heads, T, d_k] over keys that the mask [B, S] calls real, and the output projection."""
        keep = None if mask is None else mask[:, None, None, :]
        dropout = self.dropout if self.training else 0.0
        weights = None
        if return_weights:
            scores = widened(query @ key.mT) / key.shape[-1] ** 0.5
            weights = (scores if keep is None else scores.masked_fill(~keep, -torch.inf)).softmax(-1)
            mixed = F.dropout(weights, dropout).to(value.dtype) @ value
        else:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=keep, dropout_p=dropout)
        return Attended(self.out_proj(mixed.transpose(1, 2).flatten(2)), weights)


class MultiHeadAttention(SplitHeads):
    """Eq. 9: multi-head dot-product attention of a sequence over itself, or over a memory (eq. 14).

    Args:
        width: d_m, a multiple of ``heads``.
        heads: n.
        dropout: Of the attention weights.

    Example:
        >>> MultiHeadAttention(8, heads=2, dropout=0.0)(torch.zeros(3, 5, 8)).values.shape
        torch.Size([3, 5, 8])
    """

    def forward(
        self,
        sequence: Tensor,
        mask: Tensor | None = None,
        memory: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Attend.

        Args:
            sequence: [B, T, d].
            mask: [B, S], True where the memory (or the sequence, without one) is real; None if all of it is.
            memory: [B, S, d] to attend to; the sequence itself if None.
            return_weights: Give the weights [B, heads, T, S] too.
        """
        if memory is None:
            query, key, value = self.project(sequence, 0, 3)
        else:
            (query,) = self.project(sequence, 0, 1)
            key, value = self.project(memory, 1, 3)
        return self.attend(query, key, value, mask, return_weights)


def both_masks(own: Tensor, mask: Tensor | None, other: Tensor, other_mask: Tensor | None) -> Tensor | None:
    """The masks of two sequences in a row [B, T + S]; None if nothing is masked."""
    if mask is None and other_mask is None:
        return None
    masks = [
        sequence.new_ones(sequence.shape[:2], dtype=torch.bool) if given is None else given
        for sequence, given in ((own, mask), (other, other_mask))
    ]
    return torch.cat(masks, 1)
