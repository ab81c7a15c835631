"""DCCA (Andrew et al. 2013), as Tian et al. 2018 compare with it: outputs of both modalities that correlate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.checks import check_sizes
from dmin.errors import ModelError
from dmin.layers.numeric import widened
from dmin.models.bases import MatchingModel
from dmin.models.config import MatchingConfig
from dmin.models.outputs import EmbeddingOutput
from dmin.models.systems import system


@dataclass(frozen=True)
class DCCAConfig(MatchingConfig):
    """Sizes of DCCA: AVDLN's, so that only the objective differs (a reading).

    Raises:
        ModelError: A size or a share that no network can have.
    """

    hidden: int = 128
    embedding: int = 64
    """Channels of the outputs, and of the space they are projected to."""
    ridge: float = 1e-4
    """Of the linear CCA on the outputs."""
    momentum: float = 0.2
    """Share that a step has in the running moments of the outputs, if all steps have as many pairs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "hidden", "embedding")
        if self.ridge <= 0:
            raise ModelError(f"ridge is {self.ridge:g}: must be above 0")
        if not 0 < self.momentum <= 1:
            raise ModelError(f"momentum is {self.momentum:g}: must be above 0 and at most 1")


@dataclass(frozen=True, eq=False)
class Projections:
    """From both outputs to the space of the linear CCA, and what they were worked out from."""

    covariance: Tensor
    """[2 d, 2 d], a copy."""
    visual: Tensor
    """[d, d]"""
    audio: Tensor
    """[d, d]"""


