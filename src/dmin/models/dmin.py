"""The Dense Modality Interaction Network (Liu, Quan, Wang, Liu, Liu, Yan; IEEE TMM 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers import DIMA, AudioGuidedTripletAttention, AudioVisualFusion, Encoder, masked_max
from dmin.models.config import DMINConfig
from dmin.models.pretrained import PretrainedModel

PADDING_LOGIT = -8192.0
"""Relevance logit of a second that is not there: its sigmoid is 0, and half precision holds it exactly."""


@dataclass(frozen=True)
class AttentionMaps:
    """Where the network looks; all 0 at padded seconds."""

    spatial: Tensor
    """M^S of eq. 7, [B, T, H, W]; each second sums to 1."""
    channel: Tensor
    """M^C of eq. 1, [B, T, D] in 0..1."""
    temporal_visual: Tensor
    """Last encoder layer, eq. 9, [B, heads, T, T]; rows sum to 1."""
    temporal_audio: Tensor
    """The same for audio."""
    inter_modality_visual: Tensor
    """Eq. 11 with visual queries, [B, heads, T, 2 T]: first its own seconds, then audio's."""
    inter_modality_audio: Tensor
    """Eq. 11 with audio queries: first its own seconds, then the picture's."""


@dataclass(frozen=True)
class DMINOutput:
    """What the network says, as logits."""

    relevance_logits: Tensor
    """[B, T]: is this second an event? `PADDING_LOGIT`, a sure no, at padded seconds."""
    category_logits: Tensor
    """[B, C]: which, from the fused features. Weak supervision: [B, C + 1], background last."""
    unimodal_category_logits: Tensor
    """The same from v_self alone."""
    unimodal_relevance_logits: Tensor | None = None
    """[B, T], weak supervision only: `relevance_logits` from v_self alone."""
    attention: AttentionMaps | None = None
    """On request."""


