"""AVEL, second by second: its attention region by region, its Bi-LSTMs gate by gate."""

from __future__ import annotations

import numpy as np

from oracles.agta import lstm
from oracles.agva import guided_attentions
from oracles.basics import each, linear, part, relu, weights_of
from oracles.dmrn import residual_fusion


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
