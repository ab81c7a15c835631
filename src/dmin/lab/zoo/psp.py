"""PSP (Zhou et al. 2021): positive sample propagation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from dmin.checks import check_shares, check_sizes
from dmin.lab.zoo.layers.agva import AudioGuidedVisualAttention
from dmin.lab.zoo.layers.propagation import PositiveSamplePropagation
from dmin.lab.zoo.shared import avel_head, spatial_only
from dmin.layers.dropout import Dropout
from dmin.layers.numeric import widened
from dmin.layers.recurrent import bi_lstm, run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.masks import without_padding
from dmin.models.outputs import JointOutput
from dmin.models.systems import system

_SCHEDULE = {"batch_size": 128, "learning_rate": 1e-3, "rate_factor": 0.8, "epochs": 300, "gradient_clip": 0.0}
_CARD: dict[str, Any] = {
    "paper": "Zhou, Zheng, Zhong, Hao, Wang: Positive Sample Propagation along the Audio-Visual Event Line. CVPR",
    "year": 2021,
    "schedule": {"all": _SCHEDULE, "full": {"milestones": (60, 120)}, "weak": {"milestones": (80, 160)}},
}
_WEAK = {"mil_pooling": "mean", "model": {"threshold": 0.095}}


@dataclass(frozen=True)
class PSPConfig(LocalizationConfig):
    """Sizes of PSP; the defaults are the released code's.

    Raises:
        ModelError: A size or a share that no network can have.
    """

    threshold: float = 0.099
    """tau: shares of agreement up to it are left out (weak supervision: 0.095)."""
    hidden: int = 512
    """Inner width of the attention."""
    width: int = 256
    """Of the Bi-LSTMs' states and all after them."""
    reduced: int = 128
    """Channels of the picture before its Bi-LSTM, and of the sound's own layers."""
    dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "hidden", "width", "reduced")
        check_shares(self, "threshold", "dropout")


@system(
    "psp",
    title="PSP",
    source="public code (jasongief/PSP_CVPR_2021); under weak supervision its target is the share of each category's "
    "seconds, here it is the clip's categories",
    method={
        "full": {"segment_loss": "cross-entropy", "agreement_weight": 100.0, "model": {"threshold": 0.099}},
        "weak": _WEAK,
    },
    **_CARD,
)
@system(
    "psp-proportional",
    title="PSP, proportional target",
    source="public code (jasongief/PSP_CVPR_2021), its weak target as released",
    supervisions=("weak",),
    method={"weak": {**_WEAK, "clip_target": "proportions"}},
    mark="its weak target tells the network how long each event lasts, so it is not to be compared with the other rows",
    **_CARD,
)
class PSP(LocalizationModel):
    """Audio-guided visual attention, Bi-LSTMs, positive sample propagation both ways, the mean of both, one choice.

    The released code has one network for full supervision and a smaller one for weak supervision, in which the sound
    has no layers of its own, the picture has one instead of two, nothing follows the propagation but the norm, and each
    second's scores are weighted by sigmoid(ReLU(linear of themselves)).

    What differs from the released code: its head starts from Xavier's weights, ours from PyTorch's; it adds 1e-8 to the
    sums by which it divides; the target of the pair loss for a clip without event is uniform there and 0 here; and its
    loader leaves the values of other clips in a third of these targets, which are clean here.

    Example:
        >>> import torch
        >>> model = PSP(PSPConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8, regions=9)).eval()
        >>> output = model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8))
        >>> output.segment_logits.shape, output.agreement.shape
        (torch.Size([2, 10, 3]), torch.Size([2, 10]))
    """

    config_type = PSPConfig
    config: PSPConfig

    def __init__(self, config: PSPConfig) -> None:
        super().__init__(config)
        c, weak = config, config.supervision == "weak"
        self.audio = nn.Sequential() if weak else _two_layers(c.audio_size, 2 * c.reduced, c.reduced)
        heard = c.audio_size if weak else c.reduced
        self.attention = AudioGuidedVisualAttention(c.visual_size, heard, c.regions, c.hidden)
        self.visual: nn.Module = _two_layers(c.visual_size, c.width, c.reduced)
        if weak:
            self.visual = nn.Linear(c.visual_size, c.reduced)
        self.visual_lstm = bi_lstm(c.reduced, c.width)
        self.audio_lstm = bi_lstm(heard, c.width)
        self.propagation = PositiveSamplePropagation(c.width, c.threshold, c.dropout, renormalize=not weak)
        self.visual_out = nn.Sequential() if weak else _after(c.width, c.dropout)
        self.audio_out = nn.Sequential() if weak else _after(c.width, c.dropout)
        self.norm = nn.LayerNorm(c.width, eps=1e-6)  # one for both
        self.head = avel_head(c.width, c.categories + 1, bias=False)
        self.weighting = nn.Linear(c.categories + 1, 1, bias=False) if weak else None

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        sound = self.audio(audio)
        guided = self.attention(regions, sound)
        seen = run_lstm(self.visual_lstm, self.visual(guided.values), mask).hidden
        heard = run_lstm(self.audio_lstm, sound, mask).hidden
        seen, heard = self.propagation(seen, heard, mask)
        seen, heard = self.norm(self.visual_out(seen)), self.norm(self.audio_out(heard))
        logits = self.head((seen + heard) / 2)
        agreement = None
        if self.weighting is None:
            cosine = F.cosine_similarity(widened(seen), widened(heard), dim=-1).relu()
            agreement = without_padding(cosine, mask)
        else:
            logits = logits * self.weighting(logits).relu().sigmoid()
        maps = spatial_only(guided, visual, mask) if return_attention else None
        return JointOutput(logits, agreement, maps)


def _two_layers(size: int, hidden: int, out: int) -> nn.Sequential:
    """Two linear layers without bias and without anything between, as released."""
    return nn.Sequential(nn.Linear(size, hidden, bias=False), nn.Linear(hidden, out, bias=False))


def _after(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width, bias=False), nn.ReLU(), Dropout(dropout))
