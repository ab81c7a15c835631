"""AVDLN, pair of seconds by pair of seconds, and how windows are found in its space and DCCA's."""

from __future__ import annotations

import math

import numpy as np

from oracles.basics import each, linear, part, weights_of


def embedded(weights, second):
    """One second through both layers."""
    hidden = [value if value > 0 else 0.3 * value for value in linear(weights, "0", second)]
    return linear(weights, "2", np.array(hidden))


def distance(one, other):
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)))


def avdln(model, asking, asked):
    """One clip: asking [S, D], asked [T, D] -> minus the distances [S, T]."""
    weights = weights_of(model)
    names = ("audio", "visual") if model.config.direction == "a2v" else ("visual", "audio")
    query, candidates = (
        each(lambda second, name=name: embedded(part(weights, name), second), sequence)
        for name, sequence in zip(names, (asking, asked), strict=True)
    )
    return np.array([[-distance(one, other) for other in candidates] for one in query])


def contrastive(query, candidates, event, mask):
    """The loss: query [B, T, d], candidates [B, T, d], event [B, T], mask [B, T]."""
    terms = []
    for clip in range(len(query)):
        for t in range(len(query[clip])):
            if mask[clip][t]:
                apart = distance(query[clip][t], candidates[clip][t])
                terms.append(apart**2 if event[clip][t] else max(0.0, 2 - apart) ** 2)
    return sum(terms) / len(terms)


def window_sums(similarity, query):
    """One clip without padding: similarity [S, T], query [S] -> a sum for each window [T - L + 1]."""
    seconds = [s for s, of_query in enumerate(query) if of_query]
    starts = range(similarity.shape[1] - len(seconds) + 1)
    return [sum(similarity[second, start + place] for place, second in enumerate(seconds)) for start in starts]
