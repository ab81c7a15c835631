"""DAM (Wu et al. 2019): what the clip of one modality is about, held against every second of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.checks import check_heads, check_shares, check_sizes
from dmin.lab.zoo.layers.agva import AudioGuidedVisualAttention
from dmin.lab.zoo.shared import R_AVE_SCHEDULE, SelfContext, check_full, spatial_only
from dmin.layers.dropout import Dropout
from dmin.layers.numeric import masked_mean, widened
from dmin.models.bases import LocalizationModel, MatchingModel
from dmin.models.config import LocalizationConfig, MatchingConfig
from dmin.models.masks import without_relevance
from dmin.models.outputs import DecoupledOutput, WindowOutput
from dmin.models.systems import system

_CARD: dict[str, Any] = {
    "paper": "Wu, Zhu, Yan, Yang: Dual Attention Matching for Audio-Visual Event Localization. ICCV",
    "year": 2019,
    "source": "second-hand notes and the abstract; widths, heads, the fusion and the recipe are readings",
}


@dataclass(frozen=True)
class DAMConfig(LocalizationConfig):
    """Sizes of DAM, all but the visual attention's readings.

    Raises:
        ModelError: A size or a share that no network can have, or weak supervision, for which no result is published.
    """

    hidden: int = 512
    """Inner width of the visual attention."""
    width: int = 256
    heads: int = 4
    dropout: float = 0.2
    """Before the categories."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "hidden", "width", "heads")
        check_heads(self.width, heads=self.heads)
        check_shares(self, "dropout")
        check_full(self.supervision, "DAM")


@system(
    "dam",
    title="DAM",
    supervisions=("full",),
    method={"full": {"unimodal_weight": 0.0}},
    schedule={kind: R_AVE_SCHEDULE[kind] for kind in ("all", "full")},
    **_CARD,
)
class DAM(LocalizationModel):
    """Two global vectors say which category; each, held against the other modality's seconds, says when.

    Local features are a_t and the guided v_t; a global vector is the mean over time of their self-attention. Both
    global vectors together say the category, and relevance is sigmoid(global . local), averaged over both directions
    (the notes and the abstract). The loss lambda L_c + (1 - lambda) L_r with the best lambda, 0.5, is half of the sum
    that is minimised here.

    Readings: both modalities go through a linear layer to a common width d, and local features are what comes out of
    it; the attention has 4 heads, residual and layer norm; the fusion is a concatenation and two linear layers with
    ReLU and dropout; the dot product is divided by sqrt(d); relevance asks the same global vectors, of all seconds, for
    there are no labels at test time; the schedule is that of the other systems without public code.

    Example:
        >>> model = DAM(DAMConfig(category_names=("Dog", "Rain"), visual_size=16, audio_size=8, regions=9)).eval()
        >>> model(torch.rand(2, 10, 3, 3, 16), torch.rand(2, 10, 8)).relevance_logits.shape
        torch.Size([2, 10])
    """

    config_type = DAMConfig
    objective = "decoupled"
    config: DAMConfig

    def __init__(self, config: DAMConfig) -> None:
        super().__init__(config)
        c = config
        self.attention = AudioGuidedVisualAttention(c.visual_size, c.audio_size, c.regions, c.hidden)
        self.visual = SelfContext(c.visual_size, c.width, c.heads)
        self.audio = SelfContext(c.audio_size, c.width, c.heads)
        self.category = nn.Sequential(
            nn.Linear(2 * c.width, c.width), nn.ReLU(), Dropout(c.dropout), nn.Linear(c.width, c.categories)
        )

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> DecoupledOutput:
        """Answer for a batch of clips: maps [B, T, H, W, D_v], audio [B, T, D_a], mask [B, T]."""
        regions, audio = self.features(visual, audio, mask)
        guided = self.attention(regions, audio)
        seen, heard = self.visual.project(guided.values), self.audio.project(audio)  # local, [B, T, d]
        picture = masked_mean(self.visual.around(seen, mask), mask)  # global, [B, d]
        sound = masked_mean(self.audio.around(heard, mask), mask)
        relevance = mean_logit(held_against(sound, seen), held_against(picture, heard))
        return DecoupledOutput(
            relevance_logits=without_relevance(relevance, mask),
            category_logits=self.category(torch.cat([sound, picture], -1)),
            attention=spatial_only(guided, visual, mask) if return_attention else None,
        )


