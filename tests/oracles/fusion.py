"""Eq. 14."""

from __future__ import annotations

import numpy as np

from oracles.attention import dot_product_attention
from oracles.basics import layer_norm, part


def fusion(weights, heads, audio, visual):
    """a_cross and v_cross, both [T, d] -> F_o [T, d]."""
    query = np.array([[a * v for a, v in zip(*pair, strict=True)] for pair in zip(audio, visual, strict=True)])
    attended, _ = dot_product_attention(part(weights, "attention"), heads, query, np.concatenate([audio, visual]))
    return np.stack([layer_norm(weights, "norm", second) for second in query + attended])
