"""AVRB, second by second."""

from __future__ import annotations

import math

import numpy as np

from oracles.agta import bilinear_pooling
from oracles.agva import guided_attentions
from oracles.avel import head
from oracles.basics import linear, part, weights_of
from oracles.recurrent import lstm


def gated(weights, fused):
    """f (1 + sigmoid(w . tanh f + b)) for one second [d]."""
    score = linear(weights, "score", np.array([math.tanh(value) for value in fused]))[0]
    return np.array([value * (1 + 1 / (1 + math.exp(-score))) for value in fused])


def avrb(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights = weights_of(model)
    values, spatial = guided_attentions(part(weights, "attention"), regions, sounds)
    steps = [np.concatenate([sum(r) / len(r), sound]) for r, sound in zip(regions, sounds, strict=True)]
    followed = lstm(part(weights, "lstm"), 1, np.stack(steps))
    logits = []
    for state, value, sound in zip(followed, values, sounds, strict=True):
        pooled = bilinear_pooling(part(weights, "bilinear"), model.config.factors, value, sound)
        logits.append(head(part(weights, "head"), gated(part(weights, "gate"), state + pooled)))
    return {"logits": np.stack(logits), "spatial": spatial}
