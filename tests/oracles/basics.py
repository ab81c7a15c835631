"""What all oracles stand on: a module's weights in float64, and the functions every textbook has."""

from __future__ import annotations

import math

import numpy as np


def weights_of(module):
    """Parameters by name, as float64 arrays."""
    return {name: value.detach().double().numpy() for name, value in module.named_parameters()}


def part(weights, prefix):
    """Those parameters whose names begin with ``prefix.``, without it."""
    return {name.removeprefix(f"{prefix}."): value for name, value in weights.items() if name.startswith(f"{prefix}.")}


def linear(weights, name, vector):
    """W x + b for one vector."""
    return weights[f"{name}.weight"] @ vector + weights.get(f"{name}.bias", 0.0)


def relu(vector):
    return np.array([max(value, 0.0) for value in vector])


def sigmoid(vector):
    return np.array([1 / (1 + math.exp(-value)) for value in vector])


def softmax(scores):
    powers = [math.exp(score - max(scores)) for score in scores]
    return np.array([power / sum(powers) for power in powers])


def layer_norm(weights, name, vector):
    mean = sum(vector) / len(vector)
    variance = sum((value - mean) ** 2 for value in vector) / len(vector)
    scaled = np.array([(value - mean) / math.sqrt(variance + 1e-5) for value in vector])
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def each(function, sequence):
    """A function of one vector for every second of a sequence [T, D]."""
    return np.stack([function(vector) for vector in sequence])
