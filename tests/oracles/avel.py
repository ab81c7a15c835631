"""AVEL, second by second: its attention region by region, its Bi-LSTMs gate by gate."""

from __future__ import annotations

import math

import numpy as np

from oracles.agta import lstm
from oracles.basics import each, linear, part, relu, softmax, weights_of
from oracles.dmrn import residual_fusion


def guided_attention(weights, regions, sound):
    """AGVA for one second: regions [R, D], sound [D_a] -> v [D], weights [R]."""
    heard = linear(weights, "audio_content", relu(linear(weights, "audio", sound)))  # a number a region
    scores = []
    for number, region in enumerate(regions):
        seen = linear(weights, "visual_content", relu(linear(weights, "visual", region)))
        content = [math.tanh(value + heard[number]) for value in seen]
        scores.append(linear(weights, "score", np.array(content))[0])
    spatial = softmax(scores)
    return sum(weight * region for weight, region in zip(spatial, regions, strict=True)), spatial


def guided_attentions(weights, regions, sounds):
    """AGVA for all seconds: regions [T, R, D], sounds [T, D_a] -> v [T, D], weights [T, R]."""
    seconds = [guided_attention(weights, *second) for second in zip(regions, sounds, strict=True)]
    return np.stack([values for values, _ in seconds]), np.stack([spatial for _, spatial in seconds])


def head(weights, vector):
    """Linear to 64, ReLU, linear to the labels."""
    return linear(weights, "2", relu(linear(weights, "0", vector)))


def fuse(weights, kind, seen, heard):
    """Both states of one second -> logits."""
    if kind == "dmrn":
        return linear(weights, "head", residual_fusion(part(weights, "dmrn"), seen, heard))
    return head(part(weights, "head"), relu(np.concatenate([heard, seen])))


def avel(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights = weights_of(model)
    values, spatial = guided_attentions(part(weights, "attention"), regions, sounds)
    seen = lstm(part(weights, "visual_lstm"), 1, values)
    heard = lstm(part(weights, "audio_lstm"), 1, sounds)
    fusion = part(weights, "fusion")
    logits = [fuse(fusion, model.config.fusion, *second) for second in zip(seen, heard, strict=True)]
    return {"logits": np.stack(logits), "spatial": spatial}


def single(model, regions, sounds):
    """One clip, of which one modality is looked at: regions [T, R, D], sounds [T, D_a]."""
    weights = weights_of(model)
    pictures = np.stack([sum(second) / len(second) for second in regions])
    states = lstm(part(weights, "lstm"), 1, {"audio": sounds, "visual": pictures}[model.config.modality])
    return {"logits": each(lambda state: head(part(weights, "head"), relu(state)), states)}
