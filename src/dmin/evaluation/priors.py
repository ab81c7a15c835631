"""Answers to cross-modality localization that look and listen to nothing: what a model must beat to have matched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dmin.data.queries import MatchingClips


@dataclass(frozen=True)
class Query:
    """True place of a query."""

    start: int
    """Its first second in the clip."""
    length: int
    """L, its seconds."""
    seconds: int
    """T, seconds of the clip."""

    @property
    def starts(self) -> int:
        """Number of windows to choose from."""
        return self.seconds - self.length + 1


@dataclass(frozen=True)
class MatchingPriors:
    """Shares of clips with the exact window, of answers that need no content."""

    uniform: float
    """Any window, each as likely as the others: the mean of 1 / (T - L + 1)."""
    starts_with_clip: float
    """The first window."""
    ends_with_clip: float
    """The last window."""
    most_frequent: float | None
    """The start that was most frequent in training among queries of this length; None without a training split."""

    @property
    def best(self) -> str:
        """Name of the best one; the first among equals."""
        shares = {name: value for name, value in asdict(self).items() if value is not None}
        return max(shares, key=lambda name: shares[name])


def queries_of(clips: MatchingClips) -> list[Query]:
    """The queries of a split."""
    pairs = zip(clips.windows, clips.queries, strict=True)
    return [Query(start, length, window.stop - window.start) for window, (start, length) in pairs]


def chances(queries: Sequence[Query], train: Sequence[Query] | None) -> dict[str, NDArray[np.float64]]:
    """Probability that each prior is right about each query [N], by the names of `MatchingPriors`.

    Args:
        queries: Of the split that is scored.
        train: Of the training split, if there is one.

    Example:
        >>> {name: float(chance[0]) for name, chance in chances([Query(0, 8, 10)], [Query(2, 8, 10)]).items()}
        {'uniform': 0.3333333333333333, 'starts_with_clip': 1.0, 'ends_with_clip': 0.0, 'most_frequent': 0.0}
    """
    starts = np.array([query.start for query in queries])
    windows = np.array([query.starts for query in queries])
    found = {
        "uniform": 1 / windows,
        "starts_with_clip": (starts == 0).astype(np.float64),
        "ends_with_clip": (starts == windows - 1).astype(np.float64),
    }
    if train:
        found["most_frequent"] = (starts == most_frequent_starts(queries, train)).astype(np.float64)
    return found


def priors(chances_by_name: dict[str, NDArray[np.float64]]) -> MatchingPriors:
    """The shares of a split, from `chances`."""
    means = {name: float(chance.mean()) for name, chance in chances_by_name.items()}
    return MatchingPriors(
        means["uniform"], means["starts_with_clip"], means["ends_with_clip"], means.get("most_frequent")
    )


def most_frequent_starts(queries: Sequence[Query], train: Sequence[Query]) -> NDArray[np.int64]:
    """For each query [N] the most frequent start of training queries of its length, the earliest among equals.

    Where no training query had this length, the start that is most frequent among all of them; where that does not
    fit into the clip, 0.

    Example:
        >>> train = [Query(3, 2, 10), Query(3, 2, 10), Query(8, 2, 10)]
        >>> most_frequent_starts([Query(0, 2, 10), Query(0, 5, 10), Query(0, 9, 10)], train).tolist()
        [3, 3, 0]
    """
    overall = _most_frequent(query.start for query in train)
    lengths = {query.length for query in train}
    by_length = {length: _most_frequent(q.start for q in train if q.length == length) for length in lengths}
    chosen = [by_length.get(query.length, overall) for query in queries]
    return np.array([s if s < query.starts else 0 for s, query in zip(chosen, queries, strict=True)], dtype=np.int64)


def _most_frequent(starts: Iterable[int]) -> int:
    counts = Counter(starts)
    return min(counts, key=lambda start: (-counts[start], start))
