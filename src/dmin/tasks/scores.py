"""Scores of label sequences: confusion, F1 of seconds, of whole events, of boundaries. Plain numpy, no networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Span:
    """Seconds [start, stop) in a row with one label."""

    label: int
    start: int
    stop: int

    def iou(self, other: Span) -> float:
        """Intersection over union of two spans' seconds."""
        shared = max(0, min(self.stop, other.stop) - max(self.start, other.start))
        return shared / (self.stop - self.start + other.stop - other.start - shared)


def spans(labels: NDArray[np.int64], background: int) -> list[Span]:
    """Events of a label sequence [T]: runs of one label that is not background.

    Example:
        >>> spans(np.array([2, 0, 0, 1, 2]), background=2)
        [Span(label=0, start=1, stop=3), Span(label=1, start=3, stop=4)]
    """
    edges = np.flatnonzero(np.diff(labels)) + 1
    bounds = [0, *edges.tolist(), len(labels)]
    runs = (Span(int(labels[start]), start, stop) for start, stop in pairwise(bounds))
    return [run for run in runs if run.label != background]


def event_f1(clips: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]], background: int, iou: float) -> float:
    """F1 of whole events over clips: found if an event of the same category overlaps enough, each counted once.

    Args:
        clips: Pairs of true and predicted labels [T].
        background: The label that is no event.
        iou: Least intersection over union.

    Example:
        >>> truth, found = np.array([2, 0, 0, 0]), np.array([0, 0, 0, 2])
        >>> event_f1([(truth, found)], background=2, iou=0.5), event_f1([(truth, found)], background=2, iou=0.7)
        (1.0, 0.0)
    """
    hits = said = true = 0
    for labels, predicted in clips:
        left = spans(labels, background)
        answers = spans(predicted, background)
        true, said = true + len(left), said + len(answers)
        for answer in answers:
            match = max((s for s in left if s.label == answer.label), key=answer.iou, default=None)
            if match is not None and answer.iou(match) >= iou:
                left.remove(match)
                hits += 1
    return 2 * hits / max(said + true, 1)


def binary_f1(true: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """F1 of a yes-or-no label.

    Example:
        >>> round(binary_f1(np.array([True, True, False]), np.array([True, False, False])), 3)
        0.667
    """
    return float(2 * (true & said).sum() / max(true.sum() + said.sum(), 1))


def confusion(true: NDArray[np.int64], said: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """Count pairs of labels: [labels, labels], rows the truth, columns the answer.

    Example:
        >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
        array([[1, 0],
               [1, 1]])
    """
    return np.bincount(true * labels + said, minlength=labels * labels).reshape(labels, labels)


@dataclass(frozen=True)
class F1Counts:
    """Counts that an F1 is made of; those of several clips add up."""

    hits: int
    """Found, each once."""
    said: int
    """In the answer."""
    true: int
    """In the truth."""

    @property
    def f1(self) -> float:
        """Twice the hits over what is said and what is true; 0 where both are nothing."""
        return 2 * self.hits / max(self.said + self.true, 1)


def count_boundaries(true: NDArray[np.bool_], said: NDArray[np.bool_], tolerance_seconds: int) -> F1Counts:
    """Count the boundaries of events: starts and ends inside a clip, found by one of their kind that is near enough.

    The clip's own start and end are no boundaries: nothing has to be found there.

    Args:
        true: Event or not, second by second [T].
        said: The same of the answer.
        tolerance_seconds: Most whole seconds by which a found boundary may be off.

    Example:
        >>> true, said = np.array([False, True, True, False]), np.array([False, False, True, True])
        >>> count_boundaries(true, said, 0).f1, count_boundaries(true, said, 1).f1
        (0.0, 0.6666666666666666)
    """
    is_true, is_said = np.diff(true.astype(np.int64)), np.diff(said.astype(np.int64))
    hits = sum(
        _pairs(np.flatnonzero(is_true == kind).tolist(), np.flatnonzero(is_said == kind).tolist(), tolerance_seconds)
        for kind in (1, -1)  # starts, ends
    )
    return F1Counts(hits, int(np.count_nonzero(is_said)), int(np.count_nonzero(is_true)))


def _pairs(left: Sequence[int], right: Sequence[int], most: int) -> int:
    """Most pairs of a number of each sorted list, each used once, that differ by no more than ``most``."""
    pairs = i = j = 0
    while i < len(left) and j < len(right):
        if abs(left[i] - right[j]) <= most:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return pairs
