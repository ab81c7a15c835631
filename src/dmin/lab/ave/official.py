"""Names of the authors' released networks, and ours: the whole difference is one table for all four of them."""

from __future__ import annotations

import re

NETWORKS = ("full", "weak", "a2v", "v2a")
"""DMIN under full and under weak supervision, DCMR in both directions."""

_ATTENTION = "spatial_channel_att"
NAMES = {
    "visual.0": "v_fc",
    "agta.channel.visual": f"{_ATTENTION}.affine_video_1",
    "agta.channel.audio": f"{_ATTENTION}.affine_audio_1",
    "agta.channel.squeeze": f"{_ATTENTION}.affine_bottleneck",
    "agta.channel.excite": f"{_ATTENTION}.affine_v_c_att",
    "agta.bilinear.visual": f"{_ATTENTION}.affine_video_2",
    "agta.bilinear.audio": f"{_ATTENTION}.affine_audio_2",
    "agta.spatial.score": f"{_ATTENTION}.affine_v_s_att",
    "agta.temporal.visual": f"{_ATTENTION}.Linear_visual",
    "agta.temporal.audio": f"{_ATTENTION}.Linear_audio",
    "agta.temporal.lstm": f"{_ATTENTION}.lstm",
    "visual_encoder.project": "video_encoder.affine_matrix",
    "audio_encoder.project": "audio_encoder.affine_matrix",
    "visual_encoder": "video_encoder.encoder",
    "audio_encoder": "audio_encoder.encoder",
    "visual_query": "video_decoder.affine_matrix",
    "audio_query": "audio_decoder.affine_matrix",
    "visual_cross": "video_decoder.decoder.layers.0",
    "audio_cross": "audio_decoder.decoder.layers.0",
    "fusion.attention": "AVInter.video_multihead",
    "fusion.norm": "AVInter.norm1",
    "relevance": "localize_module.classifier",
    "category": "localize_module.event_classifier",
    "unimodal_relevance": "localize_module.classifier_self",
    "unimodal_category": "localize_module.event_self",
}
"""Beginning of a name here -> there. Each network has some of these: which, our module of it knows."""

_INSIDE = (
    (re.compile(r"(_encoder\..*)\.attention\."), r"\1.self_attn."),
    (re.compile(r"(_decoder\..*)\.attention\."), r"\1.multihead_attn."),
    (re.compile(r"\.in_proj\."), ".in_proj_"),
    (re.compile(r"\.feed_forward\."), "."),
)

_IDLE = (
    r"(?:video|audio)_encoder\.encoder_layer",
    r"(?:video|audio)_decoder\.decoder_layer",
    r"(?:video|audio)_decoder\.decoder\.layers\.0\.self_attn",
    rf"{_ATTENTION}\.affine_video_guided_\d",
)
_IDLE_IN_DCMR = (_ATTENTION, "v_fc", "AVInter", r"localize_module\.event_(?:classifier|self)", *_IDLE)


def released_name(name: str) -> str:
    """The released code's name of one of our parameters.

    Example:
        >>> released_name("visual_encoder.layers.1.attention.in_proj.weight")
        'video_encoder.encoder.layers.1.self_attn.in_proj_weight'
    """
    beginning = max((key for key in NAMES if name.startswith(f"{key}.")), key=len)
    name = NAMES[beginning] + name[len(beginning) :]
    for pattern, replacement in _INSIDE:
        name = pattern.sub(replacement, name)
    return name


def idle_part(name: str, network: str) -> str | None:
    """The part that a released parameter belongs to, if it is stored with a checkpoint of the network and never used.

    Example:
        >>> idle_part("v_fc.weight", "a2v"), idle_part("v_fc.weight", "full")
        ('v_fc', None)
    """
    parts = "|".join(_IDLE if network in ("full", "weak") else _IDLE_IN_DCMR)
    found = re.match(rf"({parts})\.", name)
    return found and found[1]
