"""CMAN, second by second."""

from __future__ import annotations

import math

import numpy as np

from oracles.attention import dot, dot_product_attention
from oracles.avel import head
from oracles.basics import layer_norm, linear, part, softmax, weights_of
from oracles.cmca import co_attention


def cosine_attention(weights, regions, sound):
    """One second: regions [R, D], sound [D_a] -> v [D], weights [R]."""
    heard = linear(weights, "audio", sound)
    cosines = []
    for region in regions:
        seen = linear(weights, "visual", region)
        cosines.append(dot(seen, heard) / math.sqrt(dot(seen, seen) * dot(heard, heard)))
    spatial = softmax(cosines)
    return sum(weight * region for weight, region in zip(spatial, regions, strict=True)), spatial


def context(weights, sequence):
    """A linear layer, then self-attention with residual and norm: [T, D] -> [T, d]."""
    local = np.stack([linear(weights, "project", second) for second in sequence])
    attended, _ = dot_product_attention(part(weights, "attention"), 1, local, local)
    return np.stack([layer_norm(weights, "norm", own + other) for own, other in zip(local, attended, strict=True)])


def cman(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights = weights_of(model)
    seconds = [cosine_attention(part(weights, "attention"), *second) for second in zip(regions, sounds, strict=True)]
    seen = context(part(weights, "visual_context"), np.stack([values for values, _ in seconds]))
    heard = context(part(weights, "audio_context"), sounds)
    v_cross = co_attention(part(weights, "visual_cross"), seen, heard)
    a_cross = co_attention(part(weights, "audio_cross"), heard, seen)
    both = np.concatenate([v_cross, a_cross], 1)
    return {
        "logits": np.stack([head(part(weights, "head"), second) for second in both]),
        "spatial": np.stack([spatial for _, spatial in seconds]),
    }
