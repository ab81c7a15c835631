"""Linear canonical correlation analysis of picture and sound: what matching of features reaches without a network.

The two modalities' features are projected to where they correlate most, and a query is laid over the candidates there.
Everything is in closed form: whitening, then a singular value decomposition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmin.errors import DataError
from dmin.progress import Progress, silent

if TYPE_CHECKING:
    from dmin.data.queries import MatchingClips

Array = NDArray[np.float64]

COMPARISONS = ("seconds", "means")
""""seconds": the mean cosine of each query second with the candidate second that it is laid over. "means": the cosine
of the query's mean with the window's."""
COMPONENTS = (4, 8, 16, 32, 64, 128)
"""Numbers of canonical components to choose from."""
RIDGES = (10.0, 1.0, 0.1, 0.01)
"""Ridges to choose from, added to the variance of each standardised feature, which is 1."""
DEFAULT = ("seconds", 8, 1.0)
"""Comparison, components and ridge where there is no validation split to choose them on."""


@dataclass(frozen=True, eq=False)
class ClipSeconds:
    """One clip's features, second by second, and where its query lies."""

    visual: NDArray[np.float32]
    """Maps averaged over their regions [T, D_v]."""
    audio: NDArray[np.float32]
    """[T, D_a]"""
    start: int
    """First second of the query."""
    length: int
    """L, its seconds."""

    @property
    def query(self) -> slice:
        """The query's seconds."""
        return slice(self.start, self.start + self.length)


@dataclass(frozen=True, eq=False)
class Projection:
    """From a modality's features to its canonical components."""

    mean: Array
    """[D]"""
    weights: Array
    """[D, K]; the features' scales are divided out."""

    def __call__(self, features: NDArray[np.floating]) -> Array:
        """Project [..., D] to [..., K]."""
        projected: Array = (features - self.mean) @ self.weights
        return projected


@dataclass(frozen=True, eq=False)
class LinearCca:
    """Projections of two modalities, their components in order of falling correlation."""

    visual: Projection
    audio: Projection
    correlations: Array
    """[K], shrunk by the ridge."""


@dataclass(frozen=True)
class CcaChoice:
    """Settings of the analysis, and what they were chosen by."""

    comparison: str
    """One of `COMPARISONS`."""
    components: int
    """Number of components kept."""
    ridge: float
    """Ridge added to each variance."""
    validation_exact: float | None
    """Share of validation clips with the exact window; None without a validation split: the settings are `DEFAULT`."""


@dataclass(frozen=True, eq=False)
class CcaMatcher:
    """Finds queries by the linear correlation of the two modalities."""

    cca: LinearCca
    choice: CcaChoice
    direction: str
    """"a2v" or "v2a"."""

    def starts(self, clips: Sequence[ClipSeconds]) -> NDArray[np.int64]:
        """First second of the best window of each clip [N]; the first among equals."""
        pairs = _projected(self.cca, clips, self.direction)
        return _starts(pairs, self.choice.components, self.choice.comparison)


def read_seconds(clips: MatchingClips, progress: Progress = silent, step: str = "read") -> list[ClipSeconds]:
    """The clips of a split, their maps averaged over regions."""
    found = []
    for index, (start, length) in enumerate(clips.queries):
        sample = clips[index]
        visual = sample.visual.float().mean((1, 2)).numpy()
        found.append(ClipSeconds(visual, sample.audio.float().numpy(), start, length))
        progress(step, len(found), len(clips))
    return found


def fit_matcher(train: Sequence[ClipSeconds], val: Sequence[ClipSeconds] | None, direction: str) -> CcaMatcher:
    """Fit on the queries' seconds of training clips, each picture with the sound of the same second.

    Comparison, components and ridge are chosen by the share of validation clips with the exact window; among equals the
    first comparison, the fewest components and the largest ridge are taken.

    Args:
        train: Training clips.
        val: Validation clips, or None: then the settings are `DEFAULT`.
        direction: "a2v" or "v2a".

    Raises:
        DataError: The training clips have no two seconds.
    """
    visual = np.concatenate([clip.visual[clip.query] for clip in train])
    audio = np.concatenate([clip.audio[clip.query] for clip in train])
    if not val:
        comparison, components, ridge = DEFAULT
        (cca,) = fit_ridges(visual, audio, (ridge,))
        kept = min(components, len(cca.correlations))
        return CcaMatcher(cca, CcaChoice(comparison, kept, ridge, None), direction)
    fits = dict(zip(RIDGES, fit_ridges(visual, audio, RIDGES), strict=True))
    projected = {ridge: _projected(cca, val, direction) for ridge, cca in fits.items()}
    available = len(fits[RIDGES[0]].correlations)
    counts = [count for count in COMPONENTS if count <= available] or [available]
    truth = np.array([clip.start for clip in val])
    choices = []
    for comparison, components, ridge in product(COMPARISONS, counts, RIDGES):
        exact = float((_starts(projected[ridge], components, comparison) == truth).mean())
        choices.append(CcaChoice(comparison, components, ridge, exact))
    best = max(choices, key=lambda choice: choice.validation_exact or 0.0)  # the first among equals
    return CcaMatcher(fits[best.ridge], best, direction)


