"""The whole network (Fig. 3) for one clip, out of the other oracles."""

from __future__ import annotations

import numpy as np

from oracles.agta import triplet_attention
from oracles.basics import each, linear, part, relu, weights_of
from oracles.blocks import dima, encoder
from oracles.fusion import fusion


def _largest(sequence):
    return np.array([max(channel) for channel in sequence.T])


def dmin(model, visual, sounds):
    """One clip: visual [T, H, W, D_v], sounds [T, D_a] -> logits and attention maps by the names of DecoupledOutput."""
    weights, c = weights_of(model), model.config
    regions = visual.reshape(len(visual), -1, visual.shape[-1])
    if c.visual_width is not None:
        regions = np.stack([each(lambda region: relu(linear(weights, "visual.0", region)), one) for one in regions])
    seen, spatial, channel = triplet_attention(
        part(weights, "agta"),
        regions,
        sounds,
        factors=c.visual_attention.factors,
        layers=c.visual_attention.lstm_layers,
        channel_residual=c.visual_attention.channel_residual,
    )
    v_self, temporal_visual = encoder(part(weights, "visual_encoder"), c.encoder.layers, c.encoder.heads, seen)
    a_self, temporal_audio = encoder(part(weights, "audio_encoder"), c.encoder.layers, c.encoder.heads, sounds)
    v_query = each(lambda second: linear(weights, "visual_query", second), seen)
    a_query = each(lambda second: linear(weights, "audio_query", second), sounds)
    cross = c.inter_modality
    v_cross, inter_visual = dima(
        part(weights, "visual_cross"), cross.heads, v_query, a_self, cross.alpha, cross.mean_pairs
    )
    a_cross, inter_audio = dima(
        part(weights, "audio_cross"), cross.heads, a_query, v_self, cross.alpha, cross.mean_pairs
    )
    fused = fusion(part(weights, "fusion"), c.fusion.heads, a_cross, v_cross)
    return {
        "relevance_logits": each(lambda second: linear(weights, "relevance", second), fused)[:, 0],
        "category_logits": linear(weights, "category", _largest(fused)),
        "unimodal_category_logits": linear(weights, "unimodal_category", _largest(v_self)),
        "spatial": spatial.reshape(visual.shape[:3]),
        "channel": channel,
        "temporal_visual": temporal_visual,
        "temporal_audio": temporal_audio,
        "inter_modality_visual": inter_visual,
        "inter_modality_audio": inter_audio,
    }
