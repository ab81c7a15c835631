"""DCCA: its objective by NumPy's singular values, and its linear CCA out of moments that are summed up step by step."""

from __future__ import annotations

import math

import numpy as np

from oracles.basics import each, linear, part, sigmoid, weights_of


def output(weights, second):
    """One second through both layers."""
    return linear(weights, "2", sigmoid(linear(weights, "0", second)))


def outputs(model, visual, sounds):
    """Pictures [N, D_v] and sounds [N, D_a] -> both outputs [N, d]."""
    weights = weights_of(model)
    seen = each(lambda second: output(part(weights, "visual"), second), visual)
    return seen, each(lambda second: output(part(weights, "audio"), second), sounds)


def root(matrix):
    """M^(-1/2)."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag([1 / math.sqrt(value) for value in values]) @ vectors.T


def covariance(one, other):
    """Of the columns of [N, d] and [N, e]: [d, e]."""
    total = np.zeros((one.shape[1], other.shape[1]))
    for a, b in zip(one, other, strict=True):
        total += np.outer(a - sum(one) / len(one), b - sum(other) / len(other))
    return total / (len(one) - 1)


def correlations(one, other, ridge):
    """Canonical correlations of pairs [N, d] and [N, e], in falling order."""
    own = root(covariance(one, one) + ridge * np.eye(one.shape[1]))
    theirs = root(covariance(other, other) + ridge * np.eye(other.shape[1]))
    return np.linalg.svd(own @ covariance(one, other) @ theirs, compute_uv=False)


def moments(steps, momentum):
    """Mean [2 d] and covariance [2 d, 2 d] after steps of pairs [N, 2 d], each faded once for each step after it."""
    shares = [len(pairs) * (1 - momentum) ** (len(steps) - 1 - place) for place, pairs in enumerate(steps)]
    mean = sum(share * sum(pairs) / len(pairs) for share, pairs in zip(shares, steps, strict=True))
    spread = sum(share * covariance(pairs, pairs) for share, pairs in zip(shares, steps, strict=True))
    return mean / sum(shares), spread / sum(shares)


def cosines(query, candidates):
    """[S, d] and [T, d] -> [S, T]."""
    return np.array(
        [[a @ b / math.sqrt((a @ a) * (b @ b)) for b in candidates] for a in query],
    )


def similarity(model, mean, spread, visual, sounds):
    """One clip: pictures [T, D_v], sounds [S, D_a] -> cosines [T, S] in the space of the linear CCA."""
    size, ridge = model.config.embedding, model.config.ridge * np.eye(model.config.embedding)
    own, theirs = root(spread[:size, :size] + ridge), root(spread[size:, size:] + ridge)
    left, _, right = np.linalg.svd(own @ spread[:size, size:] @ theirs)
    seen, heard = outputs(model, visual, sounds)
    pictures = each(lambda second: left.T @ own @ (second - mean[:size]), seen)
    return cosines(pictures, each(lambda second: right @ theirs @ (second - mean[size:]), heard))
