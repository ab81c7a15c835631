"""LSTMs, gate by gate, one clip at a time."""

from __future__ import annotations

import numpy as np

from oracles.basics import sigmoid


def direction(weights, suffix, sequence):
    """One direction of one layer over [T, n]: hidden states [T, h] and the last cell state [h]."""
    size = weights[f"weight_hh{suffix}"].shape[1]
    hidden, cell, states = np.zeros(size), np.zeros(size), []
    for step in sequence:
        gates = weights[f"weight_ih{suffix}"] @ step + weights[f"bias_ih{suffix}"]
        gates = gates + weights[f"weight_hh{suffix}"] @ hidden + weights[f"bias_hh{suffix}"]
        enter, forget, candidate, leave = (gates[n * size : (n + 1) * size] for n in range(4))
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
        hidden = sigmoid(leave) * np.tanh(cell)
        states.append(hidden)
    return np.stack(states), cell


def states(weights, layers, sequence):
    """A stacked LSTM over [T, n], both ways where it has weights for that.

    Hidden states [T, directions * h], and the last hidden and cell states, [layers * directions, h].
    """
    hiddens, cells = [], []
    for layer in range(layers):
        forth, cell = direction(weights, f"_l{layer}", sequence)
        ways, cells = [forth], [*cells, cell]
        hiddens.append(forth[-1])
        if f"weight_ih_l{layer}_reverse" in weights:
            back, cell = direction(weights, f"_l{layer}_reverse", sequence[::-1])
            ways, cells = [forth, back[::-1]], [*cells, cell]
            hiddens.append(back[-1])  # a clip's first second is where the way back ends
        sequence = np.concatenate(ways, 1)
    return sequence, np.stack(hiddens), np.stack(cells)


def lstm(weights, layers, sequence):
    """Hidden states alone."""
    return states(weights, layers, sequence)[0]
