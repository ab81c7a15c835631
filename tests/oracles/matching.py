"""Eq. 19 for one clip, product by product, and DCMR out of the other oracles."""

from __future__ import annotations

import numpy as np

from oracles.basics import each, linear, part, weights_of
from oracles.blocks import dima, encoder


def windowed(weights, name, query, candidates):
    """Each window has products of its own; a second's logit is the mean over the windows that cover it."""
    logits = [[] for _ in candidates]
    for start in range(len(candidates) - len(query) + 1):
        for place, value in enumerate(query):
            product = np.array([value * channel for channel in candidates[start + place]])
            logits[start + place].append(linear(weights, name, product)[0])
    return np.array([sum(one) / len(one) for one in logits])


def cumulative(weights, name, query, candidates):
    """The released code: products in place, one window after the other."""
    products = np.array(candidates)
    for start in range(len(candidates) - len(query) + 1):
        for place, value in enumerate(query):
            products[start + place] = np.array([value * channel for channel in products[start + place]])
    return np.array([linear(weights, name, second)[0] for second in products])


def dcmr(model, visual, sounds, query_mask):
    """One clip: visual [T, D_v], sounds [T, D_a], query_mask [T] -> segment logits [T]."""
    weights, c = weights_of(model), model.config
    if c.protocol == "strict":  # the asking modality is cut down to the query
        if c.direction == "a2v":
            sounds = sounds[query_mask]
        else:
            visual = visual[query_mask]
        query_mask = np.ones(int(query_mask.sum()), bool)
    v_self, _ = encoder(part(weights, "visual_encoder"), c.encoder.layers, c.encoder.heads, visual)
    a_self, _ = encoder(part(weights, "audio_encoder"), c.encoder.layers, c.encoder.heads, sounds)
    v_query = each(lambda second: linear(weights, "visual_query", second), visual)
    a_query = each(lambda second: linear(weights, "audio_query", second), sounds)
    cross = c.inter_modality
    v_cross, _ = dima(part(weights, "visual_cross"), cross.heads, v_query, a_self, cross.alpha, cross.mean_pairs)
    a_cross, _ = dima(part(weights, "audio_cross"), cross.heads, a_query, v_self, cross.alpha, cross.mean_pairs)
    asking, asked = (a_cross, v_cross) if c.direction == "a2v" else (v_cross, a_cross)
    means = np.array([sum(second) / len(second) for second in asking])
    match = windowed if c.matching == "windowed" else cumulative
    return match(weights, "relevance", means[query_mask], asked)
