"""Answers of a model to a split's clips, beside the truth: what all figures of event localization are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import DataLoader

from dmin.data.annotations import BACKGROUND
from dmin.data.clips import ClipDataset, Window, collate
from dmin.evaluation.intervals import Interval, share
from dmin.inference import Localizer
from dmin.inference.windows import Average
from dmin.progress import Progress, silent
from dmin.tasks.decoding import EventScores, category_relevance, decode_scores, event_scores, is_event


@dataclass(frozen=True)
class ClipResult:
    """One clip's truth and answer, label by label; C is background."""

    video_id: str
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    """Decoded with the threshold."""
    best_category: NDArray[np.int64]
    """The category that each second would have as an event."""
    timed: NDArray[np.bool_]
    """Event or not, had the model been told the clip's categories."""
    named: tuple[int, ...]
    """Categories that the clip is annotated with, whether it has an event of them or not; empty for a clip of none."""


@torch.inference_mode()
def predict(localizer: Localizer, clips: ClipDataset, progress: Progress = silent) -> list[ClipResult]:
    """The network's answer to every clip of a data set; what two windows say of a second is averaged."""
    averages: dict[str, Average] = {}
    done = 0
    for batch in DataLoader(clips, batch_size=16, collate_fn=collate):
        here = batch.to(localizer.device)
        output = localizer.model(here.visual, here.audio, here.padding_mask)
        scores = event_scores(output, len(localizer.categories))
        told = category_relevance(output, len(localizer.categories))
        rows = torch.cat([scores.relevance[..., None], scores.categories, told], -1).double().cpu()
        for i, window in enumerate(batch.windows):
            averages.setdefault(window.video_id, Average()).add(window.start, rows[i][batch.mask[i]].numpy())
        done += len(batch.windows)
        progress("evaluate", done, len(clips))
    return [_clip_result(clips, video_id, each.take(), localizer) for video_id, each in averages.items()]


def _clip_result(clips: ClipDataset, video_id: str, scores: NDArray[np.float64], localizer: Localizer) -> ClipResult:
    """A clip's truth and answer from its scores [T, 1 + C + C]."""
    threshold = localizer.settings.threshold
    relevance, categories, told = torch.from_numpy(scores).tensor_split([1, 1 + len(localizer.categories)], -1)
    names = {line.category for line in clips.folder.lines[video_id]} - {BACKGROUND}
    named = tuple(index for index, name in enumerate(localizer.categories) if name in names)
    of_clip = told[:, list(named)] if named else told  # nothing can be told of a clip of no category
    return ClipResult(
        video_id,
        clips.labels_of(Window(video_id, 0, len(scores))),
        decode_scores(EventScores(relevance[:, 0], categories), threshold).numpy(),
        categories.argmax(-1).numpy(),
        is_event(of_clip.amax(-1), threshold).numpy(),
        named,
    )


def share_of(results: Sequence[ClipResult], counts: Callable[[ClipResult], tuple[ArrayLike, ArrayLike]]) -> Interval:
    """Hits over total, both summed over clips, with its interval.

    Args:
        results: Truths and answers.
        counts: Hits and total of a clip: numbers, or flags of its seconds.
    """
    pairs = [[np.sum(part) for part in counts(clip)] for clip in results]
    return share([hits for hits, _ in pairs], [total for _, total in pairs])


def segment_accuracy(results: Sequence[ClipResult]) -> Interval:
    """Share of seconds with the right one of C + 1 labels."""
    return share_of(results, lambda clip: (clip.predicted == clip.labels, len(clip.labels)))


def event_accuracy(results: Sequence[ClipResult], background: int) -> Interval:
    """Share of seconds rightly called event or background, each clip's categories given."""
    return share_of(results, lambda clip: (clip.timed == (clip.labels < background), len(clip.labels)))


def category_accuracy(results: Sequence[ClipResult], background: int) -> Interval:
    """Share of event seconds whose category is right, whatever the relevance."""
    return share_of(
        results,
        lambda clip: ((clip.best_category == clip.labels) & (clip.labels < background), clip.labels < background),
    )
