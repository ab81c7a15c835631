"""Eq. 10 around the attentions: the intra-modality encoder and DIMA."""

from __future__ import annotations

from oracles.attention import dot_product_attention, inter_modality_attention
from oracles.basics import each, layer_norm, linear, part, relu


def feed_forward(weights, attended, residual):
    """Eq. 10 for one second."""
    first = layer_norm(weights, "norm1", attended + residual)
    hidden = linear(weights, "linear2", relu(linear(weights, "linear1", first)))
    return layer_norm(weights, "norm2", hidden + first)


def around(weights, attended, residual):
    """Eq. 10 for all seconds, from what an attention gave and what went into it."""
    return each(lambda pair: feed_forward(part(weights, "feed_forward"), *pair), zip(attended, residual, strict=True))


def encoder(weights, layers, heads, sequence):
    """Section IV-B: [T, D] -> features [T, d] and the last layer's attention [heads, T, T]."""
    sequence = each(lambda second: linear(weights, "project", second), sequence)
    attention = None
    for layer in range(layers):
        own = part(weights, f"layers.{layer}")
        attended, attention = dot_product_attention(part(own, "attention"), heads, sequence, sequence)
        sequence = around(own, attended, sequence)
    return sequence, attention


def dima(weights, heads, own, other, alpha, mean_pairs):
    """Section IV-C: x [T, d] and y [S, d] -> features [T, d] and attention [heads, T, T + S]."""
    attended, attention = inter_modality_attention(part(weights, "attention"), heads, own, other, alpha, mean_pairs)
    return around(weights, attended, own), attention
