"""Cross-modality co-attention, second by second."""

from __future__ import annotations

import numpy as np

from oracles.basics import linear, part, sigmoid, softmax
from oracles.recurrent import direction


def co_attention(weights, sequence, other):
    """x [T, n] and A [S, d] -> h_t + beta_t s_t + (1 - beta_t) c_t, [T, d]."""
    cell = part(weights, "cell")
    before, answers = np.zeros(other.shape[1]), []
    for t, step in enumerate(sequence):
        states, memory = direction(cell, "", sequence[: t + 1])  # all again, so that the cell state is that of t
        state = states[-1]
        sentinel = sigmoid(linear(weights, "gate", np.concatenate([step, before]))) * np.tanh(memory)
        asked = linear(weights, "state", state)
        scores = [linear(weights, "score", np.tanh(linear(weights, "other", a) + asked))[0] for a in other]
        own = linear(weights, "score", np.tanh(linear(weights, "sentinel", sentinel) + asked))[0]
        context = sum(share * a for share, a in zip(softmax(scores), other, strict=True))
        beta = softmax([*scores, own])[-1]
        answers.append(state + beta * sentinel + (1 - beta) * context)
        before = state
    return np.stack(answers)
