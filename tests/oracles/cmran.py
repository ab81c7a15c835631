"""CMRAN for one clip, out of the other oracles: AGSCA, encoders, attention over both modalities, fusion, two heads."""

from __future__ import annotations

import math

import numpy as np

from oracles.agsca import spatial_channel_attention
from oracles.attention import dot_product_attention
from oracles.basics import each, linear, part, relu, weights_of
from oracles.blocks import encoder, feed_forward
from oracles.fusion import fusion


def cross_modality_relation(weights, heads, own, other):
    """CMRA: x and y, both [T, d] -> features [T, d] and attention [heads, T, 2 T], a dot product with every key."""
    attended, shares = dot_product_attention(part(weights, "attention"), heads, own, np.concatenate([own, other]))
    pairs = zip(attended, own, strict=True)
    return np.stack([feed_forward(part(weights, "feed_forward"), *pair) for pair in pairs]), shares


def cmran(model, visual, sounds):
    """Visual [T, H, W, D_v], sounds [T, D_a] -> logits and attention maps by name."""
    weights, c = weights_of(model), model.config
    regions = visual.reshape(len(visual), -1, visual.shape[-1])
    regions = np.stack([each(lambda region: relu(linear(weights, "visual.0", region)), one) for one in regions])
    seen, spatial, channel = spatial_channel_attention(part(weights, "agta"), regions, sounds)
    v_self, _ = encoder(part(weights, "visual_encoder"), c.encoder.layers, c.encoder.heads, seen)
    a_self, _ = encoder(part(weights, "audio_encoder"), c.encoder.layers, c.encoder.heads, sounds)
    v_query = each(lambda second: linear(weights, "visual_query", second), seen)
    a_query = each(lambda second: linear(weights, "audio_query", second), sounds)
    cross = c.inter_modality
    v_cross, inter_visual = cross_modality_relation(part(weights, "visual_cross"), cross.heads, v_query, a_self)
    a_cross, inter_audio = cross_modality_relation(part(weights, "audio_cross"), cross.heads, a_query, v_self)
    fused = fusion(part(weights, "fusion"), c.fusion.heads, a_cross, v_cross)
    largest = np.array([max(values) for values in fused.T])
    return {
        "relevance_logits": each(lambda second: linear(weights, "relevance", second), fused)[:, 0],
        "category_logits": linear(weights, "category", largest),
        "spatial": spatial.reshape(visual.shape[:3]),
        "channel": channel,
        "inter_modality_visual": inter_visual,
        "inter_modality_audio": inter_audio,
    }


def weak_loss(relevance_logits, category_logits, present):
    """Multi-label soft margin of one clip's softmaxed scores: [T], [C + 1], [C + 1] of 0 and 1 -> a number."""
    scores = [max(logit / (1 + math.exp(-r)) for r in relevance_logits) for logit in category_logits]
    total = sum(math.exp(score) for score in scores)
    loss = 0.0
    for score, there in zip(scores, present, strict=True):
        probability = 1 / (1 + math.exp(-math.exp(score) / total))  # of a score that is a probability already
        loss -= math.log(probability if there else 1 - probability) / len(scores)
    return loss
