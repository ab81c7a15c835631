"""Audio-visual event localization under full supervision: the losses of eq. 15-17 and the decoding of section VI-B.

A network answers with logits; everything here works on those alone, so any network with the same three outputs fits.
Labels are ``segment_labels`` [B, T]: a category's index, or C (one past the last category) for background.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.data.clips import Batch
from dmin.errors import ModelError, unknown_name
from dmin.registry import Registry
from dmin.tasks.decoding import decode

if TYPE_CHECKING:
    from dmin.tasks.metrics import ClipAccuracy, SegmentAccuracy

SELECTIONS = ("segment", "clip")
"""Accuracies on the validation split that may choose the epoch: of seconds, or of whole clips."""
NO_EVENT = -100
"""Clip label of a clip without any event; `torch.nn.functional.cross_entropy` leaves it out."""


class LocalizationOutput(Protocol):
    """Outputs of a network that the task needs."""

    @property
    def relevance_logits(self) -> Tensor:
        """[B, T]: is there an event in this second?"""

    @property
    def category_logits(self) -> Tensor:
        """[B, C]: which event is it, from the fused features?"""

    @property
    def unimodal_category_logits(self) -> Tensor | None:
        """[B, C]: the same from the self-attended visual features alone, where there is such a head."""


@dataclass(frozen=True)
class LocalizationLoss:
    """The terms of eq. 17, each a scalar, and their weighted sum."""

    total: Tensor
    relevance: Tensor
    category: Tensor
    unimodal_category: Tensor


def clip_categories(segment_labels: Tensor, mask: Tensor, categories: int) -> Tensor:
    """The category of each clip: the one with the most event seconds, the lowest index among equals.

    Args:
        segment_labels: [B, T] in 0..C, C being background.
        mask: [B, T], True where a second is real.
        categories: C.

    Returns:
        [B], `NO_EVENT` for clips without an event.

    Example:
        >>> clip_categories(torch.tensor([[1, 1, 2], [2, 2, 2]]), torch.ones(2, 3, dtype=torch.bool), 2).tolist()
        [1, -100]
    """
    seconds = F.one_hot(segment_labels, categories + 1)[..., :categories] * mask[..., None]  # [B, T, C]
    counts = seconds.sum(1)  # [B, C]
    return torch.where(counts.amax(1) > 0, counts.argmax(1), NO_EVENT)


def _mean_over_seconds(losses: Tensor, mask: Tensor) -> Tensor:
    """As released: every real second of the batch counts the same."""
    return losses.sum() / mask.sum().clamp(min=1)


def _sum_over_seconds(losses: Tensor, mask: Tensor) -> Tensor:
    """Eq. 15 as printed: the sum over a clip's seconds; then, as in eq. 16, the mean over clips."""
    return losses.sum() / len(mask)


RELEVANCE_LOSSES = Registry[Callable[[Tensor, Tensor], Tensor]]("relevance_loss")
"""Ways to reduce the relevance loss: losses [B, T], 0 at padded seconds, and mask [B, T] -> a scalar."""
RELEVANCE_LOSSES.add("mean", _mean_over_seconds)
RELEVANCE_LOSSES.add("sum", _sum_over_seconds)


