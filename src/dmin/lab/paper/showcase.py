"""The worst and the best test clip of a run, chosen by rule and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from matplotlib.figure import Figure

from dmin import backbones
from dmin.data.clips import ClipDataset, Sample
from dmin.evaluation import ClipResult, MatchingResult, predict
from dmin.inference import Localizer
from dmin.lab.compose.demo import truth_of
from dmin.lab.paper.drawing.clip_lanes import events_figure, query_figure
from dmin.media import watch
from dmin.progress import Progress, silent
from dmin.report.timeline import timeline_figure
from dmin.results.events import Event, Events, Second, merge_seconds
from dmin.tasks.decoding import event_scores
from dmin.tasks.scores import spans

Clip = TypeVar("Clip")


@dataclass(frozen=True)
class Shown:
    """One clip's picture."""

    rank: str
    """"worst" or "best"."""
    video_id: str
    words: str
    """Score of the answer."""
    figure: Figure


def extremes(clips: Sequence[Clip], score: Callable[[Clip], float], name: Callable[[Clip], str]) -> dict[str, Clip]:
    """The clips of the lowest and of the highest score; among equals, the first by id. One clip where all score alike.

    Example:
        >>> extremes([("b", 1.0), ("a", 1.0), ("c", 0.5)], lambda clip: clip[1], lambda clip: clip[0])
        {'worst': ('c', 0.5), 'best': ('a', 1.0)}
    """
    worst = min(clips, key=lambda clip: (score(clip), name(clip)))
    best = min(clips, key=lambda clip: (-score(clip), name(clip)))
    return {"worst": worst, "best": best} if score(worst) < score(best) else {"best": best}


def localized_clips(
    run: Path, words: str, store: Path, videos: Mapping[str, Path], progress: Progress = silent
) -> list[Shown]:
    """The clips of a localization run with the smallest and the largest share of right seconds.

    Args:
        run: The run folder.
        words: What pictures call the model.
        store: Features of the test clips.
        videos: Video files by id: a clip that has one is drawn with it, if the model's backbones are at hand.
        progress: Told as clips are done.
    """
    localizer = Localizer.from_pretrained(run)
    localizer.name = words
    clips = ClipDataset(store, "test", localizer.categories, localizer.settings.window_seconds)
    results = predict(localizer, clips, progress)
    chosen = extremes(range(len(results)), lambda i: _accuracy(results[i]), lambda i: results[i].video_id)
    sees = {localizer.settings.visual, localizer.settings.audio} <= set(backbones.cards())
    shown = []
    for rank, index in chosen.items():
        result = results[index]
        truth = _as_events(result, localizer.categories)
        right = f"{int((result.predicted == result.labels).sum())} of {len(result.labels)} seconds right"
        right += "" if truth else "; in truth there is no event"
        if sees and result.video_id in videos:
            events = localizer(videos[result.video_id])
            figure = timeline_figure(events, events.video, truth_of(clips.folder.lines[result.video_id]))
        else:
            found = events_of(localizer, clips[index])
            figure = events_figure(found, truth, result.video_id, f"{right}, by the model {words}; drawn from features")
        shown.append(Shown(rank, result.video_id, right, figure))
    return shown


def events_of(localizer: Localizer, sample: Sample) -> Events:
    """A model's answer to features that are there, as it would give it to their video; without its attention."""
    with torch.inference_mode():
        visual, audio = (part.float()[None].to(localizer.device) for part in (sample.visual, sample.audio))
        scores = event_scores(localizer.model(visual, audio), len(localizer.categories))
    rows = zip(scores.relevance[0].tolist(), scores.categories[0].tolist(), strict=True)
    seconds = tuple(
        _second(t, value, dict(zip(localizer.categories, row, strict=True))) for t, (value, row) in enumerate(rows)
    )
    threshold, duration = localizer.settings.threshold, float(len(seconds))
    events = merge_seconds(seconds, threshold, duration)
    return Events(sample.window.video_id, duration, localizer.name, threshold, seconds, events)


def _second(t: int, relevance: float, scores: dict[str, float]) -> Second:
    return Second(float(t), relevance, max(scores, key=lambda name: scores[name]), scores)


def matched_clips(run: Path, words: str, videos: Mapping[str, Path]) -> list[Shown]:
    """The clips of a matching run whose answer is farthest from the truth, and nearest.

    Args:
        run: The run folder, with its metrics.json.
        words: What pictures call the model.
        videos: Video files by id: a clip that has one is drawn with it.
    """
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    results = [MatchingResult(**result) for result in metrics["results"]]
    shown = []
    for rank, clip in extremes(results, lambda r: -abs(r.offset_seconds), lambda r: r.video_id).items():
        off = f"{abs(clip.offset_seconds)} s too {'late' if clip.offset_seconds > 0 else 'early'}"
        right = off if clip.offset_seconds else "exactly"
        footage = watch(videos[clip.video_id]) if clip.video_id in videos and not clip.window_start else None
        about = f"a query of {clip.length} s, found {right}, by the model {words}"
        figure = query_figure(clip, metrics["direction"], clip.video_id, about, footage)
        shown.append(Shown(rank, clip.video_id, right, figure))
    return shown


def _accuracy(result: ClipResult) -> float:
    return float((result.predicted == result.labels).mean())


def _as_events(result: ClipResult, categories: Sequence[str]) -> tuple[Event, ...]:
    """The truth of one window."""
    found = spans(result.labels, len(categories))
    return tuple(Event(float(span.start), float(span.stop), categories[span.label], 1.0) for span in found)
