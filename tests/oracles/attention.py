"""Eq. 9 and 11-13, head by head, query by query, key by key; eq. 13 with its outer product."""

from __future__ import annotations

import math

import numpy as np

from oracles.basics import linear, softmax


def dot(query, key):
    return sum(q * k for q, k in zip(query, key, strict=True))


def full_channel_pair_product(query, key, alpha):
    """Eq. 13: sum((q outer k) * W), W being alpha on the diagonal and (1 - alpha) / (d_k - 1) elsewhere."""
    size = len(query)
    pairs = np.outer(query, key)
    total = 0.0
    for i in range(size):
        for j in range(size):
            total += pairs[i, j] * (alpha if i == j else (1 - alpha) / (size - 1))
    return total


def rolled_channel_pair_product(query, key, alpha):
    """Eq. 13 as the released code has it: the mean over all cyclic shifts of the query."""
    size = len(query)
    shares = [alpha] + [(1 - alpha) / (size - 1) for _ in range(size - 1)]
    return sum(share * dot(np.roll(query, shift), key) for shift, share in enumerate(shares)) / size


def multi_head(weights, heads, queries, memory, score):
    """Eq. 9 and 11. ``score(query, key, j)`` scores the j-th second of the memory, before the division by sqrt(d_k).

    queries [T, d], memory [S, d] -> features [T, d], attention [heads, T, S].
    """
    width = queries.shape[1]
    size = width // heads
    names = ("query", "key", "value")
    rows = {name: slice(n * width, (n + 1) * width) for n, name in enumerate(names)}
    projections = {
        name: {"p.weight": weights["in_proj.weight"][rows[name]], "p.bias": weights["in_proj.bias"][rows[name]]}
        for name in names
    }
    attention = np.zeros((heads, len(queries), len(memory)))
    joined = np.zeros((len(queries), width))
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        keys = [linear(projections["key"], "p", second)[own] for second in memory]
        values = [linear(projections["value"], "p", second)[own] for second in memory]
        for i, second in enumerate(queries):
            query = linear(projections["query"], "p", second)[own]
            scores = [score(query, key, j) / math.sqrt(size) for j, key in enumerate(keys)]
            attention[head, i] = softmax(scores)
            for j, value in enumerate(values):
                joined[i, own] += attention[head, i, j] * value
    return np.stack([linear(weights, "out_proj", second) for second in joined]), attention


def dot_product_attention(weights, heads, queries, memory):
    """Eq. 9."""
    return multi_head(weights, heads, queries, memory, lambda query, key, j: dot(query, key))


def inter_modality_attention(weights, heads, own, other, alpha, mean_pairs, products=("mha", "dfa")):
    """Eq. 11-13, or another pair of Table V: the product with keys of the own modality, then with the other's."""
    dense = rolled_channel_pair_product if mean_pairs else full_channel_pair_product
    score_of = {"mha": dot, "dfa": lambda query, key: dense(query, key, alpha)}

    def score(query, key, j):
        return score_of[products[0 if j < len(own) else 1]](query, key)

    return multi_head(weights, heads, own, np.concatenate([own, other]), score)
