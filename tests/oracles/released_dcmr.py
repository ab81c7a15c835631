"""The released DCMR, straight from the released names and out of torch's own modules; nothing of dmin is in it."""

from __future__ import annotations

import torch
from torch import nn

WIDTH, HEADS, HIDDEN, ALPHA = 256, 4, 2048, 0.5
SIZE = WIDTH // HEADS


def _own(state, prefix):
    return {name.removeprefix(f"{prefix}."): value for name, value in state.items() if name.startswith(f"{prefix}.")}


def _linear(state, prefix, values):
    return values @ state[f"{prefix}.weight"].T + state[f"{prefix}.bias"]


def _norm(state, prefix, values):
    return nn.functional.layer_norm(values, (WIDTH,), state[f"{prefix}.weight"], state[f"{prefix}.bias"])


def _encoder(state, modality, features):
    """Two post-norm layers of torch: [T, D] -> [T, d]."""
    values = _linear(state, f"{modality}_encoder.affine_matrix", features)
    for number in range(2):
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, dtype=torch.float64).eval()
        layer.load_state_dict(_own(state, f"{modality}_encoder.encoder.layers.{number}"))
        values = layer(values)
    return values


def _dense(query, key):
    """Mean over the cyclic shifts of the query, the unshifted one weighing alpha, the others sharing the rest."""
    shares = [ALPHA] + [(1 - ALPHA) / (SIZE - 1)] * (SIZE - 1)
    return sum(share * (query.roll(shift) @ key) for shift, share in enumerate(shares)) / SIZE


def _decoder(state, modality, features, other_self):
    """One layer: the other modality's self-attended features come first in its memory, then its own plain ones."""
    layer = _own(state, f"{modality}_decoder.decoder.layers.0")
    own = _linear(state, f"{modality}_decoder.affine_matrix", features)
    memory = torch.cat([other_self, own])
    weights, biases = (layer[f"multihead_attn.in_proj_{name}"].chunk(3) for name in ("weight", "bias"))
    queries, keys, values = (
        x @ weight.T + bias for x, weight, bias in zip((own, memory, memory), weights, biases, strict=True)
    )
    heads = []
    for head in range(HEADS):
        here = slice(head * SIZE, (head + 1) * SIZE)
        scores = torch.zeros(len(own), len(memory), dtype=torch.float64)
        for i, query in enumerate(queries[:, here] / SIZE**0.5):
            for j, key in enumerate(keys[:, here]):
                scores[i, j] = _dense(query, key) if j < len(other_self) else query @ key
        heads.append(scores.softmax(-1) @ values[:, here])
    first = _norm(layer, "norm1", own + _linear(layer, "multihead_attn.out_proj", torch.cat(heads, 1)))
    hidden = _linear(layer, "linear2", _linear(layer, "linear1", first).relu())
    return _norm(layer, "norm2", first + hidden)


def released_dcmr(state, direction, visual, audio, query_mask):
    """One clip, float64: visual [T, 512], audio [T, 128], query_mask [T] -> segment logits [T]."""
    seen, heard = _encoder(state, "video", visual), _encoder(state, "audio", audio)
    visual_cross = _decoder(state, "video", visual, heard)
    audio_cross = _decoder(state, "audio", audio, seen)
    asking, asked = (audio_cross, visual_cross) if direction == "a2v" else (visual_cross, audio_cross)
    query = asking.mean(-1)[query_mask]
    products = asked.clone()
    for start in range(len(asked) - len(query) + 1):
        products[start : start + len(query)] *= query[:, None]  # in place: products pile up
    return _linear(state, "localize_module.classifier", products)[:, 0]
