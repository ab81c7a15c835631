"""AVT (Lin and Wang 2020): the audio-visual transformer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dmin.checks import check_heads, check_shares, check_sizes
from dmin.lab.zoo.layers.avtrans import AudioVisualTransformer
from dmin.lab.zoo.shared import R_AVE_METHOD, R_AVE_SCHEDULE, avel_head, spatial_only
from dmin.layers.recurrent import bi_lstm, run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.systems import system


@dataclass(frozen=True)
class AVTConfig(LocalizationConfig):
    """Sizes of AVT, all of them readings.

    Raises:
        ModelError: A size or a share that no network can have.
    """

    width: int = 256
    """Of the transformer and of the Bi-LSTMs' states."""
    heads: int = 4
    feed_forward: int = 1024
    dropout: float = 0.1
    """Of the transformer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "width", "heads", "feed_forward")
        check_heads(self.width, heads=self.heads)
        check_shares(self, "dropout")


@system(
    "avt",
    title="AVT",
    paper="Lin, Wang: Audiovisual Transformer with Instance Attention for Audio-Visual Event Localization. ACCV",
    year=2020,
    source="the abstract and what the DMIN paper says of it; the module AVTrans and what follows it are readings",
    method=R_AVE_METHOD,
    schedule=R_AVE_SCHEDULE,
)
class AVT(LocalizationModel):
    """AVTrans, then AVEL's Bi-LSTMs, concatenation and head.

    Reading: Table III of the DMIN paper takes AVTrans as a visual encoder that can be dropped in, so it is one here.

    Example:
        >>> config = AVTConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8, width=8, feed_forward=16)
        >>> AVT(config)(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).segment_logits.shape
        torch.Size([2, 10, 3])
    """

    config_type = AVTConfig
    config: AVTConfig

    def __init__(self, config: AVTConfig) -> None:
        super().__init__(config)
        c = config
        self.attention = AudioVisualTransformer(
            c.visual_size, c.audio_size, c.width, c.heads, c.feed_forward, c.dropout
        )
        self.visual_lstm = bi_lstm(c.visual_size, c.width)
        self.audio_lstm = bi_lstm(c.audio_size, c.width)
        self.head = avel_head(2 * c.width, c.categories + 1)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        guided = self.attention(regions, audio, mask)
        seen = run_lstm(self.visual_lstm, guided.values, mask).hidden
        heard = run_lstm(self.audio_lstm, audio, mask).hidden
        maps = spatial_only(guided, visual, mask) if return_attention else None
        return JointOutput(self.head(torch.cat([heard, seen], -1).relu()), attention=maps)
