"""Generalized non-local attention, group by group, element by element."""

from __future__ import annotations

import math

import numpy as np

from oracles.basics import each, linear, softmax


def group_norm(weights, name, groups, sequence):
    """A group's mean and variance are those of all of its channels at all seconds of [T, d]."""
    size = sequence.shape[1] // groups
    normed = np.zeros_like(sequence)
    for group in range(groups):
        channels = range(group * size, (group + 1) * size)
        values = [second[c] for second in sequence for c in channels]
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        for t, second in enumerate(sequence):
            for c in channels:
                scaled = (second[c] - mean) / math.sqrt(variance + 1e-5)
                normed[t, c] = scaled * weights[f"{name}.weight"][c] + weights[f"{name}.bias"][c]
    return normed


def look(kernel, query, keys, values):
    """What one element of a group sees of all elements of it."""
    scores = [query * key for key in keys]
    shares = softmax(scores) if kernel == "softmax" else scores
    return sum(share * value for share, value in zip(shares, values, strict=True))


def generalized_non_local(weights, groups, kernel, modified, own, other):
    """x [T, d] and y [S, d] -> features [T, d]."""
    both = np.concatenate([own, other])
    query = each(lambda second: linear(weights, "query", second), own if modified else both)
    key = each(lambda second: linear(weights, "key", second), both)
    value = each(lambda second: linear(weights, "value", second), both)
    size = own.shape[1] // groups
    result = np.zeros_like(query)
    for group in range(groups):
        channels = range(group * size, (group + 1) * size)
        keys, values = ([second[c] for second in sequence for c in channels] for sequence in (key, value))
        for i, second in enumerate(query):
            mixed = np.array([look(kernel, second[c], keys, values) for c in channels])
            for c in channels:
                result[i, c] = sum(weights["out.weight"][c, :, 0] * mixed)
    return group_norm(weights, "norm", groups, result)[: len(own)]
