"""DAM, second by second."""

from __future__ import annotations

import math

import numpy as np

from oracles.agva import guided_attentions
from oracles.attention import dot, dot_product_attention
from oracles.basics import each, layer_norm, linear, part, relu, weights_of


def local(weights, sequence):
    return each(lambda second: linear(weights, "project", second), sequence)


def about(weights, heads, seconds):
    """The global vector of local features [T, d]."""
    attended, _ = dot_product_attention(part(weights, "attention"), heads, seconds, seconds)
    context = [layer_norm(weights, "norm", own + other) for own, other in zip(seconds, attended, strict=True)]
    return sum(context) / len(context)


def shares(vector, seconds):
    """The sigmoid of a global vector's product with each local one."""
    return [1 / (1 + math.exp(-dot(second, vector) / math.sqrt(len(vector)))) for second in seconds]


def logits(probabilities):
    return np.array([math.log(share / (1 - share)) for share in probabilities])


def both(one, other):
    """The mean of two directions, as a logit."""
    return logits([(a + b) / 2 for a, b in zip(one, other, strict=True)])


def dam(model, regions, sounds):
    """One clip: regions [T, R, D], sounds [T, D_a]."""
    weights, heads = weights_of(model), model.config.heads
    values, spatial = guided_attentions(part(weights, "attention"), regions, sounds)
    seen, heard = local(part(weights, "visual"), values), local(part(weights, "audio"), sounds)
    picture, sound = about(part(weights, "visual"), heads, seen), about(part(weights, "audio"), heads, heard)
    fused = relu(linear(weights, "category.0", np.concatenate([sound, picture])))
    return {
        "relevance": both(shares(sound, seen), shares(picture, heard)),
        "category": linear(weights, "category.3", fused),
        "spatial": spatial,
    }


def dam_matching(model, asking, query, asked):
    """One clip in evaluation: asking [S, D], query [S], asked [T, D] -> logits [T]."""
    of_asking, of_asked, heads = _sides(model)
    vector = about(of_asking, heads, local(of_asking, asking[query]))
    return logits(shares(vector, local(of_asked, asked)))


def dam_matching_in_training(model, asking, query, asked):
    """One clip in training: asking [T, D], query [T], asked [T, D] -> logits [T]."""
    of_asking, of_asked, heads = _sides(model)
    own, other = local(of_asking, asking), local(of_asked, asked)
    forth = shares(about(of_asking, heads, own[query]), other)
    back = shares(about(of_asked, heads, other[query]), own)
    return both(forth, back)


def _sides(model):
    weights = weights_of(model)
    names = ("audio", "visual") if model.config.direction == "a2v" else ("visual", "audio")
    return *(part(weights, name) for name in names), model.config.heads
