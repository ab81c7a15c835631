"""AGVA, second by second, region by region: the audio's values are added by region, not by hidden unit."""

from __future__ import annotations

import math

import numpy as np

from oracles.basics import linear, relu, softmax


def guided_attention(weights, regions, sound):
    """One second: regions [R, D], sound [D_a] -> v [D], weights [R]."""
    heard = linear(weights, "audio_content", relu(linear(weights, "audio", sound)))
    scores = []
    for s, region in enumerate(regions):
        seen = linear(weights, "visual_content", relu(linear(weights, "visual", region)))
        content = [math.tanh(seen[j] + heard[s]) for j in range(len(regions))]
        scores.append(sum(weights["score.weight"][0, j] * content[j] for j in range(len(regions))))
    spatial = softmax(scores)
    return sum(weight * region for weight, region in zip(spatial, regions, strict=True)), spatial


def guided_attentions(weights, regions, sounds):
    """A clip: regions [T, R, D], sounds [T, D_a] -> v [T, D], weights [T, R]."""
    seconds = [guided_attention(weights, *second) for second in zip(regions, sounds, strict=True)]
    return tuple(np.stack(part) for part in zip(*seconds, strict=True))
