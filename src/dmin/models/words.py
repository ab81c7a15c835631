"""Events by labels in words: embeddings of pictures and sounds are compared with those of texts; nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.models.bases import LocalizationModel
from dmin.models.config import LocalizationConfig
from dmin.models.outputs import JointOutput
from dmin.models.word_rules import RULES, Evidence


@dataclass(frozen=True)
class WordsConfig(LocalizationConfig):
    """Options of `Words`; the categories are the labels.

    Raises:
        ModelError: A value that no such network can have.
    """

    regions: int = 1
    distractors: tuple[str, ...] = ()
    """Texts that are compared with the labels and are no event."""
    rule: str = "agreement"
    """Name of one of `dmin.models.word_rules.RULES`."""
    visual_floor: float = 0.5
    """Least probability at which the picture shows a label. 0.5: the label outweighs all other texts together, so that
    it is more likely right than wrong if the probabilities are. No figure of any data stands behind it."""
    audio_floor: float = 0.5
    """The same for the sound."""
    visual_scale: float = 100.0
    """Factor of cosines between pictures and texts, as learnt by their network."""
    audio_scale: float = 100.0
    """The same for sounds."""
    shares_space: bool = False
    """True if pictures and sounds are in one space."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "distractors", tuple(self.distractors))
        super().__post_init__()
        _ = RULES[self.rule]
        if not self.distractors or not all(self.distractors):
            raise ModelError(
                f"distractors is {list(self.distractors)}: give at least one text, none of them empty; compared with "
                "nothing, a label would fit whatever comes"
            )
        known = {name.casefold() for name in self.category_names}
        for text in self.distractors:
            if text.casefold() in known:
                raise ModelError(f"distractors has {text}, which is a label or stands twice: take one of both out")
            known.add(text.casefold())
        for name in ("visual_floor", "audio_floor"):
            if not 0 < getattr(self, name) < 1:
                raise ModelError(f"{name} is {getattr(self, name):g}: must be above 0 and below 1")
        if self.shares_space and self.visual_size != self.audio_size:
            raise ModelError(
                f"picture and sound are said to share a space, but have {self.visual_size} and {self.audio_size} "
                "channels: name different spaces in their cards"
            )
        if self.rule == "joint" and not self.shares_space:
            raise ModelError(
                "rule is 'joint', but picture and sound share no space: give two backbones of one space, or the rule "
                "'agreement' or 'product'"
            )


class Words(LocalizationModel):
    """Compares each second with texts, whose embeddings are all that it holds.

    Args:
        config: Labels, distractors, and the rule.

    Example:
        >>> network = Words(WordsConfig(("dog",), visual_size=2, audio_size=2, distractors=("silence",)))
        >>> _ = network.visual_texts.copy_(torch.eye(2)), network.audio_texts.copy_(torch.eye(2))
        >>> output = network(torch.tensor([[1.0, 0.0], [0.0, 1.0]])[None, :, None, None], torch.eye(2)[None])
        >>> output.segment_logits[..., 0].sign().tolist()
        [[1.0, -1.0]]
    """

    looks_at_regions = False
    config_type = WordsConfig
    config: WordsConfig

    def __init__(self, config: WordsConfig) -> None:
        super().__init__(config)
        texts = config.categories + len(config.distractors)
        self.visual_texts = nn.Parameter(torch.zeros(texts, config.visual_size), requires_grad=False)
        """[K, D_v], the labels first."""
        self.audio_texts = nn.Parameter(torch.zeros(texts, config.audio_size), requires_grad=False)
        """[K, D_a]"""

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> JointOutput:
        """Answer for a batch of clips.

        Args:
            visual: Embeddings [B, T, H, W, D_v]; those of several regions are averaged.
            audio: Embeddings [B, T, D_a].
            mask: [B, T], True where a second is real; padding comes last. None if all are.
            return_attention: Of no effect: there is none.

        Raises:
            ModelError: The shapes do not fit.
        """
        return self.judge(self.evidence(visual, audio, mask))

    def judge(self, evidence: Evidence) -> JointOutput:
        """Apply the rule; background has the logit 0, so that a label is an event where its own is above."""
        return JointOutput(F.pad(RULES[self.config.rule](evidence), (0, 1)))

    def evidence(self, visual: Tensor, audio: Tensor, mask: Tensor | None = None) -> Evidence:
        """Compare each second with each text, for the rule; the arguments are those of a call."""
        regions, sounds = self.features(visual, audio, mask)
        c, pictures = self.config, regions.mean(2)
        together = None
        if c.shares_space:
            texts = F.normalize(self.visual_texts, dim=-1) + F.normalize(self.audio_texts, dim=-1)
            both = F.normalize(pictures, dim=-1) + F.normalize(sounds, dim=-1)
            together = (c.visual_scale + c.audio_scale) / 2 * _cosines(both, texts)
        return Evidence(
            c.visual_scale * _cosines(pictures, self.visual_texts),
            c.audio_scale * _cosines(sounds, self.audio_texts),
            together,
            c.categories,
            c.visual_floor,
            c.audio_floor,
        )


def _cosines(features: Tensor, texts: Tensor) -> Tensor:
    """[B, T, D] and [K, D] -> [B, T, K]."""
    return F.normalize(features, dim=-1) @ F.normalize(texts, dim=-1).T