def fit_ridges(visual: ArrayLike, audio: ArrayLike, ridges: Sequence[float]) -> Iterator[LinearCca]:
    """One analysis for each ridge; what does not depend on it is computed once.

    Args:
        visual: [N, D_v], standardised here.
        audio: [N, D_a] of the same seconds, standardised here.
        ridges: Each, above 0, is added to the variance of the standardised features.

    Raises:
        DataError: There are fewer than two seconds, or the two modalities' seconds are not as many.

    Example:
        >>> sea = np.random.default_rng(0).normal(size=(50, 3))
        >>> (cca,) = fit_ridges(sea, -2 * sea[:, :2], [1e-9])
        >>> cca.correlations.round(6).tolist()
        [1.0, 1.0]
    """
    v, a = _Whitening(np.asarray(visual, np.float64)), _Whitening(np.asarray(audio, np.float64))
    count = len(v.scores)
    if count != len(a.scores) or count < 2:
        raise DataError(f"got {count} seconds of picture and {len(a.scores)} of sound: must be as many, at least 2")
    # Both whitened in their own eigenbases, the correlations are the singular values of one small matrix.
    crossed = v.scores.T @ a.scores / count  # [D_v, D_a]
    for ridge in ridges:
        v_scale, a_scale = v.scale(ridge), a.scale(ridge)
        left, correlations, right = np.linalg.svd(v_scale[:, None] * crossed * a_scale, full_matrices=False)
        kept = min(len(correlations), max(COMPONENTS))
        yield LinearCca(
            v.projection(v_scale[:, None] * left[:, :kept]),
            a.projection(a_scale[:, None] * right[:kept].T),
            correlations[:kept],
        )


def window_cosines(query: Array, candidates: Array, comparison: str = "seconds") -> Array:
    """Score each window of the candidates against a query, [T - L + 1]; see `COMPARISONS`.

    Args:
        query: [L, K]
        candidates: [T, K]
        comparison: "seconds" or "means".

    Example:
        >>> candidates = np.eye(3)
        >>> window_cosines(candidates[1:], candidates).tolist()
        [0.0, 1.0]
    """
    length, windows = len(query), len(candidates) - len(query) + 1
    start = np.arange(windows)
    if comparison == "means":
        means = np.stack([candidates[first : first + length].mean(0) for first in start])
        cosines: Array = _unit(means) @ _unit(query.mean(0))
        return cosines
    each_pair = _unit(query) @ _unit(candidates).T  # [L, T]
    place = np.arange(length)[:, None]
    laid: Array = each_pair[place, start + place].mean(0)
    return laid


@dataclass(frozen=True, eq=False)
class _Projected:
    """One clip's query and candidates in canonical components."""

    query: Array
    """[L, K]"""
    candidates: Array
    """[T, K]"""


def _projected(cca: LinearCca, clips: Sequence[ClipSeconds], direction: str) -> list[_Projected]:
    found = []
    for clip in clips:
        visual, audio = cca.visual(clip.visual), cca.audio(clip.audio)
        asking, asked = (audio, visual) if direction == "a2v" else (visual, audio)
        found.append(_Projected(asking[clip.query], asked))
    return found


def _starts(clips: Sequence[_Projected], components: int, comparison: str) -> NDArray[np.int64]:
    """First second of the best window of each clip [N], by the first so many components."""
    cosines = (window_cosines(c.query[:, :components], c.candidates[:, :components], comparison) for c in clips)
    return np.array([each.argmax() for each in cosines], dtype=np.int64)


class _Whitening:
    """A modality's standardised features in the eigenbasis of their covariance."""

    def __init__(self, features: Array) -> None:
        self.mean = features.mean(0)
        deviation = features.std(0)
        # A channel that never changes says nothing, and must not be divided by 0.
        self.inverse = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-9)
        standard = (features - self.mean) * self.inverse
        self.variances, self.basis = np.linalg.eigh(standard.T @ standard / len(features))
        self.scores = standard @ self.basis  # [N, D]

    def scale(self, ridge: float) -> Array:
        """Factors of the eigenbasis' axes [D]."""
        scale: Array = 1 / np.sqrt(np.maximum(self.variances, 0) + ridge)
        return scale

    def projection(self, directions: Array) -> Projection:
        """From directions [D, K] in the eigenbasis to a projection of features as they are."""
        return Projection(self.mean, self.inverse[:, None] * (self.basis @ directions))


def _unit(vectors: Array) -> Array:
    """Vectors [..., K] of length 1; a vector of zeros stays."""
    unit: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return unit
