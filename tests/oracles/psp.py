"""PSP, pair of seconds by pair of seconds."""

from __future__ import annotations

import math

import numpy as np

from oracles.agta import lstm
from oracles.agva import guided_attentions
from oracles.avel import head
from oracles.basics import each, linear, part, relu, sigmoid, weights_of


def shares(row):
    """A row divided by its sum; all 0 where that is 0."""
    total = sum(row)
    return [value / total if total else 0.0 for value in row]


def kept(row, threshold, renormalize):
    """Shares of one row above the threshold, as shares again if they are to be."""
    row = [share if share > threshold else 0.0 for share in shares(row)]
    return shares(row) if renormalize else row


def propagate(weights, seen, heard, *, threshold, renormalize):
    """Both sides [T, d] after what agrees with them was added, and gamma_va and gamma_av, [T, T]."""
    v1, v2 = (each(lambda second, name=name: relu(linear(weights, name, second)), seen) for name in ("v1.0", "v2.0"))
    a1, a2 = (each(lambda second, name=name: relu(linear(weights, name, second)), heard) for name in ("a1.0", "a2.0"))
    root = math.sqrt(seen.shape[1])
    beta = [[max(0.0, sum(query * key) / root) for key in a1] for query in v2]
    to_visual = [kept(row, threshold, renormalize) for row in beta]
    to_audio = [kept(column, threshold, renormalize) for column in zip(*beta, strict=True)]
    seen_more = [own + _weighted(row, a2) for own, row in zip(seen, to_visual, strict=True)]
    heard_more = [own + _weighted(row, v1) for own, row in zip(heard, to_audio, strict=True)]
    return np.stack(seen_more), np.stack(heard_more), np.array(to_visual), np.array(to_audio)


def _weighted(row, values):
    return sum(weight * value for weight, value in zip(row, values, strict=True))


def norm(weights, vector):
    """The shared layer norm, whose epsilon is not the usual one."""
    mean = sum(vector) / len(vector)
    variance = sum((value - mean) ** 2 for value in vector) / len(vector)
    return (vector - mean) / math.sqrt(variance + 1e-6) * weights["norm.weight"] + weights["norm.bias"]


def cosine(one, other):
    lengths = math.sqrt(sum(one**2)) * math.sqrt(sum(other**2))
    return sum(one * other) / lengths if lengths else 0.0


def psp(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights, full = weights_of(model), model.config.supervision == "full"
    if full:
        sounds = each(lambda sound: linear(weights, "audio.1", linear(weights, "audio.0", sound)), sounds)
    values, spatial = guided_attentions(part(weights, "attention"), regions, sounds)
    if full:
        pictures = each(lambda value: linear(weights, "visual.1", linear(weights, "visual.0", value)), values)
    else:
        pictures = each(lambda value: linear(weights, "visual", value), values)
    seen = lstm(part(weights, "visual_lstm"), 1, pictures)
    heard = lstm(part(weights, "audio_lstm"), 1, sounds)
    propagation = part(weights, "propagation")
    threshold = model.config.threshold
    seen, heard, _, _ = propagate(propagation, seen, heard, threshold=threshold, renormalize=full)
    if full:
        seen = each(lambda second: relu(linear(weights, "visual_out.0", second)), seen)
        heard = each(lambda second: relu(linear(weights, "audio_out.0", second)), heard)
    seen, heard = each(lambda second: norm(weights, second), seen), each(lambda second: norm(weights, second), heard)
    logits = each(lambda second: head(part(weights, "head"), second), (seen + heard) / 2)
    if full:
        agreement = [max(0.0, cosine(*second)) for second in zip(seen, heard, strict=True)]
        return {"logits": logits, "spatial": spatial, "agreement": np.array(agreement)}
    return {"logits": each(lambda second: _weigh(weights, second), logits), "spatial": spatial}


def _weigh(weights, scores):
    return scores * sigmoid(relu(linear(weights, "weighting", scores)))[0]
