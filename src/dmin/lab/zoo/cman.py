"""CMAN (Xuan et al. 2020): attention over regions, over time, and across modalities with a sentinel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.checks import check_sizes
from dmin.lab.zoo.layers.cmca import CrossModalityCoAttention
from dmin.lab.zoo.shared import R_AVE_METHOD, R_AVE_SCHEDULE, SelfContext, avel_head, spatial_only
from dmin.layers.numeric import unit_norm
from dmin.layers.visual_attention import Guided, attend_regions
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.systems import system


@dataclass(frozen=True)
class CMANConfig(LocalizationConfig):
    """Sizes of CMAN.

    Raises:
        ModelError: A size or a name that no network can have.
    """

    width: int = 256
    """Of all of its parts; a reading."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "width")


class CosineAttention(nn.Module):
    """Regions weighted by the softmax of their cosine with the sound, both through linear maps without non-linearity.

    Example:
        >>> CosineAttention(16, 8, 12)(torch.rand(2, 5, 9, 16), torch.rand(2, 5, 8)).values.shape
        torch.Size([2, 5, 16])
    """

    def __init__(self, visual_size: int, audio_size: int, width: int) -> None:
        super().__init__()
        self.visual = nn.Linear(visual_size, width)
        self.audio = nn.Linear(audio_size, width)

    def forward(self, visual: Tensor, audio: Tensor) -> Guided:
        """Regions [B, T, R, D] and audio [B, T, D_a]."""
        cosine = (unit_norm(self.visual(visual)) @ unit_norm(self.audio(audio))[..., None]).squeeze(-1)
        spatial = cosine.softmax(-1)
        return Guided(attend_regions(spatial, visual), spatial)


@system(
    "cman",
    title="CMAN",
    paper="Xuan, Zhang, Chen, Yang, Yan: Cross-Modal Attention Network for Temporal Inconsistent Audio-Visual Event "
    "Localization. AAAI",
    year=2020,
    source="second-hand notes; the sentinel's form, widths, self-attention, head and recipe are readings. The paper's "
    "row is a reproduction by PSP's authors",
    method=R_AVE_METHOD,
    schedule=R_AVE_SCHEDULE,
)
class CMAN(LocalizationModel):
    """Cosine attention over regions, self-attention over time, CMCA both ways, both answers side by side.

    Example:
        >>> model = CMAN(CMANConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8, width=12))
        >>> model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).segment_logits.shape
        torch.Size([2, 10, 3])
    """

    config_type = CMANConfig
    config: CMANConfig

    def __init__(self, config: CMANConfig) -> None:
        super().__init__(config)
        c = config
        self.attention = CosineAttention(c.visual_size, c.audio_size, c.width)
        self.visual_context = SelfContext(c.visual_size, c.width, heads=1)
        self.audio_context = SelfContext(c.audio_size, c.width, heads=1)
        self.visual_cross = CrossModalityCoAttention(c.width, c.width)
        self.audio_cross = CrossModalityCoAttention(c.width, c.width)
        self.head = avel_head(2 * c.width, c.categories + 1)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        guided = self.attention(regions, audio)
        seen = self.visual_context(guided.values, mask)
        heard = self.audio_context(audio, mask)
        v_cross = self.visual_cross(None, seen, heard, mask, mask).values
        a_cross = self.audio_cross(None, heard, seen, mask, mask).values
        maps = spatial_only(guided, visual, mask) if return_attention else None
        return JointOutput(self.head(torch.cat([v_cross, a_cross], -1)), attention=maps)
