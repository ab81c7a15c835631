"""The clips of cross-modality localization: those with one event that could lie elsewhere in the clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmin.data.clips import ClipDataset
from dmin.errors import DataError

MIN_QUERY_SECONDS = 2
"""Events of a single second are no query: the paper takes those of 2 to 9 s."""


class MatchingClips(ClipDataset):
    """Those clips of a split whose event can be a query: one stretch of more than 1 s, shorter than the clip.

    A clip that is event from end to end has one window only, so every answer is right; AVE's matching splits have 2547
    such clips in training and 203 in validation, and they are left out here.

    Args:
        folder: A store that `dmin extract` made of a data-set folder.
        split: train, val or test.
        categories: Names in the order of the labels; the folder's own order by default.
        window_seconds: Longer clips are cut into windows of this length.

    Raises:
        DataError: No such split, clips of it that have no features yet, or none with such an event.
    """

    def __init__(
        self, folder: str | Path, split: str, categories: Sequence[str] | None = None, window_seconds: int = 10
    ) -> None:
        super().__init__(folder, split, categories, window_seconds)
        background = len(self.categories)
        all_windows = len(self.windows)
        self.queries: list[tuple[int, int]] = []
        """(first second, seconds) of each window's query."""
        kept = []
        known: set[tuple[str, int, int]] = set()
        for window in self.windows:
            query = query_of(self.labels_of(window) < background)
            if query is None:
                continue
            event = (window.video_id, window.start + query[0], query[1])
            if event not in known:  # the last window of a long clip may hold an event that its neighbour holds
                known.add(event)
                kept.append(window)
                self.queries.append(query)
        self.windows = kept
        self.left_out = all_windows - len(kept)
        """Windows without such an event, or with one of the window before."""
        if not kept:
            raise DataError(
                f"split {split!r} of {folder} has no clip with one event of {MIN_QUERY_SECONDS} s or more that is "
                "shorter than the clip, so nothing can be searched for: add such clips"
            )


def query_of(event: NDArray[np.bool_]) -> tuple[int, int] | None:
    """First second and length of the only stretch of events [T]; None if there is none, or another, or no room.

    Example:
        >>> query_of(np.array([False, True, True])), query_of(np.array([True, True])), query_of(np.array([False]))
        ((1, 2), None, None)
    """
    seconds = np.flatnonzero(event)
    length = len(seconds)
    if not MIN_QUERY_SECONDS <= length < len(event) or seconds[-1] - seconds[0] != length - 1:
        return None
    return int(seconds[0]), length