@system(
    "dcca",
    title="DCCA",
    paper="Andrew, Arora, Bilmes, Livescu: Deep Canonical Correlation Analysis. ICML",
    year=2013,
    source="a reading throughout: Tian et al. compare with it and publish no code; the objective is that of mvlearn",
    # The covariances are 64 x 64: a step needs a thousand seconds. Beside systems with batches of 32, as many steps.
    method={"all": {"batch_size": 256, "epochs": 160, "milestones": (80, 120)}},
    schedule={"all": {"epochs": 50, "learning_rate": 1e-3, "milestones": (), "gradient_clip": 0.0}},
)
class DCCA(MatchingModel):
    """Two layers a modality, trained on event seconds as pairs; then a linear CCA on what they give.

    The loss is in `dmin.lab.zoo.embedding_matching`, and so is the choice of the window, the one of the largest summed
    cosine. All of it is a reading: sigmoid hidden layers, linear outputs, AVDLN's widths, batches of 256 clips, which
    on AVE have more than a thousand event seconds.

    Reading: the linear CCA is worked out from running moments of the outputs, which each training step moves by the
    count of its pairs, so that no second pass over the data is needed. Its projections are those of the whitened
    cross-covariance's singular vectors. In evaluation mode two seconds are as alike as the cosine of their projections;
    in training mode, in which the moments still move, as that of the outputs themselves.

    Example:
        >>> model = DCCA(DCCAConfig(visual_size=16, audio_size=8)).eval()
        >>> model(torch.rand(2, 10, 16), torch.rand(2, 10, 8), torch.arange(10).expand(2, 10) < 3).similarity.shape
        torch.Size([2, 10, 10])
    """

    config_type = DCCAConfig
    config: DCCAConfig
    objective = "correlation"
    mean: Tensor
    """Running means of both outputs, the picture's first, [2 d]."""
    covariance: Tensor
    """Running covariance of both outputs side by side, [2 d, 2 d]."""
    pairs: Tensor
    """Number of pairs that the moments stand for, those of older steps fading."""

    def __init__(self, config: DCCAConfig) -> None:
        super().__init__(config)
        c = config
        self.visual = nn.Sequential(nn.Linear(c.visual_size, c.hidden), nn.Sigmoid(), nn.Linear(c.hidden, c.embedding))
        self.audio = nn.Sequential(nn.Linear(c.audio_size, c.hidden), nn.Sigmoid(), nn.Linear(c.hidden, c.embedding))
        self.register_buffer("mean", torch.zeros(2 * c.embedding))
        self.register_buffer("covariance", torch.eye(2 * c.embedding))
        self.register_buffer("pairs", torch.zeros(()))
        self._known: Projections | None = None

    def known(self, query_mask: Tensor, mask: Tensor | None) -> Tensor | None:
        """All of the clip: each second is embedded alone, and only the query's are compared."""
        return torch.ones_like(query_mask) if mask is None else mask

    def _answer(
        self, asking: Tensor, query_mask: Tensor, keep: Tensor | None, asked: Tensor, mask: Tensor | None
    ) -> EmbeddingOutput:
        hears = self.config.direction == "a2v"
        audio, visual = (asking, asked) if hears else (asked, asking)
        seen, heard = self.visual(visual), self.audio(audio)
        if self.training and keep is not None:  # None in `find`, whose pairs need not belong together
            self._remember(seen[query_mask], heard[query_mask])
        pictures, sounds = (widened(seen), widened(heard)) if self.training else self._project(seen, heard)
        query, candidates = (sounds, pictures) if hears else (pictures, sounds)
        similarity = F.normalize(query, dim=-1) @ F.normalize(candidates, dim=-1).mT
        return EmbeddingOutput(*((heard, seen) if hears else (seen, heard)), similarity)

    @torch.no_grad()
    def _remember(self, seen: Tensor, heard: Tensor) -> None:
        """Let the pairs [N, d] of a step move the running moments; the first step sets them."""
        if len(seen) < 2:
            return
        with torch.autocast(seen.device.type, enabled=False):  # it would work out the covariance in half precision
            outputs = widened(torch.cat([seen, heard], -1))
            means, covariance = outputs.mean(0), outputs.mT.cov()
        new = self.config.momentum * len(outputs)
        self.pairs.mul_(1 - self.config.momentum).add_(new)
        share = new / self.pairs
        self.mean.lerp_(means.to(self.mean.dtype), share)
        self.covariance.lerp_(covariance.to(self.covariance.dtype), share)

    @torch.no_grad()
    def _project(self, seen: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs [..., d] in the space of the linear CCA."""
        seen, heard = widened(seen), widened(heard)
        means = self.mean.to(seen.dtype).chunk(2)
        projections = self._projections()
        with torch.autocast(seen.device.type, enabled=False):
            pictures = (seen - means[0]) @ projections.visual.to(seen)
            return pictures, (heard - means[1]) @ projections.audio.to(heard)

    def _projections(self) -> Projections:
        """Those of the covariance as it is now, worked out anew only if it has changed."""
        known, now = self._known, self.covariance
        same_type = known is not None and known.covariance.dtype == now.dtype
        if known is None or not same_type or not torch.equal(known.covariance.to(now.device), now):
            known = self._known = linear_cca(now, self.config.ridge)
        return known


def linear_cca(covariance: Tensor, ridge: float) -> Projections:
    """Linear CCA from the covariance [2 d, 2 d] of two outputs side by side, the picture's first.

    With K = S11^(-1/2) S12 S22^(-1/2) = U diag(correlations) V^T, the projections are S11^(-1/2) U and S22^(-1/2) V.

    Args:
        covariance: Of any float type; the work is done in double precision.
        ridge: Added to the diagonals of S11 and S22.

    Example:
        >>> found = linear_cca(torch.tensor([[4.0, 2.0], [2.0, 4.0]]), ridge=1e-9)
        >>> round(abs(float(found.visual)), 3), round(abs(float(found.audio)), 3)
        (0.5, 0.5)
    """
    exact = covariance.cpu().double()  # not all accelerators have double precision
    size = len(exact) // 2
    picture, sound = slice(size), slice(size, None)
    whiten = [_inverse_root(exact[part, part] + ridge * torch.eye(size).double()) for part in (picture, sound)]
    left, _, right = torch.linalg.svd(whiten[0] @ exact[picture, sound] @ whiten[1])
    projections = (whiten[0] @ left, whiten[1] @ right.mT)
    return Projections(covariance.clone(), *(part.to(covariance) for part in projections))


def _inverse_root(matrix: Tensor) -> Tensor:
    """M^(-1/2) of a symmetric positive matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = vectors * values.clamp(min=torch.finfo(values.dtype).eps).rsqrt() @ vectors.mT
    return root
