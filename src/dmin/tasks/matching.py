"""Cross-modality localization: a query of L seconds is found among the T - L + 1 windows of the other modality.

Eq. 15 on the seconds is the loss; the window with the largest sum of the seconds' scores is the answer (section V).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.data.clips import Batch

if TYPE_CHECKING:
    from dmin.tasks.metrics import ExactWindow


class MatchingOutput(Protocol):
    """Outputs of a network that the task needs."""

    @property
    def segment_logits(self) -> Tensor:
        """[B, T]: does this second belong to the query?"""


def matching_loss(output: MatchingOutput, query_mask: Tensor, mask: Tensor) -> Tensor:
    """Eq. 15: binary cross-entropy of each real second against the query's true place.

    Args:
        output: The network's answer.
        query_mask: [B, T], True at the seconds that the query was taken from.
        mask: [B, T], True where a second is real.

    Example:
        >>> from types import SimpleNamespace
        >>> zeros, every = SimpleNamespace(segment_logits=torch.zeros(1, 2)), torch.ones(1, 2, dtype=torch.bool)
        >>> round(float(matching_loss(zeros, torch.tensor([[True, False]]), every)), 4)
        0.6931
    """
    logits = output.segment_logits
    each_second = F.binary_cross_entropy_with_logits(logits, query_mask.to(logits.dtype), reduction="none")
    return each_second.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)


def window_scores(segment_logits: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
    """Sum of logits of each window of the query's length, as float32: [B, T], -inf where no window starts.

    Args:
        segment_logits: [B, T].
        lengths: L, seconds of each query [B].
        mask: [B, T], True where a second is real.

    Example:
        >>> window_scores(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([2]), torch.ones(1, 3, dtype=torch.bool))
        tensor([[3., 5., -inf]])
    """
    second = torch.arange(segment_logits.shape[1], device=segment_logits.device)
    after = second - second[:, None]  # [T, T]: how far second t lies behind start k
    inside = (after >= 0) & (after < lengths[:, None, None])  # [B, T, T]
    sums = (inside * segment_logits.float()[:, None]).sum(-1)
    return sums.masked_fill(second > (mask.sum(1) - lengths)[:, None], -torch.inf)


@dataclass(frozen=True)
class Matching:
    """The task of training: see `dmin.tasks.task.Task`. A clip's event is the query; its category plays no part."""

    categories: int
    """C of the labels: what is below is event."""

    def query_mask(self, batch: Batch) -> Tensor:
        """[B, T], True at the event's seconds."""
        return (batch.labels < self.categories) & batch.mask

    def answer(self, model: nn.Module, batch: Batch) -> Any:
        """Run the network on maps averaged over their regions."""
        return model(batch.visual.mean((2, 3)), batch.audio, self.query_mask(batch), batch.padding_mask)

    def losses(self, output: Any, batch: Batch) -> dict[str, Tensor]:
        """Eq. 15."""
        return {"loss": matching_loss(output, self.query_mask(batch), batch.mask)}

    def metric(self) -> ExactWindow:
        """Share of clips whose window is exact."""
        from dmin.tasks.metrics import ExactWindow  # inference needs no torchmetrics, which loads slowly

        return ExactWindow()

    def window_scores(self, output: Any, batch: Batch) -> Tensor:
        """Score of each window [B, T], by its first second; -inf where no window starts."""
        return window_scores(output.segment_logits, self.query_mask(batch).sum(1), batch.mask)

    def count(self, metric: ExactWindow, output: Any, batch: Batch) -> None:
        """Compare the best windows, the first among equals, with the truth."""
        metric.update(self.window_scores(output, batch).argmax(1), self.query_mask(batch).int().argmax(1))
