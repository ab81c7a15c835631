"""Eq. 1-8, second by second, region by region."""

from __future__ import annotations

import math

import numpy as np

from oracles.basics import linear, part, relu, sigmoid, softmax
from oracles.recurrent import lstm


def channel_attention(weights, regions, sound):
    """Eq. 1 for one second: regions [R, D], sound [D_a] -> [D]."""
    heard = relu(linear(weights, "audio", sound))
    pooled = np.zeros(regions.shape[1])
    for region in regions:
        pooled += heard * relu(linear(weights, "visual", region)) / len(regions)
    return sigmoid(linear(weights, "excite", relu(linear(weights, "squeeze", pooled))))


def bilinear_pooling(weights, factors, region, sound):
    """Eq. 3-4 for one region: [D], [D_a] -> [d_o]."""
    products = relu(linear(weights, "audio", sound)) * relu(linear(weights, "visual", region))
    sums = [sum(products[start : start + factors]) for start in range(0, len(products), factors)]
    roots = [math.copysign(math.sqrt(abs(value)), value) for value in sums]
    length = math.sqrt(sum(root**2 for root in roots))
    return np.array([root / length if length else 0.0 for root in roots])


def region_lstm(weights, layers, regions, sounds):
    """Eq. 5-6: regions [T, R, D], sounds [T, D_a] -> [T, R, d_o]."""
    columns = []
    for r in range(regions.shape[1]):
        steps = []
        for region, sound in zip(regions[:, r], sounds, strict=True):
            heard, seen = relu(linear(weights, "audio", sound)), relu(linear(weights, "visual", region))
            steps.append(np.concatenate([seen + heard, heard]))
        columns.append(lstm(part(weights, "lstm"), layers, np.stack(steps)))
    return np.stack(columns, 1)


def triplet_attention(weights, regions, sounds, *, factors, layers, channel_residual, parts=("channel", "mfb", "lstm")):
    """Eq. 1-8: regions [T, R, D], sounds [T, D_a] -> v^S [T, D], M^S [T, R], M^C [T, D]; None for a map left out."""
    guided, channel = regions, None
    if "channel" in parts:
        channel = np.stack(
            [channel_attention(part(weights, "channel"), *second) for second in zip(regions, sounds, strict=True)]
        )
        gates = channel + 1 if channel_residual else channel
        guided = np.stack([[gate * region for region in second] for gate, second in zip(gates, regions, strict=True)])
    if "mfb" not in parts and "lstm" not in parts:
        return np.stack([sum(second) / len(second) for second in guided]), None, channel
    temporal = region_lstm(part(weights, "temporal"), layers, guided, sounds) if "lstm" in parts else None
    spatial, values = [], []
    for t, sound in enumerate(sounds):
        scores = []
        for r, region in enumerate(guided[t]):
            joint = 0.0
            if "mfb" in parts:
                joint = joint + bilinear_pooling(part(weights, "bilinear"), factors, region, sound)
            if "lstm" in parts:
                joint = joint + temporal[t, r]
            scores.append(math.tanh(linear(weights, "spatial.score", joint)[0]))
        spatial.append(softmax(scores))
        values.append(sum(weight * region for weight, region in zip(spatial[t], guided[t], strict=True)))
    return np.stack(values), np.stack(spatial), channel
