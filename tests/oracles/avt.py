"""AVT: AVTrans, then what follows the attention in AVEL."""

from __future__ import annotations

import numpy as np

from oracles.avel import head
from oracles.avtrans import audio_visual_transformer
from oracles.basics import part, relu, weights_of
from oracles.recurrent import lstm


def avt(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights = weights_of(model)
    values, spatial = audio_visual_transformer(part(weights, "attention"), model.config.heads, regions, sounds)
    seen = lstm(part(weights, "visual_lstm"), 1, values)
    heard = lstm(part(weights, "audio_lstm"), 1, sounds)
    pairs = [relu(np.concatenate([a, v])) for a, v in zip(heard, seen, strict=True)]
    return {"logits": np.stack([head(part(weights, "head"), pair) for pair in pairs]), "spatial": spatial}
