"""AVRB (Ramaswamy and Das 2020): fusion of a Bi-LSTM with bilinear pooling, then attention over seconds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.checks import check_shares, check_sizes
from dmin.lab.zoo.layers.agva import AudioGuidedVisualAttention
from dmin.lab.zoo.shared import R_AVE_METHOD, R_AVE_SCHEDULE, avel_head, spatial_only
from dmin.layers.agta import FactorizedBilinearPooling
from dmin.layers.numeric import widened
from dmin.layers.recurrent import bi_lstm, run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.systems import system


@dataclass(frozen=True)
class AVRBConfig(LocalizationConfig):
    """Sizes of AVRB, all of them readings.

    Raises:
        ModelError: A size or a share that no network can have.
    """

    hidden: int = 512
    """Inner width of the visual attention."""
    width: int = 256
    """Of the Bi-LSTM's states and of the bilinear pooling."""
    factors: int = 5
    """k of the bilinear pooling."""
    dropout: float = 0.1
    """Of the bilinear pooling."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "hidden", "width", "factors")
        check_shares(self, "dropout")


class SegmentGate(nn.Module):
    """f_t (1 + sigmoid(linear(tanh f_t))). A gate, not a softmax over time: several seconds are relevant at once.

    Example:
        >>> SegmentGate(8)(torch.zeros(2, 5, 8)).shape
        torch.Size([2, 5, 8])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, fused: Tensor) -> Tensor:
        """[B, T, d] -> [B, T, d]."""
        gate = widened(self.score(fused.tanh())).sigmoid().to(fused.dtype)
        return fused * (1 + gate)


@system(
    "avrb",
    title="AVRB",
    paper="Ramaswamy, Das: See the Sound, Hear the Pixels. WACV",
    year=2020,
    source="the abstract and what the DMIN paper says of it; how its parts are joined is a reading throughout",
    method=R_AVE_METHOD,
    schedule=R_AVE_SCHEDULE,
)
class AVRB(LocalizationModel):
    """A Bi-LSTM over mean map and sound, plus the bilinear pooling of the guided map and the sound; a gate per second.

    Known are the two blocks, audio-visual fusion and segment-wise attention, that LSTM fusion is combined with MFB,
    that the Bi-LSTM sees averaged maps and sound, and that there is spatial attention only.

    Example:
        >>> model = AVRB(AVRBConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8, regions=9)).eval()
        >>> model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).segment_logits.shape
        torch.Size([2, 10, 3])
    """

    config_type = AVRBConfig
    config: AVRBConfig

    def __init__(self, config: AVRBConfig) -> None:
        super().__init__(config)
        c = config
        self.attention = AudioGuidedVisualAttention(c.visual_size, c.audio_size, c.regions, c.hidden)
        self.lstm = bi_lstm(c.visual_size + c.audio_size, c.width)
        self.bilinear = FactorizedBilinearPooling(c.visual_size, c.audio_size, c.width, c.factors, c.dropout)
        self.gate = SegmentGate(c.width)
        self.head = avel_head(c.width, c.categories + 1)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        guided = self.attention(regions, audio)
        followed = run_lstm(self.lstm, torch.cat([regions.mean(2), audio], -1), mask).hidden  # p, [B, T, d]
        pooled = self.bilinear(guided.values[:, :, None], audio).squeeze(2)  # q, [B, T, d]
        maps = spatial_only(guided, visual, mask) if return_attention else None
        return JointOutput(self.head(self.gate(followed + pooled)), attention=maps)
