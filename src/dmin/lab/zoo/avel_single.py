"""AVEL with one modality only (Tian et al. 2018): what sound, or the picture, is worth alone."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from dmin.checks import check_choices, check_sizes
from dmin.lab.zoo.avel import AVEL_CARD
from dmin.lab.zoo.shared import R_AVE_METHOD, avel_head
from dmin.layers.recurrent import bi_lstm, run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.systems import system

_SOURCE = "second-hand notes; the head's width is a reading: AVEL's head with half of the input"


@dataclass(frozen=True)
class AVELSingleConfig(LocalizationConfig):
    """Sizes of AVEL with one modality.

    Raises:
        ModelError: A size or a name that no network can have.
    """

    modality: str = "audio"
    """The one that is looked at, "audio" or "visual"; the other one plays no part."""
    width: int = 256
    """Of the Bi-LSTM's states, half of it a direction."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self, modality=("audio", "visual"))
        check_sizes(self, "width")

    @property
    def size(self) -> int:
        """Channels of the modality."""
        return self.audio_size if self.modality == "audio" else self.visual_size


@system(
    "avel-audio",
    title="AVEL, audio only",
    source=_SOURCE,
    **{**AVEL_CARD, "method": {**R_AVE_METHOD, "all": {"model": {"modality": "audio"}}}},
)
@system(
    "avel-video",
    title="AVEL, video only",
    source=_SOURCE,
    **{**AVEL_CARD, "method": {**R_AVE_METHOD, "all": {"model": {"modality": "visual"}}}},
)
class AVELSingle(LocalizationModel):
    """A Bi-LSTM over the sound, or over the map averaged over its regions: attention would need the sound.

    Example:
        >>> import torch
        >>> config = AVELSingleConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8)
        >>> AVELSingle(config)(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).segment_logits.shape
        torch.Size([2, 10, 3])
    """

    config_type = AVELSingleConfig
    looks_at_regions = False
    config: AVELSingleConfig

    def __init__(self, config: AVELSingleConfig) -> None:
        super().__init__(config)
        self.lstm = bi_lstm(config.size, config.width)
        self.head = avel_head(config.width, config.categories + 1)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        sequence = audio if self.config.modality == "audio" else regions.mean(2)
        return JointOutput(self.head(run_lstm(self.lstm, sequence, mask).hidden.relu()))
