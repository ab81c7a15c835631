"""Event localization: accuracy as AVE defines it, with intervals, beside the priors that need no content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import BACKGROUND
from dmin.data.clips import ClipDataset
from dmin.errors import DataError, ModelError
from dmin.evaluation.answers import ClipResult, category_accuracy, event_accuracy, predict, segment_accuracy, share_of
from dmin.evaluation.features import require_same_features
from dmin.evaluation.intervals import Interval
from dmin.evaluation.seen import GroupFigures, Seen, by_group
from dmin.inference import Localizer
from dmin.progress import Progress, silent
from dmin.results.events import dumps
from dmin.tasks.scores import binary_f1, confusion, count_boundaries, event_f1

IOUS = (0.3, 0.5, 0.7)
TOLERANCES_SECONDS = (0, 1)
"""Seconds by which a boundary may be off."""


@dataclass(frozen=True)
class Priors:
    """Accuracies of answers that ignore picture and sound."""

    all_background: float
    """Every second called background."""
    every_second_is_event: float
    """Every second called the clip's own right category (clips without an event then have no right answer)."""


@dataclass(frozen=True)
class CategoryRow:
    """One line of the per-category table."""

    category: str
    seconds: int
    """Seconds that truly are of it."""
    precision: float
    recall: float


@dataclass(frozen=True)
class LocalizationReport:
    """All figures of one evaluation."""

    model: str
    data: str
    split: str
    clips: int
    seconds: int
    threshold: float
    segment_accuracy: Interval
    """Share of seconds with the right one of C + 1 labels."""
    priors: Priors
    category_in_every_second: Interval
    """Accuracy if the model's category were said in every second of a clip in which it finds any event, background in
    all others: what its knowledge of clips alone is worth."""
    event_accuracy: Interval
    """*When* alone, the category given: share of seconds that are rightly called event or background by a model that is
    told each clip's category."""
    boundary_f1: dict[str, Interval]
    """*When* alone, too: F1 of the starts and ends of events inside clips, by the seconds that they may be off."""
    category_accuracy_given_event: Interval
    """*What* alone, the seconds given: share of event seconds whose category is right, whatever the relevance."""
    relevance_f1: float
    """F1 of event against background, category ignored."""
    event_f1: dict[str, float]
    """F1 of whole events, by the least overlap (intersection over union) that counts as found."""
    false_event_seconds: Interval | None
    """Share of seconds with an event in clips that are annotated as of no category; None without such clips."""
    categories: tuple[CategoryRow, ...]
    groups: dict[str, GroupFigures] | None = field(repr=False)
    """Figures of seen and of unseen categories apart, by "seen", "unseen" and "all"; None where training has them all,
    or where nothing is known of training."""
    seen_by: str | None
    """Source of the seen categories: the data set's seen.txt, or the training split; None without either."""
    names: tuple[str, ...] = field(repr=False)
    """Labels of the confusion matrix's rows and columns: the categories, then background."""
    confusion: NDArray[np.int64] = field(repr=False)
    """[C + 1, C + 1] seconds; rows are the truth."""

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, as in metrics.json."""
        data = asdict(self)
        data["confusion"] = self.confusion.tolist()
        return data

    def save(self, folder: Path) -> None:
        """Write metrics.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(dumps(self.to_dict()), "utf-8")


def evaluate(
    localizer: Localizer, store: str | Path, split: str = "test", *, progress: Progress = silent
) -> LocalizationReport:
    """Score a model on a split of a feature store.

    Args:
        localizer: The model.
        store: Folder that `dmin extract` made of a data set.
        split: train, val or test.
        progress: Told as clips are done.

    Raises:
        ModelError: The store's features are not those the model was trained on, or it has categories unknown to it.
        DataError: No such split, or clips of it without features.
    """
    require_same_features(store, localizer.settings)
    clips = ClipDataset(store, split, localizer.categories, localizer.settings.window_seconds)
    require_known(clips.folder.categories, localizer.categories)
    results = predict(localizer, clips, progress)
    threshold, seen = localizer.settings.threshold, Seen.of(clips.folder, localizer.categories)
    return report(results, localizer.categories, localizer.name, str(store), split, threshold, seen)