class DMIN(PretrainedModel, library_name="dmin", tags=["audio-visual-event-localization"]):
    """Which event is both heard and seen, second by second (Fig. 3; eq. 1-14).

    Args:
        config: Sizes and options.

    Raises:
        ModelError: The configuration names no category.

    Example:
        >>> model = DMIN(DMINConfig(("Dog", "Rain"), visual_size=16, audio_size=8)).eval()
        >>> output = model(torch.rand(3, 10, 7, 7, 16), torch.rand(3, 10, 8))
        >>> output.relevance_logits.shape, output.category_logits.shape
        (torch.Size([3, 10]), torch.Size([3, 2]))
    """

    config_type = DMINConfig

    def __init__(self, config: DMINConfig) -> None:
        super().__init__()
        c: DMINConfig = config
        if not c.category_names:
            raise ModelError("category_names is empty: name at least one category, DMINConfig(('Dog', 'Rain'))")
        self.config: DMINConfig = config
        self.visual = nn.Sequential()  # without layers it passes the map on
        if c.visual_width is not None:
            self.visual.extend([nn.Linear(c.visual_size, c.visual_width), nn.ReLU(), nn.Dropout(c.visual_dropout)])
        self.agta = AudioGuidedTripletAttention(
            c.map_width,
            c.audio_size,
            c.guide_size,
            c.bottleneck,
            c.factors,
            c.dropout,
            c.mfb_dropout_first,
            c.lstm_layers,
            c.channel_residual,
            c.spatial_bias,
        )
        encoder = (c.width, c.encoder_layers, c.heads, c.feed_forward, c.dropout)
        self.visual_encoder = Encoder(c.map_width, *encoder)
        self.audio_encoder = Encoder(c.audio_size, *encoder)
        dima = (c.width, c.heads, c.feed_forward, c.cross_dropout, c.alpha, c.mean_pairs)
        self.visual_query = nn.Linear(c.map_width, c.width)
        self.audio_query = nn.Linear(c.audio_size, c.width)
        self.visual_cross = DIMA(*dima)
        self.audio_cross = DIMA(*dima)
        self.fusion = AudioVisualFusion(c.width, c.fusion_heads, c.dropout)
        self.relevance = nn.Linear(c.width, 1)
        self.category = nn.Linear(c.width, c.outputs)
        self.unimodal_category = nn.Linear(c.width, c.outputs)
        self.unimodal_relevance = nn.Linear(c.width, 1) if c.supervision == "weak" else None

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> DMINOutput:
        """Answer for a batch of clips; a clip's answer does not depend on its padding or on the others.

        Args:
            visual: Maps [B, T, H, W, D_v], channels last, of any float type.
            audio: Features [B, T, D_a], of any float type.
            mask: [B, T], True where a second is real; padding comes last. None if all are.
            return_attention: Give the attention maps too.

        Raises:
            ModelError: The shapes do not fit the network or each other, or the mask is not of that kind.
        """
        self._check_features(visual, audio)
        if mask is not None:
            check_mask(mask, audio)
        dtype = self.relevance.weight.dtype
        audio = without_padding(audio.to(dtype), mask)
        regions = self.visual(visual.to(dtype).flatten(2, 3))  # [B, T, R, D]
        guided = self.agta(regions, audio, mask)
        seen = without_padding(guided.values, mask)  # [B, T, D]
        v_self = self.visual_encoder(seen, mask, return_attention)
        a_self = self.audio_encoder(audio, mask, return_attention)
        v_cross = self.visual_cross(self.visual_query(seen), a_self.values, mask, mask, return_attention)
        a_cross = self.audio_cross(self.audio_query(audio), v_self.values, mask, mask, return_attention)
        fused = self.fusion(a_cross.values, v_cross.values, mask)  # F_o, [B, T, d]
        maps = None
        if return_attention:
            maps = AttentionMaps(
                spatial=without_padding(guided.spatial, mask).reshape(visual.shape[:4]),
                channel=without_padding(guided.channel, mask),
                temporal_visual=_without_padded_queries(v_self.weights, mask),
                temporal_audio=_without_padded_queries(a_self.weights, mask),
                inter_modality_visual=_without_padded_queries(v_cross.weights, mask),
                inter_modality_audio=_without_padded_queries(a_cross.weights, mask),
            )
        return DMINOutput(
            relevance_logits=_each_second(self.relevance, fused, mask),
            category_logits=self.category(masked_max(fused, mask)),
            unimodal_category_logits=self.unimodal_category(masked_max(v_self.values, mask)),
            unimodal_relevance_logits=None
            if self.unimodal_relevance is None
            else _each_second(self.unimodal_relevance, v_self.values, mask),
            attention=maps,
        )

    def _check_features(self, visual: Tensor, audio: Tensor) -> None:
        c = self.config
        fits = visual.ndim == 5 and audio.ndim == 3 and visual.shape[:2] == audio.shape[:2]
        if not fits or visual.shape[-1] != c.visual_size or audio.shape[-1] != c.audio_size or not visual.numel():
            raise ModelError(
                f"got visual {list(visual.shape)} and audio {list(audio.shape)}: must be [B, T, H, W, {c.visual_size}] "
                f"and [B, T, {c.audio_size}] with the same B and T, none of them 0"
            )
        if not (visual.is_floating_point() and audio.is_floating_point()):
            raise ModelError(f"got visual of {visual.dtype} and audio of {audio.dtype}: must be float features")


def check_mask(mask: Tensor, audio: Tensor) -> None:
    """Make sure that a mask [B, T] fits features [B, T, D], and that real seconds come first.

    Raises:
        ModelError: It does not.
    """
    if mask.shape != audio.shape[:2] or mask.dtype != torch.bool:
        raise ModelError(f"got mask {list(mask.shape)} of {mask.dtype}: must be {list(audio.shape[:2])} of torch.bool")
    if not bool(mask[:, 0].all() & (mask[:, 1:] <= mask[:, :-1]).all()):
        raise ModelError(
            "got a mask with padding before a real second: each clip needs a real second, and they come first"
        )


def _each_second(head: nn.Module, sequence: Tensor, mask: Tensor | None) -> Tensor:
    """One logit a second [B, T] of a sequence [B, T, d]."""
    logits: Tensor = head(sequence).squeeze(-1)
    return logits if mask is None else logits.masked_fill(~mask, PADDING_LOGIT)


def without_padding(values: Tensor, mask: Tensor | None) -> Tensor:
    """[B, T, ...] with 0 in the padded seconds, whatever stood there."""
    return values if mask is None else values.masked_fill(~mask[..., None], 0.0)


def _without_padded_queries(weights: Tensor, mask: Tensor | None) -> Tensor:
    """Attention weights [B, heads, T, S] with 0 in the rows of padded seconds."""
    return weights if mask is None else weights.masked_fill(~mask[:, None, :, None], 0.0)
