"""Seconds to events: neighbours that reach the threshold and share a category are one event."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dmin.errors import DataError
from dmin.results.events import Event, Second


class Merger:
    """Merges seconds into events as they come; of an event that still runs it keeps its start and its sum alone.

    Args:
        threshold: Lowest relevance that counts as event.
        min_seconds: Shorter events are dropped.

    Raises:
        DataError: ``min_seconds`` is below 0 or no number.

    Example:
        >>> dog = [Second(float(t), r, "Dog", {"Dog": 1.0}) for t, r in enumerate([0.1, 0.8, 0.6, 0.2])]
        >>> merger = Merger(threshold=0.5)
        >>> [merger.add(second) for second in dog]
        [None, None, None, Event(start_seconds=1.0, end_seconds=3.0, category='Dog', score=0.7)]
    """

    def __init__(self, threshold: float, min_seconds: float = 1.0) -> None:
        if not min_seconds >= 0:
            raise DataError(f"min_seconds is {min_seconds:g}: must be 0 or more")
        self._threshold = threshold
        self._min_seconds = min_seconds
        self._first: Second | None = None
        """First second of the event that runs."""
        self._end_seconds = 0.0
        self._scores = 0.0
        self._count = 0

    def add(self, second: Second) -> Event | None:
        """Take in the next second; the event that ended before it comes back."""
        ended = None
        is_event = second.relevance >= self._threshold
        if self._first is not None and not (is_event and second.category == self._first.category):
            ended = self.close()
        if is_event:
            self._first = self._first or second
            self._end_seconds = second.start_seconds + 1.0
            self._scores += second.relevance * second.scores[second.category]
            self._count += 1
        return ended

    def close(self, duration_seconds: float = math.inf) -> Event | None:
        """End the event that runs, if any; it ends where the video does at the latest."""
        first, end = self._first, min(self._end_seconds, duration_seconds)
        if first is None:
            return None
        score = round(self._scores / self._count, 6)
        self._first, self._scores, self._count = None, 0.0, 0
        if end - first.start_seconds < min(self._min_seconds, duration_seconds):
            return None
        return Event(first.start_seconds, end, first.category, score)


def merge_seconds(
    seconds: Iterable[Second], threshold: float, duration_seconds: float, min_seconds: float = 1.0
) -> tuple[Event, ...]:
    """Merge neighbouring seconds that reach the threshold and share a category into events.

    Args:
        seconds: One entry a second, in order.
        threshold: Lowest relevance that counts as event.
        duration_seconds: Length of the video: the last event ends there at the latest.
        min_seconds: Shorter events are dropped.

    Example:
        >>> dog = [Second(float(t), r, "Dog", {"Dog": 1.0}) for t, r in enumerate([0.1, 0.8, 0.6, 0.2])]
        >>> merge_seconds(tuple(dog), threshold=0.5, duration_seconds=4.0)
        (Event(start_seconds=1.0, end_seconds=3.0, category='Dog', score=0.7),)
    """
    merger = Merger(threshold, min_seconds)
    found = [*map(merger.add, seconds), merger.close(duration_seconds)]
    return tuple(event for event in found if event is not None)
