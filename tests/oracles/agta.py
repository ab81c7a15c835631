"""Eq. 1-8, second by second, region by region; the Bi-LSTM gate by gate."""

from __future__ import annotations

import math

import numpy as np

from oracles.basics import linear, part, relu, sigmoid, softmax


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


def lstm(weights, layers, sequence):
    """A stacked Bi-LSTM over one sequence [T, n] -> [T, 2 h]."""
    for layer in range(layers):
        forth = _direction(weights, f"_l{layer}", sequence)
        back = _direction(weights, f"_l{layer}_reverse", sequence[::-1])[::-1]
        sequence = np.concatenate([forth, back], 1)
    return sequence


def _direction(weights, suffix, sequence):
    size = weights[f"weight_hh{suffix}"].shape[1]
    hidden, cell, states = np.zeros(size), np.zeros(size), []
    for step in sequence:
        gates = weights[f"weight_ih{suffix}"] @ step + weights[f"bias_ih{suffix}"]
        gates = gates + weights[f"weight_hh{suffix}"] @ hidden + weights[f"bias_hh{suffix}"]
        enter, forget, candidate, leave = (gates[n * size : (n + 1) * size] for n in range(4))
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
        hidden = sigmoid(leave) * np.tanh(cell)
        states.append(hidden)
    return np.stack(states)


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


def triplet_attention(weights, regions, sounds, *, factors, layers, channel_residual):
    """Eq. 1-8: regions [T, R, D], sounds [T, D_a] -> v^S [T, D], M^S [T, R], M^C [T, D]."""
    channel = np.stack(
        [channel_attention(part(weights, "channel"), *second) for second in zip(regions, sounds, strict=True)]
    )
    gates = channel + 1 if channel_residual else channel
    guided = np.stack([[gate * region for region in second] for gate, second in zip(gates, regions, strict=True)])
    temporal = region_lstm(part(weights, "temporal"), layers, guided, sounds)
    spatial, values = [], []
    for t, sound in enumerate(sounds):
        scores = []
        for r, region in enumerate(guided[t]):
            joint = bilinear_pooling(part(weights, "bilinear"), factors, region, sound) + temporal[t, r]
            scores.append(math.tanh(linear(weights, "spatial.score", joint)[0]))
        spatial.append(softmax(scores))
        values.append(sum(weight * region for weight, region in zip(spatial[t], guided[t], strict=True)))
    return np.stack(values), np.stack(spatial), channel