def require_known(categories: Sequence[str], known: Sequence[str]) -> None:
    """Make sure that a model knows all categories of the data.

    Raises:
        ModelError: It does not.
    """
    if unknown := set(categories) - set(known):
        raise ModelError(
            f"the data have categories that the model does not know: {', '.join(sorted(unknown))}; "
            f"it knows {', '.join(known)}"
        )


def report(
    results: Sequence[ClipResult],
    categories: Sequence[str],
    model: str,
    data: str,
    split: str,
    threshold: float,
    seen: Seen | None = None,
) -> LocalizationReport:
    """All figures from clips' truths and answers.

    Args:
        results: Truths and answers.
        categories: Names of the C categories.
        model: Its name.
        data: Name of the data.
        split: Its name.
        threshold: Relevance from which a second counts as event.
        seen: The categories that training has; None if nothing is known of training.

    Raises:
        DataError: There are no clips.
    """
    if not results:
        raise DataError(f"split {split!r} of {data} has no clips: choose another split")
    background = len(categories)
    labels = np.concatenate([clip.labels for clip in results])
    predicted = np.concatenate([clip.predicted for clip in results])
    matrix = confusion(labels, predicted, background + 1)
    empty = [clip for clip in results if not clip.named]
    return LocalizationReport(
        model=model,
        data=data,
        split=split,
        clips=len(results),
        seconds=len(labels),
        threshold=threshold,
        segment_accuracy=segment_accuracy(results),
        priors=_priors(results, background),
        category_in_every_second=share_of(
            results, lambda c: (_everywhere(c, background) == c.labels, np.ones_like(c.labels))
        ),
        event_accuracy=event_accuracy(results, background),
        boundary_f1={str(off): share_of(results, partial(_boundaries, background, off)) for off in TOLERANCES_SECONDS},
        category_accuracy_given_event=category_accuracy(results, background),
        relevance_f1=binary_f1(labels < background, predicted < background),
        event_f1={str(iou): event_f1([(c.labels, c.predicted) for c in results], background, iou) for iou in IOUS},
        false_event_seconds=share_of(empty, lambda c: (c.predicted < background, np.ones_like(c.labels)))
        if empty
        else None,
        categories=_table(matrix, categories),
        groups=by_group(results, background, range(background) if seen is None else seen.indices),
        seen_by=None if seen is None else seen.told_by,
        names=(*categories, BACKGROUND),
        confusion=matrix,
    )


def _boundaries(background: int, tolerance_seconds: int, clip: ClipResult) -> tuple[int, int]:
    """Twice the boundaries that were found, and all that are said or true: an F1's two parts."""
    counts = count_boundaries(clip.labels < background, clip.timed, tolerance_seconds)
    return 2 * counts.hits, counts.said + counts.true


def _priors(results: Sequence[ClipResult], background: int) -> Priors:
    labels = np.concatenate([clip.labels for clip in results])
    share = float((labels == background).mean())
    right = sum(int((clip.labels == _own_category(clip, background)).sum()) for clip in results)
    return Priors(share, right / len(labels))


def _everywhere(clip: ClipResult, background: int) -> NDArray[np.int64]:
    """The clip's answer without its place in time."""
    found = bool((clip.predicted < background).any())
    return clip.best_category if found else np.full_like(clip.labels, background)


def _own_category(clip: ClipResult, background: int) -> int:
    """The clip's most frequent category; -1, which no label equals, where it has none."""
    events = clip.labels[clip.labels < background]
    return int(np.bincount(events).argmax()) if len(events) else -1


def _table(matrix: NDArray[np.int64], categories: Sequence[str]) -> tuple[CategoryRow, ...]:
    right, said, true = matrix.diagonal(), matrix.sum(0), matrix.sum(1)
    return tuple(
        CategoryRow(name, int(true[i]), float(right[i] / max(said[i], 1)), float(right[i] / max(true[i], 1)))
        for i, name in enumerate(categories)
    )
