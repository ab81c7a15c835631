"""Fully generalized non-local attention, head by head, roll by roll, query by query."""

from __future__ import annotations

import math

import numpy as np

from oracles.attention import dot
from oracles.basics import each, linear, part, relu, softmax


def smooth(sequence):
    """[T, d] under a Gaussian of 5 seconds, sigma 0.707, whose shares sum to 1; nothing but zeros beyond the ends."""
    shares = [math.exp(-(step**2) / (2 * 0.707**2)) for step in (-2, -1, 0, 1, 2)]
    smoothed = np.zeros_like(sequence)
    for t in range(len(sequence)):
        for step, share in zip((-2, -1, 0, 1, 2), shares, strict=True):
            if 0 <= t + step < len(sequence):
                smoothed[t] += share / sum(shares) * sequence[t + step]
    return smoothed


def excitation(weights, rolls):
    """MoSE: rolls [T, d_k, R], each times its share."""
    scores = []
    for roll in range(rolls.shape[2]):
        mean = np.array([rolls[:, :, roll].sum() / rolls[:, :, roll].size])
        scores.append(linear(weights, "excite", relu(linear(weights, "squeeze", mean)))[0])
    return rolls * softmax(scores)


def restore(weights, second):
    """What a second's rolls [d_k, R] come to; roll by roll they are laid in a row."""
    return linear(weights, "restore", np.concatenate([second[:, roll] for roll in range(second.shape[1])]))


def roll_by_roll(score, values, queries, keys):
    """Results [T, d_k, R] and the mean map [T, S]. ``score(i, j, roll)`` is that of query i with key j."""
    size = values.shape[1]
    rolls, maps = np.zeros((queries, size, size)), np.zeros((queries, keys))
    for roll in range(size):
        for i in range(queries):
            shares = softmax([score(i, j, roll) for j in range(keys)])
            maps[i] += shares / size
            for share, value in zip(shares, values, strict=True):
                rolls[i, :, roll] += share * value
    return rolls, maps


def _projected(weights, which, sequence):
    width = sequence.shape[1]
    rows = slice(which * width, (which + 1) * width)
    matrix = {"p.weight": weights["in_proj.weight"][rows], "p.bias": weights["in_proj.bias"][rows]}
    return each(lambda second: linear(matrix, "p", second), sequence)


def modified(weights, heads, own, other):
    """FGNL*: x [T, d] and y [S, d] -> features [T, d] and the map [heads, T, T + S]."""
    (time, width), both = own.shape, np.concatenate([own, other])
    size = width // heads
    joined, attention = np.zeros((time, width)), []
    for head in range(heads):
        channels = slice(head * size, (head + 1) * size)
        query = _projected(weights, 0, own)[:, channels]
        key, value = (_projected(weights, which, both)[:, channels] for which in (1, 2))
        calm_query, calm_key = smooth(query), smooth(key[time:])

        def score(i, j, roll, query=query, key=key, calm_query=calm_query, calm_key=calm_key):
            if j < time:
                return dot(query[i], key[j]) / math.sqrt(size)
            return dot(calm_query[i], np.roll(calm_key[j - time], roll)) / math.sqrt(size)

        rolls, maps = roll_by_roll(score, value, time, len(both))
        joined[:, channels] = each(
            lambda second: restore(weights, second), excitation(part(weights, "excitation"), rolls)
        )
        attention.append(maps)
    return each(lambda second: linear(weights, "out_proj", second), joined), np.stack(attention)


def unmodified(weights, own, other):
    """FGNL: x [T, d] and y [S, d] -> features [T, d] and the map [1, T, T + S]."""

    def branch(name, sequence):
        return smooth(each(lambda second: linear(weights, name, second), sequence))

    query = branch("theta", own)
    key = np.concatenate([branch("own_phi", own), branch("other_phi", other)])
    value = np.concatenate([branch("own_g", own), branch("other_g", other)])
    rolls, maps = roll_by_roll(
        lambda i, j, roll: dot(query[i], np.roll(key[j], roll)), value, len(own), len(own) + len(other)
    )
    weighted = excitation(part(weights, "excitation"), rolls)
    return each(lambda second: restore(weights, second), weighted), maps[None]
