"""DMRN of AVEL's second form, pair by pair."""

from __future__ import annotations

import numpy as np

from oracles.basics import linear, part


def two_layers(weights, vector):
    """U: linear, tanh, linear."""
    return linear(weights, "2", np.tanh(linear(weights, "0", vector)))


def residual_fusion(weights, seen, heard):
    """One block for one pair of vectors [d], [d] -> [d]."""
    common = 0.5 * (two_layers(part(weights, "visual"), seen) + two_layers(part(weights, "audio"), heard))
    return 0.5 * (np.tanh(seen + common) + np.tanh(heard + common))
