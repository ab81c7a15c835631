"""Event localization: accuracy as AVE defines it, with intervals, beside the priors that need no content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from dmin.data.annotations import BACKGROUND
from dmin.data.clips import ClipDataset, Window, collate
from dmin.errors import DataError, ModelError
from dmin.evaluation.features import require_same_features
from dmin.evaluation.intervals import Interval, share
from dmin.inference import Localizer
from dmin.inference.windows import Average
from dmin.progress import Progress, silent
from dmin.results.events import dumps
from dmin.tasks.decoding import EventScores, decode_scores, event_scores
from dmin.tasks.scores import binary_f1, confusion, event_f1

IOUS = (0.3, 0.5, 0.7)


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
    category_accuracy_given_event: Interval
    """Share of event seconds whose category is right, whatever the relevance."""
    relevance_f1: float
    """F1 of event against background, category ignored."""
    event_f1: dict[str, float]
    """F1 of whole events, by the least overlap (intersection over union) that counts as found."""
    false_event_seconds: Interval | None
    """Share of seconds with an event in clips that are annotated as of no category; None without such clips."""
    categories: tuple[CategoryRow, ...]
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


@dataclass(frozen=True)
class ClipResult:
    """One clip's truth and answer, label by label; C is background."""

    video_id: str
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    """Decoded with the threshold."""
    best_category: NDArray[np.int64]
    """The category that each second would have as an event."""
    nothing: bool
    """Annotated as of no category at all."""


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
    return report(results, localizer.categories, localizer.name, str(store), split, localizer.settings.threshold)


@torch.inference_mode()
def predict(localizer: Localizer, clips: ClipDataset, progress: Progress = silent) -> list[ClipResult]:
    """The network's answer to every clip of a data set; what two windows say of a second is averaged."""
    averages: dict[str, Average] = {}
    done = 0
    for batch in DataLoader(clips, batch_size=16, collate_fn=collate):
        here = batch.to(localizer.device)
        scores = event_scores(localizer.model(here.visual, here.audio, here.mask), len(localizer.categories))
        rows = torch.cat([scores.relevance[..., None], scores.categories], -1).double().cpu()
        for i, window in enumerate(batch.windows):
            averages.setdefault(window.video_id, Average()).add(window.start, rows[i][batch.mask[i]].numpy())
        done += len(batch.windows)
        progress("evaluate", done, len(clips))
    return [_clip_result(clips, video_id, each.take(), localizer) for video_id, each in averages.items()]


def _clip_result(clips: ClipDataset, video_id: str, scores: NDArray[np.float64], localizer: Localizer) -> ClipResult:
    """A clip's truth and answer from its scores [T, 1 + C]."""
    relevance, categories = torch.from_numpy(scores).tensor_split([1], -1)
    predicted = decode_scores(EventScores(relevance[:, 0], categories), localizer.settings.threshold)
    labels = clips.labels_of(Window(video_id, 0, len(scores)))
    nothing = all(line.category == BACKGROUND for line in clips.folder.lines[video_id])
    return ClipResult(video_id, labels, predicted.numpy(), categories.argmax(-1).numpy(), nothing)


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
    results: Sequence[ClipResult], categories: Sequence[str], model: str, data: str, split: str, threshold: float
) -> LocalizationReport:
    """All figures from clips' truths and answers."""
    if not results:
        raise DataError(f"split {split!r} of {data} has no clips: choose another split")
    background = len(categories)
    labels = np.concatenate([clip.labels for clip in results])
    predicted = np.concatenate([clip.predicted for clip in results])
    matrix = confusion(labels, predicted, background + 1)
    empty = [clip for clip in results if clip.nothing]
    return LocalizationReport(
        model=model,
        data=data,
        split=split,
        clips=len(results),
        seconds=len(labels),
        threshold=threshold,
        segment_accuracy=_share(results, lambda c: (c.predicted == c.labels, np.ones_like(c.labels))),
        priors=_priors(results, background),
        category_in_every_second=_share(
            results, lambda c: (_everywhere(c, background) == c.labels, np.ones_like(c.labels))
        ),
        category_accuracy_given_event=_share(
            results, lambda c: ((c.best_category == c.labels) & (c.labels < background), c.labels < background)
        ),
        relevance_f1=binary_f1(labels < background, predicted < background),
        event_f1={str(iou): event_f1([(c.labels, c.predicted) for c in results], background, iou) for iou in IOUS},
        false_event_seconds=_share(empty, lambda c: (c.predicted < background, np.ones_like(c.labels)))
        if empty
        else None,
        categories=_table(matrix, categories),
        names=(*categories, BACKGROUND),
        confusion=matrix,
    )


def _share(
    results: Sequence[ClipResult], counts: Callable[[ClipResult], tuple[NDArray[Any], NDArray[Any]]]
) -> Interval:
    """Hits over total, both counted in seconds."""
    pairs = [[part.sum() for part in counts(clip)] for clip in results]
    return share([hits for hits, _ in pairs], [total for _, total in pairs])


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
