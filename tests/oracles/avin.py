"""AVIN, second by second."""

from __future__ import annotations

import numpy as np

from oracles.agta import bilinear_pooling
from oracles.attention import dot
from oracles.avel import head
from oracles.basics import part, softmax, weights_of
from oracles.recurrent import lstm


def weighted_by(query, sequence):
    """softmax_t(F_t . g) F_t: query [d], sequence [T, d] -> [T, d]."""
    shares = softmax([dot(second, query) for second in sequence])
    return np.stack([share * second for share, second in zip(shares, sequence, strict=True)])


def mean(sequence):
    return sum(sequence) / len(sequence)


def avin(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights = weights_of(model)
    seen = lstm(part(weights, "visual_lstm"), 1, np.stack([mean(second) for second in regions]))
    heard = lstm(part(weights, "audio_lstm"), 1, sounds)
    own_heard, own_seen = weighted_by(mean(heard), heard), weighted_by(mean(seen), seen)
    found_seen, found_heard = weighted_by(mean(own_heard), seen), weighted_by(mean(own_seen), heard)
    logits = []
    for t in range(len(sounds)):
        pooled = bilinear_pooling(part(weights, "bilinear"), model.config.factors, seen[t], heard[t])
        parts = [own_heard[t], own_seen[t], found_seen[t], found_heard[t], pooled]
        logits.append(head(part(weights, "head"), np.concatenate(parts)))
    return {"logits": np.stack(logits)}
