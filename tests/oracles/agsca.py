"""AGSCA, second by second, region by region."""

from __future__ import annotations

import math

import numpy as np

from oracles.agta import channel_attention
from oracles.basics import linear, part, relu, softmax


def spatial_channel_attention(weights, regions, sounds):
    """Regions [T, R, D], sounds [T, D_a] -> v [T, D], M^S [T, R], M^C [T, D]."""
    values, spatial, channel = [], [], []
    for second, sound in zip(regions, sounds, strict=True):
        gate = channel_attention(part(weights, "channel"), second, sound)
        guided = [(gate + 1) * region for region in second]
        heard = relu(linear(weights, "audio", sound))
        scores = []
        for region in guided:
            joint = relu(linear(weights, "visual", region)) * heard
            scores.append(math.tanh(linear(weights, "spatial.score", joint)[0]))
        shares = softmax(scores)
        values.append(sum(share * region for share, region in zip(shares, guided, strict=True)))
        spatial.append(shares)
        channel.append(gate)
    return np.stack(values), np.stack(spatial), np.stack(channel)
