"""CACE-Net, second by second, region by region; its contrast, vector by vector."""

from __future__ import annotations

import math

import numpy as np

from oracles.agsca import spatial_channel_attention
from oracles.agta import channel_attention
from oracles.basics import each, layer_norm, linear, part, relu, sigmoid, softmax, weights_of
from oracles.blocks import encoder
from oracles.cmran import cross_modality_relation
from oracles.fusion import fusion
from oracles.recurrent import states


def plain_attention(weights, asking, asked):
    """[T, D_q] and [S, D] -> [T, D]."""
    answers = []
    for one in asking:
        query = linear(weights, "query", one)
        shares = softmax([sum(query * linear(weights, "key", other)) for other in asked])
        answers.append(sum(share * linear(weights, "value", other) for share, other in zip(shares, asked, strict=True)))
    return np.stack(answers)


def in_context(weights, attention, norm, vectors):
    """Self-attention with residual and norm: [N, D] -> [N, D]."""
    answers = plain_attention(part(weights, attention), vectors, vectors)
    return each(lambda vector: layer_norm(weights, norm, vector), vectors + answers)


def self_guidance(weights, regions):
    """One second's regions [R, D] -> [D]."""
    mean = relu(linear(weights, "mean", sum(regions) / len(regions)))
    scores = [
        math.tanh(linear(weights, "spatial.score", relu(linear(weights, "region", r)) * mean)[0]) for r in regions
    ]
    return sum(share * region for share, region in zip(softmax(scores), regions, strict=True))


def guided_by_context(weights, regions, context, sound):
    """AGSCA of one second whose channels are weighed by other regions: v [D] and M^S [R]."""
    gate = channel_attention(part(weights, "channel"), context, sound)
    # Channels weighed beforehand, and the layer's own gate open by nothing: what is left of AGSCA is its spatial part.
    shut = weights | {"channel.excite.weight": 0 * weights["channel.excite.weight"]}
    shut["channel.excite.bias"] = weights["channel.excite.bias"] * 0 - 700.0
    values, spatial, _ = spatial_channel_attention(shut, ((gate + 1) * regions)[None], sound[None])
    return values[0], spatial[0]


def co_guidance(weights, regions, sounds, *, visual_share, audio_share):
    """Regions [T, R, D], sounds [T, D_a] -> guided v [T, D], guided a [T, D_a], M^S [T, R]."""
    seen, spatial, pictures = [], [], []
    for second, sound in zip(regions, sounds, strict=True):
        context = in_context(weights, "regions", "regions_norm", second)
        value, shares = guided_by_context(part(weights, "guidance"), second, context, sound)
        own = sigmoid(self_guidance(part(weights, "self_guidance"), context))
        seen.append(value + visual_share * own * value)
        spatial.append(shares)
        other = in_context(weights, "regions_for_sound", "regions_norm", second)
        pictures.append(sum(other) / len(other))
    heard = in_context(weights, "seconds", "seconds_norm", sounds)
    answers = plain_attention(part(weights, "picture_asks"), np.stack(pictures), heard)
    guided = [a + audio_share * sigmoid(h) * a for a, h in zip(sounds, answers, strict=True)]
    return np.stack(seen), np.stack(guided), np.stack(spatial)


def best_four(scores):
    """The mean of each category's four highest scores, of all if there are fewer: [T, C] -> [C]."""
    best = [sorted(column, reverse=True)[:4] for column in scores.T]
    return np.array([sum(column) / len(column) for column in best])


def unit(vector):
    length = math.sqrt(sum(vector**2))
    return vector / length if length else vector


def cace(model, regions, sounds):
    """One clip in evaluation: regions [T, R, D], sounds [T, D_a] -> all of its answers by name."""
    weights, c = weights_of(model), model.config
    regions = np.stack([each(lambda region: relu(linear(weights, "visual.0", region)), second) for second in regions])
    shares = {"visual_share": c.visual_share, "audio_share": c.audio_share}
    seen, heard, spatial = co_guidance(part(weights, "guidance"), regions, sounds, **shares)
    seen, _, _ = states(part(weights, "visual_lstm"), 1, seen)
    heard, _, _ = states(part(weights, "audio_lstm"), 1, heard)
    v_self, _ = encoder(part(weights, "visual_encoder"), c.layers, c.heads, seen)
    a_self, _ = encoder(part(weights, "audio_encoder"), c.layers, c.heads, heard)
    v_query = each(lambda second: linear(weights, "visual_query", second), seen)
    a_query = each(lambda second: linear(weights, "audio_query", second), heard)
    v_cross, _ = cross_modality_relation(part(weights, "visual_cross"), c.heads, v_query, a_self)
    a_cross, _ = cross_modality_relation(part(weights, "audio_cross"), c.heads, a_query, v_self)
    v_gate = each(lambda second: sigmoid(linear(weights, "visual_gate", second)), v_self)
    a_gate = each(lambda second: sigmoid(linear(weights, "audio_gate", second)), a_self)
    v_cross, a_cross = v_cross + c.gate_share * a_gate * v_cross, a_cross + c.gate_share * v_gate * a_cross
    side = best_four(each(lambda second: linear(weights, "visual_category", second), v_cross)) / 2
    side = side + best_four(each(lambda second: linear(weights, "audio_category", second), a_cross)) / 2
    v_fused = fusion(part(weights, "visual_fusion"), c.heads, a_cross, v_cross)
    a_fused = fusion(part(weights, "audio_fusion"), c.heads, v_fused, a_cross)
    fused = (v_fused + a_fused) / 2
    queries = each(lambda second: relu(linear(weights, "contrast.0", second)), fused)
    relevance = each(lambda second: linear(weights, "relevance", second), fused + c.contrast_share * queries)
    largest = np.array([max(values) for values in fused.T])
    return {
        "relevance_logits": relevance[:, 0],
        "category_logits": linear(weights, "category", largest) + c.side_share * side,
        "side_logits": side,
        "gates": (v_gate * a_gate)[:, 0],
        "queries": each(unit, queries),
        "keys": each(unit, queries),
        "spatial": spatial,
    }


def contrast(queries, keys, event):
    """The contrast of one clip: queries [T, d], keys [T, d], event [T] -> the loss of each of the 2 T vectors."""
    vectors = [(t, vector) for side in (queries, keys) for t, vector in enumerate(side)]
    losses = []
    for i, (t, vector) in enumerate(vectors):
        powers, together = [], []
        for j, (s, other) in enumerate(vectors):
            if i == j:
                continue
            power = math.exp(sum(vector * other) / 0.01)
            powers.append(power)
            if s == t or (event[s] and event[t]):
                together.append(power)
        losses.append(-math.log(sum(together) / len(together) / sum(powers)))
    return losses
