"""The worst and the best test clip of a run, chosen by rule and drawn, with its video or from its features."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin import backbones
from dmin.data.clips import ClipDataset, Sample
from dmin.evaluation import MatchingResult, predict
from dmin.inference import Localizer
from dmin.lab.compose.demo import truth_of
from dmin.media import watch
from dmin.progress import Progress, silent
from dmin.report import style
from dmin.report.footage import film_height, plot_film, plot_spectrogram
from dmin.report.rows import INNER, dress_row, stack_rows, write_end, write_times
from dmin.report.timeline import lanes_height, plot_lanes, plot_relevance, timeline_figure
from dmin.results.events import Event, Events, Second
from dmin.results.footage import Footage
from dmin.results.merging import merge_seconds
from dmin.tasks.decoding import event_scores
from dmin.tasks.scores import spans

Clip = TypeVar("Clip")
_WORDS = {"a2v": "sound searched in the picture", "v2a": "picture searched in the sound"}
_PLACES, _SCORES = "query", "score if it\nstarts here"


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
    right = [result.predicted == result.labels for result in results]  # [T] each
    chosen = extremes(range(len(results)), lambda i: float(right[i].mean()), lambda i: results[i].video_id)
    sees = {localizer.settings.visual, localizer.settings.audio} <= set(backbones.cards())
    shown = []
    for rank, index in chosen.items():
        result = results[index]
        truth = [
            Event(float(span.start), float(span.stop), localizer.categories[span.label], 1.0)
            for span in spans(result.labels, len(localizer.categories))
        ]
        score = f"{int(right[index].sum())} of {len(result.labels)} seconds right"
        score += "" if truth else "; in truth there is no event"
        if sees and result.video_id in videos:
            events = localizer(videos[result.video_id])
            figure = timeline_figure(events, events.video, truth_of(clips.folder.lines[result.video_id]))
        else:
            found = events_of(localizer, clips[index])
            figure = events_figure(found, truth, result.video_id, f"{score}, by the model {words}; drawn from features")
        shown.append(Shown(rank, result.video_id, score, figure))
    return shown


def events_of(localizer: Localizer, sample: Sample) -> Events:
    """A model's answer to features that are there, as it would give it to their video; without its attention."""
    with torch.inference_mode():
        visual, audio = (part.float()[None].to(localizer.device) for part in (sample.visual, sample.audio))
        scores = event_scores(localizer.model(visual, audio), len(localizer.categories))
    seconds = []
    for t, (relevance, row) in enumerate(zip(scores.relevance[0].tolist(), scores.categories[0].tolist(), strict=True)):
        by_name = dict(zip(localizer.categories, row, strict=True))
        seconds.append(Second(float(t), relevance, max(by_name, key=lambda name: by_name[name]), by_name))
    threshold, duration = localizer.settings.threshold, float(len(seconds))
    events = merge_seconds(tuple(seconds), threshold, duration)
    return Events(sample.window.video_id, duration, localizer.name, threshold, tuple(seconds), events)


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


def events_figure(events: Events, truth: Sequence[Event], title: str, about: str) -> Figure:
    """Draw relevance and events of one clip over the truth: its timeline without the video.

    Args:
        events: What was found.
        truth: What should have been found.
        title: In large type.
        about: A line under it.
    """
    heights = {"relevance": 0.95, "events": lanes_height(events, truth)}
    figure, rows = stack_rows(heights, title, about, unnamed="events")
    plot_relevance(events, rows["relevance"])
    plot_lanes(events, truth, rows["events"])
    return figure


def query_figure(
    placed: MatchingResult, direction: str, title: str, about: str, footage: Footage | None = None
) -> Figure:
    """Draw a query and its answer: the clip's frames and sound, if they are there, the place, and the scores.

    Args:
        placed: The query.
        direction: "a2v" or "v2a".
        title: In large type.
        about: A line under it, before the direction in words.
        footage: The clip's, if there is a video.
    """
    heights = {_PLACES: 0.62, _SCORES: 0.95}
    if footage is not None:
        heights = {"frames": film_height(footage, INNER, 1.35), "sound": 0.95} | heights
    figure, rows = stack_rows(heights, title, f"{_WORDS[direction]}: {about}")
    if footage is not None:
        plot_film(footage, rows["frames"])
        plot_spectrogram(footage.spectrogram_db, footage.duration_seconds, rows["sound"])
    plot_places(placed, rows[_PLACES])
    plot_window_scores(placed, rows[_SCORES])
    return figure


def plot_places(placed: MatchingResult, ax: Axes) -> None:
    """Draw two bars, one above the other: where the query was found, and where it truly lies."""
    dress_row(ax, placed.seconds, 2, 0)
    found = _found_colour(placed)
    lanes = (("found", placed.predicted_start, found, found), ("truth", placed.start, style.LINE, style.MUTED))
    for lane, (words, start, colour, rim) in enumerate(lanes):
        ax.axhspan(lane + 0.06, lane + 0.94, color=style.FAINT, linewidth=0, zorder=0)
        ax.barh(lane + 0.5, placed.length, 0.7, start, color=colour, edgecolor=rim, linewidth=1.0, label=words)
        write_end(ax, words, 1 - (lane + 0.5) / 2)


def plot_window_scores(placed: MatchingResult, ax: Axes) -> None:
    """Draw a bar at each second at which the query could start, from the lowest score; the answer's in colour."""
    scores = np.asarray(placed.window_scores, np.float64)
    spread = float(np.ptp(scores)) or 1.0
    heights = 0.08 + 0.86 * (scores - scores.min()) / spread  # only differences mean anything
    colours = [_found_colour(placed) if start == placed.predicted_start else style.LINE for start in range(len(scores))]
    dress_row(ax, placed.seconds, top=1.02, frame=True)
    write_times(ax, float(placed.seconds))
    ax.bar(np.arange(len(scores)), heights, 1.0, align="edge", color=colours, edgecolor=style.PAPER, linewidth=0.8)
    ax.axvspan(placed.start, placed.start + 1, fill=False, edgecolor=style.INK, linewidth=1.2, linestyle=(0, (4, 3)))
    write_end(ax, "dashed:\ntrue start")


def _found_colour(placed: MatchingResult) -> str:
    return style.ACCENT if placed.predicted_start == placed.start else style.SECOND
