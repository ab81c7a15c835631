"""Losses of CACE-Net: its heads' own, and the contrast of event and background among a clip's seconds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dmin.data.clips import Batch
from dmin.layers.numeric import widened
from dmin.models.outputs import DecoupledOutput
from dmin.tasks.localization import SegmentTask, category_loss, clip_categories, localization_loss
from dmin.tasks.objectives import OBJECTIVES, LossOptions
from dmin.tasks.task import Task

TEMPERATURE = 0.01


@dataclass(frozen=True, kw_only=True)
class ContrastOutput(DecoupledOutput):
    """Relevance and category, with what the other losses look at."""

    gates: Tensor
    """[B, T], how sure both modalities are of an event: the product of two numbers in 0..1."""
    side_logits: Tensor
    """[B, C], the categories before fusion."""
    queries: Tensor
    """[B, T, d], of unit length or 0: the fused seconds as the contrast sees them."""
    keys: Tensor
    """[B, T, d], of unit length or 0: the same of fused seconds with noise."""


def contrast_loss(queries: Tensor, keys: Tensor, event: Tensor, mask: Tensor) -> Tensor:
    """Supervised contrast within each clip, between all of its seconds' queries and keys.

    A second's query and key belong together, and so do those of all event seconds. With P the vectors that belong to
    one of them and A all others of the clip, the loss of vector x is -log(mean over P of e^(x p / tau) / sum over A of
    e^(x a / tau)), tau being 0.01; the mean is over vectors.

    Args:
        queries: [B, T, d], of unit length.
        keys: [B, T, d], of unit length.
        event: [B, T], True where the second is of an event.
        mask: [B, T], True where a second is real.

    Example:
        >>> one = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> real = torch.ones(1, 2, dtype=torch.bool)
        >>> float(contrast_loss(one, one, torch.tensor([[True, False]]), real)) < 1e-6
        True
    """
    time = event.shape[1]
    vectors = widened(torch.cat([queries, keys], 1))  # [B, 2 T, d]
    scores = vectors @ vectors.mT / TEMPERATURE
    event, real = (event & mask).repeat(1, 2), mask.repeat(1, 2)
    same_second = torch.eye(time, dtype=torch.bool, device=event.device).repeat(2, 2)
    other = ~torch.eye(2 * time, dtype=torch.bool, device=event.device)
    belongs = (same_second | (event[:, :, None] & event[:, None])) & other
    among = (same_second | real[:, None]) & other  # padding has its own second, so that no row is empty
    share = _log_sum(scores, belongs) - _log_sum(scores, among)
    return (belongs.sum(-1).to(share.dtype).log() - share)[real].mean()


def _log_sum(scores: Tensor, keep: Tensor) -> Tensor:
    return scores.masked_fill(~keep, -torch.inf).logsumexp(-1)


@dataclass(frozen=True)
class ContrastSupervision(SegmentTask):
    """Relevance and category, gates, categories before fusion, and the contrast; all but the last weigh 1."""

    relevance_loss: str = "mean"
    """One of `dmin.tasks.localization.RELEVANCE_LOSSES`."""
    contrast_weight: float = 1.0

    def losses(self, output: ContrastOutput, batch: Batch) -> dict[str, Tensor]:
        """Their sum; the gates' loss is that of logits, though they are within 0 and 1, as the released code has it."""
        main = localization_loss(output, batch.labels, batch.mask, 0.0, self.relevance_loss)
        event = batch.labels < self.categories
        seconds = event[batch.mask].to(output.gates.dtype)
        gates = F.binary_cross_entropy_with_logits(output.gates[batch.mask], seconds)
        side = category_loss(output.side_logits, clip_categories(batch.labels, batch.mask, self.categories))
        contrast = contrast_loss(output.queries, output.keys, event, batch.mask)
        return {
            "loss": main.total + gates + side + self.contrast_weight * contrast,
            "relevance_loss": main.relevance,
            "category_loss": main.category,
            "gate_loss": gates,
            "side_loss": side,
            "contrast_loss": contrast,
        }


@OBJECTIVES.register("contrast")
def contrast_task(categories: int, supervision: str, options: LossOptions) -> Task:
    """Make CACE-Net's task; its configuration allows full supervision only."""
    return ContrastSupervision(categories, options.relevance_loss, options.contrast_weight, select=options.select)