def localization_loss(
    output: LocalizationOutput,
    segment_labels: Tensor,
    mask: Tensor,
    unimodal_weight: float = 0.1,
    relevance_loss: str = "mean",
) -> LocalizationLoss:
    """Loss of full supervision, eq. 17: relevance + w * unimodal category + (1 - w) * category.

    Eq. 15 runs over real seconds, eq. 16 over clips that have an event: a clip without one has no category to learn.
    The paper's data have an event in all clips but one, so this changes nothing there.

    Args:
        output: The network's answer.
        segment_labels: [B, T] in 0..C, C being background.
        mask: [B, T], True where a second is real.
        unimodal_weight: The paper's lambda.
        relevance_loss: One of `RELEVANCE_LOSSES`: "mean" over seconds, or "sum" over each clip's seconds.

    Raises:
        ModelError: The unimodal loss has a weight, but the network no unimodal head; or there is no such reduction.

    Example:
        >>> from types import SimpleNamespace
        >>> zeros = SimpleNamespace(relevance_logits=torch.zeros(1, 2), category_logits=torch.zeros(1, 4),
        ...                         unimodal_category_logits=torch.zeros(1, 4))
        >>> loss = localization_loss(zeros, torch.tensor([[3, 4]]), torch.ones(1, 2, dtype=torch.bool))
        >>> round(float(loss.relevance), 4), round(float(loss.category), 4)
        (0.6931, 1.3863)
    """
    categories = output.category_logits.shape[-1]
    clip_labels = clip_categories(segment_labels, mask, categories)
    relevant = (segment_labels < categories).to(output.relevance_logits.dtype)
    each_second = F.binary_cross_entropy_with_logits(output.relevance_logits, relevant, reduction="none")
    relevance = RELEVANCE_LOSSES[relevance_loss](each_second.masked_fill(~mask, 0.0), mask)
    category = category_loss(output.category_logits, clip_labels)
    alone = unimodal_logits(output, unimodal_weight)
    unimodal = relevance.new_zeros(()) if alone is None else category_loss(alone, clip_labels)
    total = relevance + unimodal_weight * unimodal + (1 - unimodal_weight) * category
    return LocalizationLoss(total, relevance, category, unimodal)


def unimodal_logits(output: LocalizationOutput, unimodal_weight: float) -> Tensor | None:
    """The categories' logits from the visual features alone, where the network has such a head.

    Raises:
        ModelError: It does not, but that answer's loss has a weight.
    """
    if output.unimodal_category_logits is None and unimodal_weight:
        raise ModelError(
            f"unimodal_weight is {unimodal_weight:g}, but the network has no unimodal heads: set it to 0, or the "
            "network's unimodal_heads to true"
        )
    return output.unimodal_category_logits


def category_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Eq. 16 over the labelled clips; 0 (with a gradient of 0) where a batch has none, instead of 0 / 0.

    Args:
        logits: [B, C].
        labels: [B], as `clip_categories` gives them.
    """
    total = F.cross_entropy(logits, labels, ignore_index=NO_EVENT, reduction="sum")
    return total / (labels != NO_EVENT).sum().clamp(min=1)


@dataclass(frozen=True)
class SegmentTask:
    """Parts shared by full and weak supervision: the network answers for every second."""

    categories: int
    """C."""
    select: str = field(default="segment", kw_only=True)
    """Measure that chooses the epoch: one of `SELECTIONS`."""

    def answer(self, model: nn.Module, batch: Batch) -> Any:
        """Run the network."""
        return model(batch.visual, batch.audio, batch.padding_mask)

    def metric(self) -> SegmentAccuracy | ClipAccuracy:
        """Share of right seconds, or of right clips.

        Raises:
            ModelError: There is no such selection.
        """
        from dmin.tasks.metrics import ClipAccuracy, SegmentAccuracy  # inference needs no torchmetrics: it loads slowly

        if self.select not in SELECTIONS:
            raise ModelError(unknown_name("select", self.select, SELECTIONS))
        return SegmentAccuracy() if self.select == "segment" else ClipAccuracy(self.categories)

    def count(self, metric: SegmentAccuracy | ClipAccuracy, output: Any, batch: Batch) -> None:
        """Compare decoded seconds with the truth."""
        metric.update(decode(output, self.categories), batch.labels, batch.mask)


@dataclass(frozen=True)
class FullSupervision(SegmentTask):
    """The task of training: see `dmin.tasks.task.Task`."""

    unimodal_weight: float = 0.1
    relevance_loss: str = "mean"

    def losses(self, output: LocalizationOutput, batch: Batch) -> dict[str, Tensor]:
        """Eq. 17."""
        loss = localization_loss(output, batch.labels, batch.mask, self.unimodal_weight, self.relevance_loss)
        terms = {"relevance_loss": loss.relevance, "category_loss": loss.category}
        return {"loss": loss.total, **terms, "unimodal_loss": loss.unimodal_category}
