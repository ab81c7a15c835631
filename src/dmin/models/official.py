"""Names of the authors' released full network, and ours: the whole difference is this table."""

from __future__ import annotations

import re

NO_ROLE = re.compile(r"\.(encoder_layer|decoder_layer)\.|decoder\.layers\.0\.self_attn\.|affine_video_guided_")
"""Parameters that are stored with a checkpoint and never run."""

_ATTENTION = "spatial_channel_att"
NAMES = {
    "v_fc": "visual.0",
    f"{_ATTENTION}.affine_video_1": "agta.channel.visual",
    f"{_ATTENTION}.affine_audio_1": "agta.channel.audio",
    f"{_ATTENTION}.affine_bottleneck": "agta.channel.squeeze",
    f"{_ATTENTION}.affine_v_c_att": "agta.channel.excite",
    f"{_ATTENTION}.affine_video_2": "agta.bilinear.visual",
    f"{_ATTENTION}.affine_audio_2": "agta.bilinear.audio",
    f"{_ATTENTION}.affine_v_s_att": "agta.spatial.score",
    f"{_ATTENTION}.Linear_visual": "agta.temporal.visual",
    f"{_ATTENTION}.Linear_audio": "agta.temporal.audio",
    f"{_ATTENTION}.lstm": "agta.temporal.lstm",
    "video_encoder.affine_matrix": "visual_encoder.project",
    "audio_encoder.affine_matrix": "audio_encoder.project",
    "video_encoder.encoder": "visual_encoder",
    "audio_encoder.encoder": "audio_encoder",
    "video_decoder.affine_matrix": "visual_query",
    "audio_decoder.affine_matrix": "audio_query",
    "video_decoder.decoder.layers.0": "visual_cross",
    "audio_decoder.decoder.layers.0": "audio_cross",
    "AVInter.video_multihead": "fusion.attention",
    "AVInter.norm1": "fusion.norm",
    "localize_module.classifier": "relevance",
    "localize_module.event_classifier": "category",
    "localize_module.event_self": "unimodal_category",
}
"""Beginning of a name there -> here."""

_INSIDE = (
    (re.compile(r"\.(self_attn|multihead_attn)\."), ".attention."),
    (re.compile(r"\.in_proj_"), ".in_proj."),
    (re.compile(r"^((?:visual|audio)_(?:encoder\.layers\.\d+|cross))\.(linear\d|norm\d)\."), r"\1.feed_forward.\2."),
)


def our_name(name: str) -> str | None:
    """Our name of a released parameter, None for those without a role.

    Example:
        >>> our_name("video_encoder.encoder.layers.1.self_attn.in_proj_weight")
        'visual_encoder.layers.1.attention.in_proj.weight'
        >>> our_name("audio_decoder.decoder.layers.0.self_attn.in_proj_bias") is None
        True
    """
    name = name.removeprefix("module.")
    if NO_ROLE.search(name):
        return None
    beginning = max((key for key in NAMES if name.startswith(f"{key}.")), key=len)
    name = NAMES[beginning] + name[len(beginning) :]
    for pattern, replacement in _INSIDE:
        name = pattern.sub(replacement, name)
    return name
