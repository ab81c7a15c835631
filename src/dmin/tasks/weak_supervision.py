"""Weak supervision: only the clip's categories are known in training (eq. 18), every second is asked for afterwards.

Multiple instance learning: a clip's scores are those of its seconds, pooled over time. Background is a category here,
the last one, and belongs to clips without any event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from dmin.data.clips import Batch, clip_labels
from dmin.errors import ModelError
from dmin.registry import Registry
from dmin.tasks.localization import LocalizationOutput, SegmentTask, unimodal_logits


class WeakOutput(LocalizationOutput, Protocol):
    """Outputs of a network that the task needs, beside those of full supervision."""

    @property
    def unimodal_relevance_logits(self) -> Tensor | None:
        """[B, T]: is there an event in this second, from the self-attended visual features alone?"""


@dataclass(frozen=True)
class WeakLoss:
    """The terms of eq. 18, each a scalar, and their weighted sum."""

    total: Tensor
    category: Tensor
    unimodal_category: Tensor


def mil_probabilities(category_logits: Tensor, relevance_logits: Tensor, mask: Tensor) -> Tensor:
    """MIL pooling of probabilities: a clip is of category c if its most relevant second is an event, and of c.

    With s_t = sigmoid(relevance) and q = softmax(category), second t is of category c with s_t q_c and of background
    with 1 - s_t (1 - q_background); the second with the largest s_t speaks for the clip. The paper leaves its pooling
    open. Of the ways that were tried on composed clips, only such ones, in which a clip without event must push
    relevance down in all of its seconds, taught relevance anything (docs/weak.md).

    Args:
        category_logits: [B, C + 1], background last.
        relevance_logits: [B, T].
        mask: [B, T], True where a second is real.

    Returns:
        [B, C + 1], each row summing to 1.

    Example:
        >>> real = torch.tensor([[True, True]])
        >>> mil_probabilities(torch.zeros(1, 2), torch.tensor([[0.0, -99.0]]), real).tolist()
        [[0.25, 0.75]]
    """
    relevance = relevance_logits.sigmoid().masked_fill(~mask, 0.0).amax(1, keepdim=True)  # [B, 1]
    categories, background = category_logits.softmax(-1).tensor_split([-1], -1)
    return torch.cat([relevance * categories, 1 - relevance * (1 - background)], -1)


def mil_logits(category_logits: Tensor, relevance_logits: Tensor, mask: Tensor) -> Tensor:
    """MIL pooling of the released code: the clip's logits times the relevance of each second, the largest over time.

    Args:
        category_logits: [B, C + 1].
        relevance_logits: [B, T].
        mask: [B, T], True where a second is real.

    Returns:
        [B, C + 1].

    Example:
        >>> scores = mil_logits(torch.tensor([[2.0, -2.0]]), torch.tensor([[0.0, 99.0]]), torch.tensor([[True, True]]))
        >>> scores.tolist()
        [[2.0, -1.0]]
    """
    seconds = relevance_logits.sigmoid()[..., None] * category_logits[:, None]  # [B, T, C + 1]
    return seconds.masked_fill(~mask[..., None], -torch.inf).amax(1)


def _probability_loss(category_logits: Tensor, relevance_logits: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
    """Multi-label soft margin at the logits of the pooled probabilities: their binary cross-entropy."""
    return probability_loss(mil_probabilities(category_logits, relevance_logits, mask), labels)


def probability_loss(pooled: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of clips' probabilities [B, C + 1] against their targets, kept finite at 0 and 1."""
    tiny = torch.finfo(pooled.dtype).eps
    return F.binary_cross_entropy(pooled.clamp(tiny, 1 - tiny), targets.to(pooled.dtype))


def _logit_loss(category_logits: Tensor, relevance_logits: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
    """Multi-label soft margin of softmaxed scores, as released: its sigmoid sees 0 to 1 and gives 0.5 to 0.731."""
    pooled = mil_logits(category_logits, relevance_logits, mask).softmax(-1)
    return F.multilabel_soft_margin_loss(pooled, labels.to(pooled.dtype))


POOLINGS = Registry[Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]]("mil_pooling")
"""Ways to pool, by name."""
POOLINGS.add("probabilities", _probability_loss)
POOLINGS.add("logits", _logit_loss)


def weak_loss(
    output: WeakOutput,
    segment_labels: Tensor,
    mask: Tensor,
    unimodal_weight: float = 0.08,
    pooling: str = "probabilities",
) -> WeakLoss:
    """Loss of weak supervision, eq. 18: w * unimodal category + (1 - w) * category, both multi-label soft margins.

    Args:
        output: The network's answer.
        segment_labels: [B, T] in 0..C, C being background; only which of them a clip has is looked at.
        mask: [B, T], True where a second is real.
        unimodal_weight: The paper's lambda (Table VI: 0.08 for weak supervision).
        pooling: One of `POOLINGS`: "logits" is the released code's.

    Raises:
        ModelError: The network has no unimodal relevance, or there is no such pooling.
    """
    labels = clip_labels(segment_labels, mask, output.category_logits.shape[-1] - 1)
    margin = POOLINGS[pooling]
    category = margin(output.category_logits, output.relevance_logits, mask, labels)
    unimodal = category.new_zeros(())
    alone = unimodal_logits(output, unimodal_weight)
    if alone is not None:
        if output.unimodal_relevance_logits is None:
            raise ModelError("got a network without unimodal relevance: build it with supervision='weak'")
        unimodal = margin(alone, output.unimodal_relevance_logits, mask, labels)
    return WeakLoss(unimodal_weight * unimodal + (1 - unimodal_weight) * category, category, unimodal)


@dataclass(frozen=True)
class WeakSupervision(SegmentTask):
    """The task of training: see `dmin.tasks.task.Task`."""

    unimodal_weight: float = 0.08
    pooling: str = "probabilities"

    def losses(self, output: WeakOutput, batch: Batch) -> dict[str, Tensor]:
        """Eq. 18."""
        loss = weak_loss(output, batch.labels, batch.mask, self.unimodal_weight, self.pooling)
        return {"loss": loss.total, "category_loss": loss.category, "unimodal_loss": loss.unimodal_category}
