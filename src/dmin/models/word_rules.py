"""Rules that tell events by words: from how well sound and picture fit each text to how sure each label is.

A rule gives a logit for each label, above 0 where the label is an event. Only the greatest of a second counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from dmin.registry import Registry


@dataclass(frozen=True)
class Evidence:
    """Fit of each second to each of K texts, C labels before at least one distractor: cosines times their scale.

    The softmax of a row gives probabilities: exactly one of the texts is taken to be true.
    """

    visual: Tensor
    """[..., K]"""
    audio: Tensor
    """[..., K]"""
    joint: Tensor | None
    """[..., K], of picture and sound together; None if they share no space."""
    labels: int
    """C."""
    visual_floor: float
    """Least probability at which the picture shows a label, above 0 and below 1."""
    audio_floor: float
    """Least probability at which the sound is that of a label."""


RULES = Registry[Callable[[Evidence], Tensor]]("rule")
"""Rules by name: evidence -> logits [..., C]."""


def margin(fit: Tensor, labels: int, floor: float) -> Tensor:
    """Logit by which each label clears its floor and every other text; above 0 for one label at most.

    Args:
        fit: [..., K], the C labels first.
        labels: C.
        floor: Least probability.

    Returns:
        [..., C], 0 where the probability is just the floor, or where another text fits equally well.

    Example:
        >>> fit = torch.tensor([[0.6, 0.3, 0.1], [0.4, 0.5, 0.1]]).log()
        >>> [[round(value, 2) for value in row] for row in margin(fit, 2, 0.5).tolist()]
        [[0.41, -0.85], [-0.41, 0.0]]
    """
    own = fit[..., :labels]
    itself = torch.eye(labels, fit.shape[-1], dtype=torch.bool, device=fit.device)
    others = fit[..., None, :].masked_fill(itself, -torch.inf)  # [..., C, K]
    return torch.minimum(own - others.logsumexp(-1) - _logit(floor), own - others.amax(-1))


def _logit(share: float) -> float:
    return log(share / (1 - share))


@RULES.register("agreement")
def agreement(evidence: Evidence) -> Tensor:
    """Sound and picture choose the same label among all texts, both with at least their floors.

    The rule of OV-AVEBench's training-free baseline (Zhou et al., Towards Open-Vocabulary Audio-Visual Event
    Localization, CVPR 2025), which has neither floors nor distractors. How sure it is: the lesser of both margins.
    """
    e = evidence
    return torch.minimum(margin(e.visual, e.labels, e.visual_floor), margin(e.audio, e.labels, e.audio_floor))


@RULES.register("product")
def product(evidence: Evidence) -> Tensor:
    """The probabilities of a label by sound and by picture have at least the product of both floors as their product.

    That product is the probability that the label is both heard and seen, were both judged independently (the product
    rule of Kittler et al., On Combining Classifiers, IEEE TPAMI 1998). One modality may be unsure if the other is not.
    """
    e = evidence
    both = e.visual.log_softmax(-1)[..., : e.labels] + e.audio.log_softmax(-1)[..., : e.labels]
    both = both.clamp(max=-1e-6)  # a probability of 1 would have no logit
    return both - (-both.expm1()).log() - _logit(e.visual_floor * e.audio_floor)


@RULES.register("joint")
def joint(evidence: Evidence) -> Tensor:
    """Sound and picture together, one embedding, choose a label, with at least the geometric mean of both floors.

    For networks with one space for all (Girdhar et al., ImageBind, CVPR 2023, who add embeddings of two modalities).
    """
    assert evidence.joint is not None  # the network's configuration sees to it
    return margin(evidence.joint, evidence.labels, (evidence.visual_floor * evidence.audio_floor) ** 0.5)
