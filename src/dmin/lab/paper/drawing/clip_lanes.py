"""Pictures of single clips that need no video: what was found beside what is true, second by second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin.evaluation import MatchingResult
from dmin.report import style
from dmin.report.footage import film_height, plot_film, plot_spectrogram
from dmin.report.rows import INNER, dress_row, stack_rows, write_end, write_times
from dmin.report.timeline import lanes_height, plot_lanes, plot_relevance
from dmin.results.events import Event, Events
from dmin.results.footage import Footage

_WORDS = {"a2v": "sound searched in the picture", "v2a": "picture searched in the sound"}
_TRUTH, _SCORES = "query", "score if it\nstarts here"


def events_figure(events: Events, truth: Sequence[Event], title: str, about: str) -> Figure:
    """Relevance and events of one clip over the truth: the timeline of `dmin.report.timeline` without the video.

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
    heights = {_TRUTH: 0.62, _SCORES: 0.95}
    if footage is not None:
        heights = {"frames": film_height(footage, INNER, 1.35), "sound": 0.95} | heights
    figure, rows = stack_rows(heights, title, f"{_WORDS[direction]}: {about}")
    if footage is not None:
        plot_film(footage, rows["frames"])
        plot_spectrogram(footage.spectrogram_db, footage.duration_seconds, rows["sound"])
    plot_places(placed, rows[_TRUTH])
    plot_window_scores(placed, rows[_SCORES])
    return figure


def plot_places(placed: MatchingResult, ax: Axes) -> None:
    """Two bars, one above the other: where the query was found, and where it truly lies."""
    dress_row(ax, placed.seconds, 2, 0)
    found = _found_colour(placed)
    lanes = (("found", placed.predicted_start, found, found), ("truth", placed.start, style.LINE, style.MUTED))
    for lane, (words, start, colour, rim) in enumerate(lanes):
        ax.axhspan(lane + 0.06, lane + 0.94, color=style.FAINT, linewidth=0, zorder=0)
        ax.barh(lane + 0.5, placed.length, 0.7, start, color=colour, edgecolor=rim, linewidth=1.0, label=words)
        write_end(ax, words, 1 - (lane + 0.5) / 2)


def plot_window_scores(placed: MatchingResult, ax: Axes) -> None:
    """A bar at each second at which the query could start, from the lowest score; the answer's in colour."""
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
