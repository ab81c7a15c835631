"""Training tasks by the names that network classes give: one task per kind of output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dmin.registry import Registry
from dmin.tasks.localization import FullSupervision
from dmin.tasks.matching import Matching
from dmin.tasks.task import Task
from dmin.tasks.weak_supervision import WeakSupervision


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """Options of the losses of event localization, and of what chooses the epoch; each kind of answer looks at some."""

    unimodal_weight: float = 0.1
    """The paper's lambda (eq. 17-18): weight of the unimodal category loss, 1 - lambda being the fused one's."""
    relevance_loss: Literal["mean", "sum"] = "mean"
    """Full supervision, relevance and category apart: the relevance loss (eq. 15) is the "mean" over seconds, as in the
    released code, or the "sum" over each clip's seconds, as printed."""
    mil_pooling: Literal["probabilities", "logits", "max", "mean"] | None = None
    """Weak supervision: how a clip's score comes from its seconds'. Relevance and category apart: "probabilities" (the
    default) or, as in the released code, scaled "logits". One choice a second: "max" (the default) or "mean"."""
    segment_loss: Literal["cross-entropy", "soft-margin"] = "cross-entropy"
    """Full supervision, one choice per second: "cross-entropy" or, as AVEL's code has it, "soft-margin"."""
    agreement_weight: float = 0.0
    """Full supervision: weight of PSP's pair loss."""
    contrast_weight: float = 1.0
    """Full supervision: weight of CACE-Net's contrast of event and background."""
    select: Literal["segment", "clip"] = "segment"
    """Accuracy that chooses the epoch on the validation split: of each "segment", or of each "clip" as a whole, for
    weak supervision that never sees a segment's label."""
    clip_target: Literal["labels", "proportions"] = "labels"
    """Weak supervision, one choice per second: "labels", or "proportions", which tell how long events are."""


OBJECTIVES = Registry[Callable[[int, str, LossOptions], Task]]("objective", extensible=True)
"""Makers of tasks of event localization from C, the supervision and the options of losses."""


@OBJECTIVES.register("decoupled")
def _decoupled(categories: int, supervision: str, options: LossOptions) -> Task:
    """Relevance and category apart: DMIN and DAM."""
    if supervision == "weak":
        pooling = options.mil_pooling or "probabilities"
        return WeakSupervision(categories, options.unimodal_weight, pooling, select=options.select)
    return FullSupervision(categories, options.unimodal_weight, options.relevance_loss, select=options.select)


MATCHING = Registry[type[Matching]]("matching objective", extensible=True)
"""Tasks of matching."""
MATCHING.add("windows", Matching)


def matching_task(objective: str, categories: int) -> Matching:
    """The task of a matching network.

    Args:
        objective: As its class says.
        categories: C of the labels.

    Raises:
        ModelError: There is no such objective.
    """
    return MATCHING[objective](categories)
