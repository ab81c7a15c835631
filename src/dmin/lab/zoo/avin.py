"""AVIN (Ramaswamy 2020): each modality asks itself and the other one what the clip is about."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dmin.checks import check_shares, check_sizes
from dmin.lab.zoo.shared import R_AVE_METHOD, R_AVE_SCHEDULE, avel_head
from dmin.layers.agta import FactorizedBilinearPooling
from dmin.layers.numeric import masked_mean, widened
from dmin.layers.recurrent import bi_lstm, run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.systems import system


@dataclass(frozen=True)
class AVINConfig(LocalizationConfig):
    """Sizes of AVIN, readings.

    Raises:
        ModelError: A size or a share that no network can have.
    """

    width: int = 256
    """Of the Bi-LSTMs' states and of the bilinear pooling."""
    factors: int = 5
    """k of the bilinear pooling."""
    dropout: float = 0.1
    """Of the bilinear pooling."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "width", "factors")
        check_shares(self, "dropout")


def weighted_by(query: Tensor, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
    """A sequence, each second times its softmax weight over time under a query: I_t = softmax_t(F_t . g) F_t.

    Args:
        query: g, [B, d].
        sequence: F, [B, T, d].
        mask: [B, T], True where a second is real; None if all are.

    Example:
        >>> weighted_by(torch.zeros(1, 2), torch.ones(1, 4, 2))[0, 0].tolist()
        [0.25, 0.25]
    """
    scores = widened(sequence @ query[..., None]).squeeze(-1)  # [B, T]
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1).to(sequence.dtype)[..., None] * sequence


@system(
    "avin",
    title="AVIN",
    paper="Ramaswamy: What Makes the Sound? A Dual-Modality Interacting Network for Audio-Visual Event Localization. "
    "ICASSP",
    year=2020,
    source="second-hand notes; widths, averaged maps, the head and the recipe are readings",
    method=R_AVE_METHOD,
    schedule=R_AVE_SCHEDULE,
)
class AVIN(LocalizationModel):
    """A Bi-LSTM a modality; the mean over time queries its own sequence, what comes out queries the other one.

    F^a and F^v are the Bi-LSTMs' states, z_t their bilinear pooling. Intra: g = mean_t F_t weighs F into I. Inter: the
    mean of I weighs the other modality's F into J. The five, cat(I^a, I^v, J^a, J^v, z), go to the head. J^a is here
    what the sound's query finds in the picture, and J^v the other way round.

    Example:
        >>> model = AVIN(AVINConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8)).eval()
        >>> model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).segment_logits.shape
        torch.Size([2, 10, 3])
    """

    config_type = AVINConfig
    looks_at_regions = False
    config: AVINConfig

    def __init__(self, config: AVINConfig) -> None:
        super().__init__(config)
        c = config
        self.visual_lstm = bi_lstm(c.visual_size, c.width)
        self.audio_lstm = bi_lstm(c.audio_size, c.width)
        self.bilinear = FactorizedBilinearPooling(c.width, c.width, c.width, c.factors, c.dropout)
        self.head = avel_head(5 * c.width, c.categories + 1)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        seen = run_lstm(self.visual_lstm, regions.mean(2), mask).hidden
        heard = run_lstm(self.audio_lstm, audio, mask).hidden
        pooled = self.bilinear(seen[:, :, None], heard).squeeze(2)
        own_heard = weighted_by(masked_mean(heard, mask), heard, mask)
        own_seen = weighted_by(masked_mean(seen, mask), seen, mask)
        sound_in_picture = weighted_by(masked_mean(own_heard, mask), seen, mask)
        picture_in_sound = weighted_by(masked_mean(own_seen, mask), heard, mask)
        parts = [own_heard, own_seen, sound_in_picture, picture_in_sound, pooled]
        return JointOutput(self.head(torch.cat(parts, -1)))
