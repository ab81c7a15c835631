"""The Dense Modality Interaction Network (Liu, Quan, Wang, Liu, Liu, Yan; IEEE TMM 2022)."""

from __future__ import annotations

from torch import Tensor, nn

from dmin.layers import INTER_MODALITY, VISUAL_ATTENTION, AudioVisualFusion, Encoder, masked_max
from dmin.layers.attention import Attended
from dmin.layers.dropout import Dropout
from dmin.models.bases import LocalizationModel
from dmin.models.config import DMINConfig
from dmin.models.masks import logits_of_seconds, without_padded_queries, without_padding
from dmin.models.outputs import AttentionMaps, DecoupledOutput
from dmin.models.systems import system

PAPER = "Liu, Quan, Wang, Liu, Liu, Yan: Dense Modality Interaction Network. IEEE TMM"


@system(
    "dmin",
    title="DMIN",
    paper=PAPER,
    year=2022,
    source="the paper; where it is silent, its authors' code, but for weak supervision: pooling of probabilities and "
    "dropout 0.02 in DIMA are a choice of ours",
)
class DMIN(LocalizationModel):
    """Finds the event that is both heard and seen, second by second (Fig. 3; eq. 1-14).

    Args:
        config: Sizes and options.

    Raises:
        ModelError: The configuration names no category.

    Example:
        >>> import torch
        >>> model = DMIN(DMINConfig(("Dog", "Rain"), visual_size=16, audio_size=8)).eval()
        >>> output = model(torch.rand(3, 10, 7, 7, 16), torch.rand(3, 10, 8))
        >>> output.relevance_logits.shape, output.category_logits.shape
        (torch.Size([3, 10]), torch.Size([3, 2]))
    """

    config_type = DMINConfig
    objective = "decoupled"
    config: DMINConfig

    def __init__(self, config: DMINConfig) -> None:
        super().__init__(config)
        c: DMINConfig = config
        self.visual = nn.Sequential()  # without layers it passes the map on
        if c.visual_width is not None:
            self.visual.extend([nn.Linear(c.visual_size, c.visual_width), nn.ReLU(), Dropout(c.visual_dropout)])
        self.agta = VISUAL_ATTENTION[c.visual_attention.name](
            visual_size=c.map_width, audio_size=c.audio_size, regions=c.regions, config=c.visual_attention
        )
        self.looks_at_regions = getattr(self.agta, "looks_at_regions", True)
        self.visual_encoder = Encoder(c.map_width, c.width, c.encoder)
        self.audio_encoder = Encoder(c.audio_size, c.width, c.encoder)
        self.visual_cross = INTER_MODALITY[c.inter_modality.name](c.width, c.inter_modality)
        self.audio_cross = INTER_MODALITY[c.inter_modality.name](c.width, c.inter_modality)
        takes_own = getattr(self.visual_cross, "takes_own", True)
        self.visual_query = nn.Linear(c.map_width, c.width) if takes_own else None
        self.audio_query = nn.Linear(c.audio_size, c.width) if takes_own else None
        self.fusion = AudioVisualFusion(c.width, c.fusion)
        self.relevance = nn.Linear(c.width, 1)
        self.category = nn.Linear(c.width, c.outputs)
        self.unimodal_category = nn.Linear(c.width, c.outputs) if c.unimodal_heads else None
        has_relevance = c.unimodal_heads and c.supervision == "weak"
        self.unimodal_relevance = nn.Linear(c.width, 1) if has_relevance else None

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> DecoupledOutput:
        """Answer for a batch of clips; a clip's answer does not depend on its padding or on the others.

        Args:
            visual: Maps [B, T, H, W, D_v], channels last, of any float type.
            audio: Features [B, T, D_a], of any float type.
            mask: [B, T], True where a second is real; padding comes last. None if all are.
            return_attention: Give the attention maps too.

        Raises:
            ModelError: The shapes do not fit the network or each other, or the mask is not of that kind.
        """
        regions, audio = self.features(visual, audio, mask)
        guided = self.agta(self.visual(regions), audio, mask)
        seen = without_padding(guided.values, mask)  # [B, T, D]
        v_self = self.visual_encoder(seen, mask, return_attention)
        a_self = self.audio_encoder(audio, mask, return_attention)
        v_own = None if self.visual_query is None else self.visual_query(seen)
        a_own = None if self.audio_query is None else self.audio_query(audio)
        v_cross = self.visual_cross(v_own, v_self.values, a_self.values, mask, mask, return_attention)
        a_cross = self.audio_cross(a_own, a_self.values, v_self.values, mask, mask, return_attention)
        fused = self.fusion(a_cross.values, v_cross.values, mask)  # F_o, [B, T, d]
        maps = None
        if return_attention:
            spatial = guided.spatial
            maps = AttentionMaps(
                spatial=None if spatial is None else without_padding(spatial, mask).reshape(visual.shape[:4]),
                channel=None if guided.channel is None else without_padding(guided.channel, mask),
                temporal_visual=without_padded_queries(v_self.weights, mask),
                temporal_audio=without_padded_queries(a_self.weights, mask),
                inter_modality_visual=without_padded_queries(v_cross.weights, mask),
                inter_modality_audio=without_padded_queries(a_cross.weights, mask),
            )
        return DecoupledOutput(
            relevance_logits=logits_of_seconds(self.relevance, fused, mask),
            category_logits=self.category(masked_max(fused, mask)),
            unimodal_category_logits=self._unimodal_category(v_self, mask),
            unimodal_relevance_logits=None
            if self.unimodal_relevance is None
            else logits_of_seconds(self.unimodal_relevance, v_self.values, mask),
            attention=maps,
        )

    def _unimodal_category(self, v_self: Attended, mask: Tensor | None) -> Tensor | None:
        return None if self.unimodal_category is None else self.unimodal_category(masked_max(v_self.values, mask))
