"""Clips of categories that training has, and of those that it lacks, kept apart; beside OV-AVEBench's own figures.

That benchmark's three figures (Zhou et al., Towards Open-Vocabulary Audio-Visual Event Localization, CVPR 2025; its
public code, jasongief/OV-AVEL at b5fe1d6, `utils/eval_metrics.py`) are means over clips. Each F1 of a clip is the mean
over the labels that its truth or the answer has, and *background counts as one of them*. An event is found by one of
the same label that overlaps it by half or more (intersection over union).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import read_rows
from dmin.data.folder import DataFolder
from dmin.evaluation.answers import ClipResult, category_accuracy, event_accuracy, segment_accuracy
from dmin.evaluation.intervals import Interval, mean
from dmin.features.extract import SEEN_FILE
from dmin.tasks.scores import binary_f1, event_f1

LEAST_IOU = 0.5
"""Overlap from which the benchmark counts an event as found."""


@dataclass(frozen=True)
class Seen:
    """The categories that training has."""

    indices: frozenset[int]
    told_by: str
    """Source of that: seen.txt, or the training split."""

    @classmethod
    def of(cls, folder: DataFolder, categories: Sequence[str]) -> Seen | None:
        """Read them from the data set's seen.txt, or else from its clips in training; None if it has neither.

        Args:
            folder: The data set, or the feature store.
            categories: Names in order of their index.

        Raises:
            DataError: seen.txt cannot be read.
        """
        file = folder.source / SEEN_FILE
        if file.is_file():
            names, told_by = {name for _, name in read_rows(file)}, SEEN_FILE
        elif "train" in folder.splits:
            names = {line.category for video_id in folder.splits["train"] for line in folder.lines[video_id]}
            told_by = "the training split"
        else:
            return None
        return cls(frozenset(index for index, name in enumerate(categories) if name in names), told_by)


@dataclass(frozen=True)
class GroupFigures:
    """Figures of some of a split's clips."""

    clips: int
    segment_accuracy: Interval
    """Share of seconds with the right one of C + 1 labels."""
    event_accuracy: Interval
    """Share of seconds rightly called event or background, the clip's category given."""
    category_accuracy_given_event: Interval
    """Share of event seconds whose category is right, whatever the relevance."""
    benchmark_accuracy: Interval
    """OV-AVEBench's: share of a clip's seconds with the right label, averaged over clips."""
    benchmark_segment_f1: Interval
    """OV-AVEBench's: F1 of a label's seconds, averaged over a clip's labels, then over clips."""
    benchmark_event_f1: Interval
    """OV-AVEBench's: F1 of a label's whole events, averaged likewise."""


def by_group(results: Sequence[ClipResult], background: int, seen: Collection[int]) -> dict[str, GroupFigures] | None:
    """Figures of the clips of seen categories, of unseen ones, and of all.

    Args:
        results: Truths and answers. A clip of several categories is unseen if one of them is; one of no category at all
            is in neither group, only among all.
        background: C.
        seen: Indices of the categories that training has.

    Returns:
        Figures by "seen", "unseen" and "all", as far as there are clips; None if no clip is of an unseen category.
    """
    unseen = [clip for clip in results if set(clip.named) - set(seen)]
    if not unseen:
        return None
    known = [clip for clip in results if clip.named and not set(clip.named) - set(seen)]
    groups = {"seen": known, "unseen": unseen, "all": results}
    return {name: _figures(clips, background) for name, clips in groups.items() if clips}


def _figures(clips: Sequence[ClipResult], background: int) -> GroupFigures:
    return GroupFigures(
        clips=len(clips),
        segment_accuracy=segment_accuracy(clips),
        event_accuracy=event_accuracy(clips, background),
        category_accuracy_given_event=category_accuracy(clips, background),
        benchmark_accuracy=mean([float((c.predicted == c.labels).mean()) for c in clips]),
        benchmark_segment_f1=mean([segment_f1_of_clip(c.labels, c.predicted) for c in clips]),
        benchmark_event_f1=mean([event_f1_of_clip(c.labels, c.predicted) for c in clips]),
    )


def segment_f1_of_clip(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Mean F1 of the seconds of each label that a clip's truth or answer has, background among them.

    Example:
        >>> segment_f1_of_clip(np.array([0, 0, 2, 2]), np.array([0, 2, 2, 2]))  # 2/3 of label 0, 4/5 of background
        0.7333333333333334
    """
    present = np.union1d(labels, predicted)
    return float(np.mean([binary_f1(labels == label, predicted == label) for label in present]))


def event_f1_of_clip(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Mean F1 of the whole events of each label that a clip's truth or answer has; stretches of background count, too.

    Example:
        >>> event_f1_of_clip(np.array([0, 0, 2, 2]), np.array([0, 2, 2, 1]))  # 1 of label 0, 0 of the others
        0.3333333333333333
    """
    scores = []
    for label in np.union1d(labels, predicted):
        pair = tuple(np.where(sequence == label, 0, 1) for sequence in (labels, predicted))
        scores.append(event_f1([(pair[0], pair[1])], 1, LEAST_IOU))
    return float(np.mean(scores))
