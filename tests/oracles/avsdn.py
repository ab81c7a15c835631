"""AVSDN, step by step: encoders to their last states, DMRN of both kinds of state, the decoder from there."""

from __future__ import annotations

import numpy as np

from oracles.basics import linear, part, sigmoid, weights_of
from oracles.dmrn import residual_fusion


def run(weights, sequence, hidden, cell):
    """A forward LSTM over [T, n] from two states [d]: all hidden states, and the last of both."""
    size, states = len(hidden), []
    for step in sequence:
        gates = weights["weight_ih_l0"] @ step + weights["bias_ih_l0"]
        gates = gates + weights["weight_hh_l0"] @ hidden + weights["bias_hh_l0"]
        enter, forget, candidate, leave = (gates[n * size : (n + 1) * size] for n in range(4))
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
        hidden = sigmoid(leave) * np.tanh(cell)
        states.append(hidden)
    return states, hidden, cell


def avsdn(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights, nothing = weights_of(model), np.zeros(model.config.width)
    pictures = [sum(second) / len(second) for second in regions]
    _, v_hidden, v_cell = run(part(weights, "visual_lstm"), pictures, nothing, nothing)
    _, a_hidden, a_cell = run(part(weights, "audio_lstm"), sounds, nothing, nothing)
    hidden = residual_fusion(part(weights, "hidden_fusion"), v_hidden, a_hidden)
    cell = residual_fusion(part(weights, "cell_fusion"), v_cell, a_cell)
    pairs = [np.concatenate(second) for second in zip(pictures, sounds, strict=True)]
    states, _, _ = run(part(weights, "decoder"), pairs, hidden, cell)
    return {"logits": np.stack([linear(weights, "head", state) for state in states])}
