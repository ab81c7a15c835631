"""AVTrans, second by second: three layers over memories that are laid out by hand, then region by region."""

from __future__ import annotations

import math

import numpy as np

from oracles.attention import dot_product_attention
from oracles.basics import each, linear, part, relu, softmax
from oracles.blocks import feed_forward


def layer(weights, heads, queries, memory):
    """Queries [Q, d] over a memory [M, d] -> [Q, d]."""
    attended, _ = dot_product_attention(part(weights, "attention"), heads, queries, memory)
    pairs = zip(attended, queries, strict=True)
    return np.stack([feed_forward(part(weights, "feed_forward"), *pair) for pair in pairs])


def audio_visual_transformer(weights, heads, regions, sounds):
    """Regions [T, R, D], sounds [T, D_a] -> v [T, D], M [T, R]."""
    heard = each(lambda sound: relu(linear(weights, "audio", sound)), sounds)
    frames = []
    for second in regions:
        seen = each(lambda region: relu(linear(weights, "visual", region)), second)
        frames.append(layer(part(weights, "intra_frame"), heads, seen, seen))
    values, spatial = [], []
    for t, second in enumerate(regions):
        before = t - 1 if t > 0 else t
        after = t + 1 if t + 1 < len(regions) else t
        told = layer(part(weights, "inter_frame"), heads, frames[t], np.concatenate([frames[before], frames[after]]))
        told = layer(part(weights, "sound"), heads, told, np.stack([heard[before], heard[t], heard[after]]))
        guide = relu(linear(weights, "guide", sounds[t]))
        shares = softmax([math.tanh(linear(weights, "spatial.score", region * guide)[0]) for region in told])
        values.append(sum(share * region for share, region in zip(shares, second, strict=True)))
        spatial.append(shares)
    return np.stack(values), np.stack(spatial)
