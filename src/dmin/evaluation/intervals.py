"""Bootstrap intervals over clips: the seconds of a clip are not independent of each other, clips are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
FEWEST_CLIPS = 5
"""Fewer give no interval."""
_AT_ONCE = 500
"""Resamples that are in memory together; their number changes no figure."""


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap 95 % interval over clips."""

    value: float
    low: float | None
    """None, like ``high``, where fewer than five clips say nothing of other clips."""
    high: float | None
    clips: int | None = None
    """Number of clips that it is of; None if it is not of clips."""

    @property
    def bounds(self) -> tuple[float, float]:
        """Low and high; without limits where they are not known."""
        return (-math.inf if self.low is None else self.low, math.inf if self.high is None else self.high)

    def __str__(self) -> str:
        if self.clips == 0:  # there is nothing to count
            return "-"
        return f"{self.value:.3f}" + ("" if self.low is None else f" [{self.low:.3f}, {self.high:.3f}]")


def share(hits: ArrayLike, totals: ArrayLike) -> Interval:
    """Hits over totals, both summed over clips, with a percentile bootstrap: clips are drawn again with replacement.

    Calls with as many clips draw the same ones. Fewer than five clips that have anything to count give no interval.

    Args:
        hits: What counts, for each clip [N].
        totals: Out of how many, for each clip [N].

    Example:
        >>> share([1, 2], [2, 2]).value
        0.75
    """
    pairs = np.stack([np.asarray(hits, np.float64), np.asarray(totals, np.float64)], 1)  # [N, 2]
    value = float(pairs[:, 0].sum() / max(pairs[:, 1].sum(), 1))
    clips = int((pairs[:, 1] > 0).sum())
    if clips < FEWEST_CLIPS:
        return Interval(value, None, None, clips)
    generator = np.random.default_rng(0)
    odds = np.full(len(pairs), 1 / len(pairs))
    drawn = np.concatenate([generator.multinomial(len(pairs), odds, size) @ pairs for size in _sizes()])
    low, high = np.quantile(drawn[:, 0] / np.maximum(drawn[:, 1], 1), [0.025, 0.975])
    return Interval(value, float(low), float(high), clips)


def mean(values: ArrayLike, clips: Sequence[str] | None = None) -> Interval:
    """Mean of figures [N]. Of differences between two answers to the same clips it is a paired comparison.

    Args:
        values: The figures.
        clips: The clip of each, where a clip has several: they are drawn together. One a clip by default.

    Example:
        >>> print(mean([1.0] * 5))
        1.000 [1.000, 1.000]
    """
    array: NDArray[np.float64] = np.asarray(values, np.float64)
    if clips is None:
        return share(array, np.ones_like(array))
    places = {clip: place for place, clip in enumerate(dict.fromkeys(clips))}
    of_clip = [places[clip] for clip in clips]
    return share(np.bincount(of_clip, array), np.bincount(of_clip))


def _sizes() -> list[int]:
    return [_AT_ONCE] * (RESAMPLES // _AT_ONCE)
