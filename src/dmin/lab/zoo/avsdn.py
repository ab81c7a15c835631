"""AVSDN (Lin et al. 2019): the whole clip first, then second by second."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.checks import check_sizes
from dmin.lab.zoo.layers.dmrn import DualMultimodalResidual
from dmin.lab.zoo.shared import R_AVE_METHOD, R_AVE_SCHEDULE
from dmin.layers.recurrent import run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.systems import system


@dataclass(frozen=True)
class AVSDNConfig(LocalizationConfig):
    """Sizes of AVSDN.

    Raises:
        ModelError: A size or a name that no network can have.
    """

    width: int = 256
    """Of all three LSTMs; a reading."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "width")


@system(
    "avsdn",
    title="AVSDN",
    paper="Lin, Li, Wang: Dual-modality Seq2Seq Network for Audio-Visual Event Localization. ICASSP",
    year=2019,
    source="second-hand notes; widths, one direction, DMRNs of their own for both states and the recipe are readings. "
    "The paper's row is a reproduction by CMRAN's authors",
    method=R_AVE_METHOD,
    schedule=R_AVE_SCHEDULE,
)
class AVSDN(LocalizationModel):
    """An encoder LSTM a modality; their last states, fused, start a decoder LSTM over both features.

    The last hidden and the last cell states of both encoders are the clip; DMRN fuses the hidden ones into h_f and,
    with weights of its own, the cell ones into c_f. The decoder starts at (h_f, c_f) and reads cat(visual_t, audio_t)
    as they are before any LSTM. There is no visual attention: the map is averaged over its regions.

    Example:
        >>> model = AVSDN(AVSDNConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8))
        >>> model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).segment_logits.shape
        torch.Size([2, 10, 3])
    """

    config_type = AVSDNConfig
    looks_at_regions = False
    config: AVSDNConfig

    def __init__(self, config: AVSDNConfig) -> None:
        super().__init__(config)
        c = config
        self.visual_lstm = nn.LSTM(c.visual_size, c.width, batch_first=True)
        self.audio_lstm = nn.LSTM(c.audio_size, c.width, batch_first=True)
        self.hidden_fusion = DualMultimodalResidual(c.width)
        self.cell_fusion = DualMultimodalResidual(c.width)
        self.decoder = nn.LSTM(c.visual_size + c.audio_size, c.width, batch_first=True)
        self.head = nn.Linear(c.width, c.categories + 1)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        seen = regions.mean(2)
        of_picture = run_lstm(self.visual_lstm, seen, mask)
        of_sound = run_lstm(self.audio_lstm, audio, mask)
        hidden = self.hidden_fusion(of_picture.last_hidden, of_sound.last_hidden)  # [1, B, d]
        cell = self.cell_fusion(of_picture.last_cell, of_sound.last_cell)
        decoded = run_lstm(self.decoder, torch.cat([seen, audio], -1), mask, (hidden, cell))
        return JointOutput(self.head(decoded.hidden))
