"""Accuracy measures as torchmetrics: they add up correctly over batches and over machines."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from dmin.data.clips import clip_labels


class _Share(Metric):
    """Right answers over all answers."""

    higher_is_better = True
    full_state_update = False
    correct: Tensor
    total: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("correct", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    def compute(self) -> Tensor:
        """Share of right answers so far, in 0..1."""
        return self.correct / self.total.clamp(min=1)


class SegmentAccuracy(_Share):
    """Share of real seconds whose label (C categories and background) is right: the measure of AVE's tables.

    Example:
        >>> metric = SegmentAccuracy()
        >>> metric.update(torch.tensor([[0, 2]]), torch.tensor([[0, 1]]), torch.tensor([[True, True]]))
        >>> float(metric.compute())
        0.5
    """

    def update(self, predicted: Tensor, labels: Tensor, mask: Tensor) -> None:
        """Count one batch.

        Args:
            predicted: [B, T] in 0..C.
            labels: [B, T] in 0..C.
            mask: [B, T], True where a second is real.
        """
        self.correct += ((predicted == labels) & mask).sum()
        self.total += mask.sum()


class ClipAccuracy(_Share):
    """Share of clips in whose seconds exactly the right categories are found; of seconds nothing needs to be known.

    Args:
        categories: C.

    Example:
        >>> metric = ClipAccuracy(2)
        >>> metric.update(torch.tensor([[0, 2], [2, 2]]), torch.tensor([[2, 0], [1, 2]]), torch.ones(2, 2).bool())
        >>> float(metric.compute())
        0.5
    """

    def __init__(self, categories: int) -> None:
        super().__init__()
        self.categories = categories

    def update(self, predicted: Tensor, labels: Tensor, mask: Tensor) -> None:
        """Count one batch; of the labels only which of them a clip has is looked at.

        Args:
            predicted: [B, T] in 0..C.
            labels: [B, T] in 0..C.
            mask: [B, T], True where a second is real.
        """
        found, true = (clip_labels(seconds, mask, self.categories) for seconds in (predicted, labels))
        self.correct += (found == true).all(1).sum()
        self.total += len(labels)


class ExactWindow(_Share):
    """Share of clips whose query was found at exactly the right second: the measure of cross-modality localization.

    Example:
        >>> metric = ExactWindow()
        >>> metric.update(torch.tensor([3, 0]), torch.tensor([3, 1]))
        >>> float(metric.compute())
        0.5
    """

    def update(self, starts: Tensor, true_starts: Tensor) -> None:
        """Count one batch of window starts [B]."""
        self.correct += (starts == true_starts).sum()
        self.total += true_starts.numel()
