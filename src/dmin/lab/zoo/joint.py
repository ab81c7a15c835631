"""Losses of networks with one choice per second among the categories and background, as AVEL and most after it have.

Under full supervision each second's label is known; under weak supervision the logits are pooled over time, and only
the clip's categories are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dmin.data.clips import Batch, clip_labels
from dmin.errors import ModelError
from dmin.layers.numeric import masked_mean
from dmin.models.outputs import JointOutput
from dmin.registry import Registry
from dmin.tasks.localization import SegmentTask
from dmin.tasks.objectives import OBJECTIVES, LossOptions
from dmin.tasks.task import Task
from dmin.tasks.weak_supervision import probability_loss

SEGMENT_LOSSES = Registry[Callable[[Tensor, Tensor], Tensor]]("segment_loss")
"""Losses of single seconds: logits [N, C + 1] and labels [N] -> [N]."""
JOINT_POOLINGS = Registry[Callable[[Tensor, Tensor, Tensor], Tensor]]("mil_pooling of a joint head")
"""Losses of whole clips: logits [B, T, C + 1], mask [B, T] and targets [B, C + 1] -> a scalar."""
CLIP_TARGETS = Registry[Callable[[Tensor, Tensor, int], Tensor]]("clip_target")
"""Targets of weak supervision: labels [B, T], mask [B, T] and C -> [B, C + 1]."""


@SEGMENT_LOSSES.register("cross-entropy")
def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, reduction="none")


@SEGMENT_LOSSES.register("soft-margin")
def _soft_margin(logits: Tensor, labels: Tensor) -> Tensor:
    """As AVEL's released code has it: softmax first, though the loss applies a sigmoid of its own."""
    one_hot = F.one_hot(labels, logits.shape[-1]).to(logits.dtype)
    return F.multilabel_soft_margin_loss(logits.softmax(-1), one_hot, reduction="none")


@JOINT_POOLINGS.register("max")
def _max(logits: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
    """AVEL's: the largest logits over time, softmax, multi-label soft margin."""
    pooled = logits.masked_fill(~mask[..., None], -torch.inf).amax(1).softmax(-1)
    return F.multilabel_soft_margin_loss(pooled, targets.to(pooled.dtype))


@JOINT_POOLINGS.register("mean")
def _mean(logits: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
    """PSP's: the mean logits over time, softmax, binary cross-entropy."""
    return probability_loss(masked_mean(logits, mask).softmax(-1), targets)


CLIP_TARGETS.add("labels", clip_labels)


@CLIP_TARGETS.register("proportions")
def clip_proportions(segment_labels: Tensor, mask: Tensor, categories: int) -> Tensor:
    """Share of a clip's seconds that are of each category, background among them: [B, C + 1], rows summing to 1.

    PSP's released code trains on these under weak supervision. They tell each event's duration, which weak supervision
    is not to know.

    Example:
        >>> clip_proportions(torch.tensor([[0, 0, 1, 1]]), torch.ones(1, 4, dtype=torch.bool), 1).tolist()
        [[0.5, 0.5]]
    """
    seconds = F.one_hot(segment_labels, categories + 1) * mask[..., None]  # [B, T, C + 1]
    return seconds.sum(1) / mask.sum(1, keepdim=True)


def agreement_loss(agreement: Tensor, event: Tensor, mask: Tensor) -> Tensor:
    """PSP's pair loss: mean squared difference of two shares over time, of the agreement and of the event's seconds.

    Args:
        agreement: [B, T], how alike sound and picture are, at least 0.
        event: [B, T], True where the second is of an event.
        mask: [B, T], True where a second is real.
    """
    shares = [_share(part * mask) for part in (agreement, event.to(agreement.dtype))]
    return (shares[0] - shares[1]).square().sum() / mask.sum().clamp(min=1)


def _share(values: Tensor) -> Tensor:
    """[B, T] divided by its sum over time; 0 where that is 0."""
    total = values.sum(1, keepdim=True)
    nothing = total == 0
    return torch.where(nothing, 0.0, values / torch.where(nothing, 1.0, total))


@dataclass(frozen=True)
class JointFullSupervision(SegmentTask):
    """Every second's label is known."""

    segment_loss: str = "cross-entropy"
    """One of `SEGMENT_LOSSES`."""
    agreement_weight: float = 0.0
    """Of the pair loss; above 0 only for networks that answer with an agreement."""

    def losses(self, output: JointOutput, batch: Batch) -> dict[str, Tensor]:
        """The mean over real seconds, and the pair loss where it has a weight.

        Raises:
            ModelError: There is no such loss, or nothing for the pair loss to look at.
        """
        each = SEGMENT_LOSSES[self.segment_loss](output.segment_logits[batch.mask], batch.labels[batch.mask])
        segment = each.mean()
        if not self.agreement_weight:
            return {"loss": segment}
        if output.agreement is None:
            raise ModelError(
                f"agreement_weight is {self.agreement_weight:g}, but the network gives no agreement: set it to 0"
            )
        agreement = agreement_loss(output.agreement, batch.labels < self.categories, batch.mask)
        return {
            "loss": segment + self.agreement_weight * agreement,
            "segment_loss": segment,
            "agreement_loss": agreement,
        }


@dataclass(frozen=True)
class JointWeakSupervision(SegmentTask):
    """Only each clip's categories are known."""

    pooling: str = "max"
    """One of `JOINT_POOLINGS`."""
    clip_target: str = "labels"
    """One of `CLIP_TARGETS`."""

    def losses(self, output: JointOutput, batch: Batch) -> dict[str, Tensor]:
        """The pooled logits against what is known of the clips.

        Raises:
            ModelError: There is no such pooling or target.
        """
        targets = CLIP_TARGETS[self.clip_target](batch.labels, batch.mask, self.categories)
        return {"loss": JOINT_POOLINGS[self.pooling](output.segment_logits, batch.mask, targets)}


@OBJECTIVES.register("joint")
def joint_task(categories: int, supervision: str, options: LossOptions) -> Task:
    """Make the task of a network that chooses among the categories and background in every second."""
    if supervision == "weak":
        pooling = options.mil_pooling or "max"
        return JointWeakSupervision(categories, pooling, options.clip_target, select=options.select)
    return JointFullSupervision(categories, options.segment_loss, options.agreement_weight, select=options.select)
