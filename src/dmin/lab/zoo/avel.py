"""AVEL (Tian et al. 2018): the first system of audio-visual event localization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dmin.checks import check_sizes
from dmin.lab.zoo.layers.agva import AudioGuidedVisualAttention
from dmin.lab.zoo.layers.dmrn import DualMultimodalResidual
from dmin.lab.zoo.shared import R_AVE_METHOD, R_AVE_SCHEDULE, avel_head, spatial_only
from dmin.layers.recurrent import bi_lstm, run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.systems import system
from dmin.registry import Registry

AVEL_PAPER = "Tian, Shi, Li, Duan, Xu: Audio-Visual Event Localization in Unconstrained Videos. ECCV"
AVEL_CARD: dict[str, Any] = {
    "paper": AVEL_PAPER,
    "year": 2018,
    "method": R_AVE_METHOD,
    "schedule": {**R_AVE_SCHEDULE, "full": {**R_AVE_SCHEDULE["full"], "segment_loss": "soft-margin"}},
}
"""Card shared by its three rows.

The paper has cross-entropy under full supervision, its released code a soft margin after a softmax, whose gradients are
so small that it takes hundreds of epochs: that one belongs to the released schedule, and where all systems share one
schedule, they share the paper's cross-entropy, too.

What else differs from the released code: its rate falls to a tenth after 15,000 of 15,600 steps (3339 // 64 batches,
300 epochs), at about epoch 288, and here it stays; its batches are never shuffled, ours are; its head starts from
Xavier's weights, ours from PyTorch's.
"""


@dataclass(frozen=True)
class AVELConfig(LocalizationConfig):
    """Sizes of AVEL; the defaults are the released code's.

    Raises:
        ModelError: A size or a name that no network can have.
    """

    fusion: str = "concat"
    """Fusion of both modalities: "concat" or "dmrn"."""
    hidden: int = 512
    """Inner width of the attention."""
    width: int = 256
    """Of each Bi-LSTM's states, half of it a direction."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "hidden", "width")
        FUSIONS[self.fusion]


class Concatenation(nn.Module):
    """The row of Table I: both states side by side, ReLU, and the head."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.head = avel_head(2 * width, labels)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """[B, T, d] and [B, T, d] -> logits [B, T, labels]."""
        logits: Tensor = self.head(torch.cat([audio, visual], -1).relu())
        return logits


class ResidualFusion(nn.Module):
    """The paper's second form: DMRN and one linear layer."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.dmrn = DualMultimodalResidual(width)
        self.head = nn.Linear(width, labels)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """[B, T, d] and [B, T, d] -> logits [B, T, labels]."""
        logits: Tensor = self.head(self.dmrn(visual, audio))
        return logits


FUSIONS = Registry[type[nn.Module]]("fusion of AVEL")
"""Makers from the width and the number of labels."""
FUSIONS.add("concat", Concatenation)
FUSIONS.add("dmrn", ResidualFusion)


@system("avel", title="AVEL", source="public code (YapengTian/AVE-ECCV18)", **AVEL_CARD)
@system(
    "avel-dmrn",
    title="AVEL, DMRN",
    source="public code (YapengTian/AVE-ECCV18); there it is fine-tuned from the trained AVEL, here trained at once",
    **{**AVEL_CARD, "method": {**R_AVE_METHOD, "all": {"model": {"fusion": "dmrn"}}}},
)
class AVEL(LocalizationModel):
    """Audio-guided visual attention, a Bi-LSTM per modality, fusion, one choice per second.

    Under weak supervision the paper has the mean over time, its code the largest logits; the code stands here.

    Example:
        >>> model = AVEL(AVELConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8, regions=9)).eval()
        >>> model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).segment_logits.shape
        torch.Size([2, 10, 3])
    """

    config_type = AVELConfig
    config: AVELConfig

    def __init__(self, config: AVELConfig) -> None:
        super().__init__(config)
        c = config
        self.attention = AudioGuidedVisualAttention(c.visual_size, c.audio_size, c.regions, c.hidden)
        self.visual_lstm = bi_lstm(c.visual_size, c.width)
        self.audio_lstm = bi_lstm(c.audio_size, c.width)
        self.fusion = FUSIONS[c.fusion](c.width, c.categories + 1)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        guided = self.attention(regions, audio)
        seen = run_lstm(self.visual_lstm, guided.values, mask).hidden
        heard = run_lstm(self.audio_lstm, audio, mask).hidden
        maps = spatial_only(guided, visual, mask) if return_attention else None
        return JointOutput(self.fusion(seen, heard), attention=maps)
