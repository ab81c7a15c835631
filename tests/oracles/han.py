"""Hybrid attention out of two plain ones."""

from __future__ import annotations

import numpy as np

from oracles.attention import dot_product_attention
from oracles.basics import part


def hybrid_attention(weights, heads, own, other):
    """x [T, d] and y [S, d] -> features [T, d] and both maps, halved, side by side [heads, T, T + S]."""
    to_own, own_map = dot_product_attention(part(weights, "own"), heads, own, own)
    to_other, other_map = dot_product_attention(part(weights, "other"), heads, own, other)
    return to_own + to_other, np.concatenate([own_map, other_map], -1) / 2