def held_against(about: Tensor, local: Tensor) -> Tensor:
    """Logits [B, T]: a global vector [B, d] of one modality and the seconds [B, T, d] of the other.

    Example:
        >>> held_against(torch.ones(1, 4), torch.ones(1, 3, 4)).tolist()
        [[2.0, 2.0, 2.0]]
    """
    logits: Tensor = (local @ about[..., None]).squeeze(-1) / local.shape[-1] ** 0.5
    return logits


def mean_logit(one: Tensor, other: Tensor) -> Tensor:
    """The logit of the mean of two sigmoids, safe however large they are.

    Example:
        >>> round(float(mean_logit(torch.tensor(2.0), torch.tensor(-2.0))), 4)
        0.0
    """
    one, other = widened(one), widened(other)
    yes = torch.logaddexp(F.logsigmoid(one), F.logsigmoid(other))
    return yes - torch.logaddexp(F.logsigmoid(-one), F.logsigmoid(-other))


@dataclass(frozen=True)
class DAMMatchingConfig(MatchingConfig):
    """Sizes of DAM for cross-modality localization, readings.

    Raises:
        ModelError: A size that no network can have.
    """

    width: int = 256
    heads: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "width", "heads")
        check_heads(self.width, heads=self.heads)


@system("dam-matching", title="DAM", schedule={"all": R_AVE_SCHEDULE["all"] | R_AVE_SCHEDULE["full"]}, **_CARD)
class DAMMatching(MatchingModel):
    """The query's seconds become one global vector; each candidate second is held against it.

    Self-attention and mean over time see the query's seconds only, background removed, and the window of the largest
    sum wins (the notes). Maps are averaged already, so there is no visual attention (the DMIN paper).

    Readings: the notes train on the averaged two directions. So in training the logit is that of the mean of two
    sigmoids, the other one being the asked modality's event held against the asking modality's seconds; in evaluation
    a query is answered in its own direction. There is a network a direction. A window's score is the sum of its
    seconds' logits, as everywhere here, where the notes sum their sigmoids.

    Example:
        >>> model = DAMMatching(DAMMatchingConfig(visual_size=16, audio_size=8)).eval()
        >>> model(torch.rand(2, 10, 16), torch.rand(2, 10, 8), torch.arange(10).expand(2, 10) < 3).segment_logits.shape
        torch.Size([2, 10])
    """

    config_type = DAMMatchingConfig
    config: DAMMatchingConfig

    def __init__(self, config: DAMMatchingConfig) -> None:
        super().__init__(config)
        c = config
        self.visual = SelfContext(c.visual_size, c.width, c.heads)
        self.audio = SelfContext(c.audio_size, c.width, c.heads)

    def known(self, query_mask: Tensor, mask: Tensor | None) -> Tensor | None:
        """The query alone; in training all of the clip, for its seconds are the other direction's candidates."""
        if not self.training:
            return query_mask
        return torch.ones_like(query_mask) if mask is None else mask

    def _answer(
        self, asking: Tensor, query_mask: Tensor, keep: Tensor | None, asked: Tensor, mask: Tensor | None
    ) -> WindowOutput:
        of_asking, of_asked = (self.audio, self.visual) if self.config.direction == "a2v" else (self.visual, self.audio)
        query, candidates = of_asking.project(asking), of_asked.project(asked)
        logits = held_against(masked_mean(of_asking.around(query, query_mask), query_mask), candidates)
        if self.training and keep is not None:  # None in `find`, whose query has no clip around it
            event = masked_mean(of_asked.around(candidates, query_mask), query_mask)
            logits = mean_logit(logits, held_against(event, query))
        return WindowOutput(without_relevance(logits, mask))
