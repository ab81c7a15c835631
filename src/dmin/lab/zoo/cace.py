"""CACE-Net (He et al. 2024): co-guidance of both modalities, gates, fusion, and a contrast of event and background."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.checks import check_heads, check_sizes, check_within_unit
from dmin.errors import ModelError
from dmin.lab.zoo.contrast import ContrastOutput
from dmin.lab.zoo.layers.co_guidance import CoGuidance
from dmin.lab.zoo.shared import check_full, spatial_only
from dmin.layers import INTER_MODALITY, AudioVisualFusion, Encoder, EncoderConfig, FusionConfig, InterModalityConfig
from dmin.layers.dropout import Dropout
from dmin.layers.numeric import masked_max, unit_norm
from dmin.layers.recurrent import bi_lstm, run_lstm
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.masks import logits_of_seconds, without_padding
from dmin.models.systems import system

BEST_SECONDS = 4
"""Seconds of a clip that speak for its categories before fusion."""
NOISE = 0.1
"""Standard deviation of what is added to fused seconds for their keys."""


@dataclass(frozen=True)
class CACEConfig(LocalizationConfig):
    """Sizes and shares of CACE-Net; the defaults are those with which the released code is run.

    Raises:
        ModelError: A size or a share that no network can have, or weak supervision, for which nothing runs.
    """

    visual_width: int = 512
    """Channels of the map after its first layer, 4 at least."""
    hidden: int = 256
    """Inner width of the co-guidance."""
    width: int = 256
    """Of the encoders and all after them; the picture's Bi-LSTM has twice as many states."""
    layers: int = 2
    """Of each encoder."""
    heads: int = 4
    feed_forward: int = 1024
    """Inner width of the encoders; the attentions from one modality to the other have half of it."""
    visual_share: float = 0.4
    """beta: of the self-guided picture in the guided one."""
    audio_share: float = 0.3
    """psi: of the guided sound."""
    gate_share: float = 0.1
    """alpha: of each modality that the other one's gate lets in."""
    side_share: float = 0.3
    """gamma: of the categories before fusion in the answer."""
    contrast_share: float = 0.6
    """lambda: of what the contrast learns in relevance."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "visual_width", "hidden", "width", "layers", "heads", "feed_forward")
        check_heads(self.width, heads=self.heads)
        if self.visual_width < 4 or self.feed_forward < 2:
            raise ModelError(
                f"visual_width is {self.visual_width} and feed_forward {self.feed_forward}: must be 4 and 2 at least"
            )
        shares = ("visual_share", "audio_share", "gate_share", "side_share", "contrast_share")
        check_within_unit(**{name: getattr(self, name) for name in shares})
        check_full(self.supervision, "CACE-Net")


@system(
    "cace",
    title="CACE-Net",
    paper="He, Liu, Li, Zhao, Shen, Kong, Yang, Zeng: CACE-Net: Co-guidance Attention and Contrastive Enhancement for "
    "Effective Audio-Visual Event Localization. ACM MM",
    year=2024,
    source="public code (Brain-Cog-Lab/CACE-Net); its contrast begins after an eighth of the epochs, here at once, and "
    "it chooses the epoch on the test split",
    supervisions=("full",),
    method={"full": {"contrast_weight": 1.0}},
    schedule={
        "full": {
            "epochs": 200,
            "batch_size": 64,
            "learning_rate": 7e-4,
            "milestones": (10, 20, 30),
            "rate_factor": 0.5,
            "gradient_clip": 0.5,
        }
    },
)
class CACE(LocalizationModel):
    """Co-guidance, Bi-LSTMs, CMRAN's encoders and attentions, gates between the modalities, and a fusion each way.

    The defaults are those of the command of the released code that gives 80.8 % on AVE, on the features of VGG-19 and
    VGGish. Each modality's gate says, second by second, how sure it is of an event, and strengthens the other
    modality's features by that. The categories are scored twice: from the fused seconds, and before fusion, where the
    mean of the four highest scores over time counts.

    The specification is the code. Of the paper, only the abstract, two formulas (F_o = F_av + lambda F_FT and
    L = L^c + mean of (L^e + L^sup) + L^contrast) and summaries were read. The formula of the loss has four terms, the
    code five: relevance, category, gates (which we read as L^sup), the categories before fusion, and the contrast.

    What differs from the released code:

    - There the contrast, and its share in relevance, begin after an eighth of the epochs; here they begin at once. The
      network that its authors published has both.
    - There the keys are noisy in evaluation, too, which changes nothing but a printed loss.
    - There a clip without event is trained as one of the first category, here as one of none.
    - There the layers of an encoder start from equal weights.
    - Its network for weak supervision does not run, and no script trains it: there is none here.

    Example:
        >>> model = CACE(CACEConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8, regions=9)).eval()
        >>> output = model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8))
        >>> output.relevance_logits.shape, output.category_logits.shape
        (torch.Size([2, 10]), torch.Size([2, 2]))
    """

    config_type = CACEConfig
    objective = "contrast"
    config: CACEConfig

    def __init__(self, config: CACEConfig) -> None:
        super().__init__(config)
        c = config
        self.visual = nn.Sequential(nn.Linear(c.visual_size, c.visual_width), nn.ReLU(), Dropout(0.2))
        self.guidance = CoGuidance(c.visual_width, c.audio_size, c.hidden, c.visual_share, c.audio_share)
        self.visual_lstm = bi_lstm(c.visual_width, 2 * c.width)
        self.audio_lstm = bi_lstm(c.audio_size, c.width)
        encoder = EncoderConfig(layers=c.layers, heads=c.heads, hidden=c.feed_forward)
        self.visual_encoder = Encoder(2 * c.width, c.width, encoder)
        self.audio_encoder = Encoder(c.width, c.width, encoder)
        cross = InterModalityConfig(name="cmra", heads=c.heads, hidden=c.feed_forward // 2, dropout=0.1)
        self.visual_query = nn.Linear(2 * c.width, c.width)
        self.audio_query = nn.Linear(c.width, c.width)
        self.visual_cross = INTER_MODALITY[cross.name](c.width, cross)
        self.audio_cross = INTER_MODALITY[cross.name](c.width, cross)
        self.visual_gate = nn.Linear(c.width, 1)
        self.audio_gate = nn.Linear(c.width, 1)
        self.visual_category = nn.Linear(c.width, c.categories)
        self.audio_category = nn.Linear(c.width, c.categories)
        self.visual_fusion = _fusion(c)
        self.audio_fusion = _fusion(c)
        self.contrast = nn.Sequential(nn.Linear(c.width, c.width), nn.ReLU())
        self.relevance = nn.Linear(c.width, 1)
        self.category = nn.Linear(c.width, c.categories)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> ContrastOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        c = self.config
        regions, audio = self.features(visual, audio, mask)
        guided = self.guidance(self.visual(regions), audio, mask)
        seen = run_lstm(self.visual_lstm, guided.visual.values, mask).hidden  # [B, T, 2 d]
        heard = run_lstm(self.audio_lstm, guided.audio, mask).hidden  # [B, T, d]
        v_self = self.visual_encoder(seen, mask).values
        a_self = self.audio_encoder(heard, mask).values
        v_cross = self.visual_cross(self.visual_query(seen), v_self, a_self, mask, mask).values
        a_cross = self.audio_cross(self.audio_query(heard), a_self, v_self, mask, mask).values
        v_gate, a_gate = self.visual_gate(v_self).sigmoid(), self.audio_gate(a_self).sigmoid()  # [B, T, 1]
        v_cross = v_cross * (1 + c.gate_share * a_gate)
        a_cross = a_cross * (1 + c.gate_share * v_gate)
        v_side, a_side = self.visual_category(v_cross), self.audio_category(a_cross)
        side_logits = (best_seconds(v_side, mask) + best_seconds(a_side, mask)) / 2
        v_fused = self.visual_fusion(a_cross, v_cross, mask)
        a_fused = self.audio_fusion(v_fused, a_cross, mask)  # of what was fused before
        fused = (v_fused + a_fused) / 2
        queries = self.contrast(fused)
        noisy = fused + NOISE * torch.randn_like(fused) if self.training else fused
        return ContrastOutput(
            relevance_logits=logits_of_seconds(self.relevance, fused + c.contrast_share * queries, mask),
            category_logits=self.category(masked_max(fused, mask)) + c.side_share * side_logits,
            attention=spatial_only(guided.visual, visual, mask) if return_attention else None,
            gates=without_padding((v_gate * a_gate).squeeze(-1), mask),
            side_logits=side_logits,
            queries=unit_norm(queries),
            keys=unit_norm(self.contrast(noisy)),
        )


def best_seconds(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of each category's highest scores over time, `BEST_SECONDS` of them or as many as there are seconds.

    Args:
        scores: [B, T, C].
        mask: [B, T], True where a second is real.

    Returns:
        [B, C].

    Example:
        >>> best_seconds(torch.tensor([[[1.0], [5.0], [2.0], [3.0], [4.0]]])).tolist()
        [[3.5]]
    """
    if mask is not None:
        scores = scores.masked_fill(~mask[..., None], -torch.inf)
    longer = F.pad(scores, (0, 0, 0, BEST_SECONDS - 1), value=-torch.inf)  # a clip may be shorter
    best = longer.topk(BEST_SECONDS, dim=1).values
    real = best > -torch.inf
    return best.where(real, 0.0).sum(1) / real.sum(1)


def _fusion(config: CACEConfig) -> AudioVisualFusion:
    fusion = AudioVisualFusion(config.width, FusionConfig(heads=config.heads, dropout=0.1))
    fusion.attention.dropout = 0.2  # of the weights alone
    return fusion
