"""The picture of `dmin match`: the query, what it was searched in, and how well it fits at each second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle

from dmin.media import watch
from dmin.report import style
from dmin.report.footage import film_height, plot_film, plot_spectrogram
from dmin.report.rows import INNER, MOST_STEPS, dress_scores, plot_steps, stack_rows, write_times
from dmin.results.footage import Footage
from dmin.results.match import Match

_NARROWEST_QUERY = 3.2
"""Inches; drawn to scale, a short query would be a hair above a long recording."""
_SECONDS, _WINDOWS = "each second", "score if it\nstarts here"
_WORDS = {"a2v": "sound found in the picture", "v2a": "picture found in the sound"}


def plot_match(match: Match, path: str | Path | None = None) -> Axes:
    """Draw a match, whose recordings must be where they were; also save it if a path is given.

    Args:
        match: What was found.
        path: A .png, .svg or .pdf file.

    Returns:
        The axes of the windows' scores; their ``figure`` is the whole picture.

    Raises:
        MediaError: A recording cannot be read.
        DminError: The picture cannot be written.
    """
    query = watch(
        match.query,
        streams="sound" if match.direction == "a2v" else "picture",
        start_seconds=match.query_start_seconds,
        end_seconds=match.query_end_seconds,
    )
    figure = match_figure(match, query, watch(match.inside))
    if path is not None:
        style.save(figure, path)
    return figure.axes[-1]


def match_figure(match: Match, query: Footage, inside: Footage) -> Figure:
    """Compose the picture: the query, then frames and sound of what was searched, scores of seconds and of windows.

    Args:
        match: What was found.
        query: The query alone.
        inside: What was searched.
    """
    heights = {"query": 0.95}
    heights |= {"frames": film_height(inside, INNER, 1.35)} if inside.frames else {}
    heights |= {"sound": 0.95} if inside.spectrogram_db is not None else {}
    heights |= {_SECONDS: 0.7, _WINDOWS: 0.95}
    names = (style.shorten(Path(path).name or path, 28) for path in (match.query, match.inside))
    figure, rows = stack_rows(heights, " in ".join(names), _about(match))
    _place_query(rows["query"], match)
    _draw_query(rows["query"], query)
    if "frames" in rows:
        plot_film(inside, rows["frames"])
    if "sound" in rows:
        plot_spectrogram(inside.spectrogram_db, match.duration_seconds, rows["sound"])
    plot_seconds(match, rows[_SECONDS])
    plot_windows(match, rows[_WINDOWS])
    _mark_answer(match, rows)
    return figure


def plot_seconds(match: Match, ax: Axes) -> None:
    """Draw the score of each second, the answer's seconds in colour."""
    dress_scores(ax, match.duration_seconds)
    edges = np.append(np.arange(len(match.seconds)), max(match.duration_seconds, len(match.seconds) - 1.0))
    values = np.append(match.seconds, match.seconds[-1:])
    plot_steps(ax, edges, values)
    first = int(match.start_seconds)
    answer = slice(first, first + match.query_seconds + 1)
    ax.fill_between(edges[answer], values[answer], step="post", color=style.ACCENT, alpha=0.75, linewidth=0)


def plot_windows(match: Match, ax: Axes) -> None:
    """Draw a bar at each second at which the query could start, as high as its window's score; the answer's in colour.

    The answer's bar is the last of the axes' ``containers``; the windows' bars are the first, or one filled outline
    where they are too many to be told apart.
    """
    dress_scores(ax, match.duration_seconds)
    write_times(ax, match.duration_seconds)
    starts = np.array([window.start_seconds for window in match.windows])
    scores = np.array([window.score for window in match.windows])
    if len(starts) <= MOST_STEPS:
        ax.bar(starts, scores, 1.0, align="edge", color=style.LINE, ec=style.PAPER, linewidth=0.8, label="windows")
    else:  # thousands of bars take seconds to draw
        edges, values = [*starts, starts[-1] + 1.0], [*scores, scores[-1]]
        ax.fill_between(edges, values, step="post", color=style.LINE, linewidth=0.8, label="windows")
    # Centred on its second, and wide enough to be seen however long the recording is.
    width = max(1.0, 0.006 * match.duration_seconds)
    left = match.start_seconds - (width - 1.0) / 2
    ax.bar(left, match.score, width, align="edge", color=style.ACCENT, linewidth=0, zorder=6, label="answer")


def _place_query(ax: Axes, match: Match) -> None:
    """Make the query's row as wide as the query is long and, as far as there is room, centre it above the answer."""
    box = ax.get_position()
    share = min(max(match.query_seconds / match.duration_seconds, _NARROWEST_QUERY / INNER), 1.0)
    middle = (match.start_seconds + match.end_seconds) / 2 / match.duration_seconds
    left = min(max(middle - share / 2, 0.0), 1.0 - share)
    name = ax.texts[0]  # stays where all rows have theirs
    name.set_transform(ax.figure.transFigure)
    name.set_position((box.x0 - 0.1 / INNER * box.width, box.y0 + box.height / 2))
    ax.set_position((box.x0 + left * box.width, box.y0, share * box.width, box.height))


def _draw_query(ax: Axes, query: Footage) -> None:
    """Draw the query's frames, so many that they are nearly as high as the row, or its sound."""
    if not query.frames:
        plot_spectrogram(query.spectrogram_db, query.duration_seconds, ax)
        return
    box, have = ax.get_window_extent(), len(query.frames)
    frame_height, frame_width = query.frames[0].shape[:2]
    count = max(1, round(box.width / (0.8 * box.height * frame_width / frame_height)))
    if count < have:
        frames = tuple(query.frames[int((place + 0.5) * have / count)] for place in range(count))
        instants = tuple((place + 0.5) * query.duration_seconds / count for place in range(count))
        query = replace(query, frames=frames, instants_seconds=instants)
    plot_film(query, ax)


def _mark_answer(match: Match, rows: Mapping[str, Axes]) -> None:
    """Draw a frame around the answer in all rows but the query's, which two lines connect with it."""
    query, *searched = rows.values()
    for seconds, corner in ((match.start_seconds, 0.0), (match.end_seconds, 1.0)):
        for ax in searched:
            ax.axvline(seconds, color=style.SECOND, linewidth=1.4, zorder=5, clip_on=False)
        line = ConnectionPatch(
            (corner, 0.0), (seconds, 1.0), coordsA=query.transAxes, coordsB=searched[0].get_xaxis_transform(),
            color=style.SECOND, linewidth=1.4,
        )  # fmt: skip
        query.figure.add_artist(line)
    box = Rectangle((0, 0), 1, 1, transform=query.transAxes, fill=False, edgecolor=style.SECOND, linewidth=1.4)
    box.set(clip_on=False, zorder=5)
    query.add_patch(box)


def _about(match: Match) -> str:
    longest = match.duration_seconds
    span = f"{style.clock(match.start_seconds, longest)} to {style.clock(round(match.end_seconds, 1), longest)}"
    margin = "" if match.margin is None else f", margin {match.margin:.2f}"
    words = _WORDS[match.direction]
    return f"{words}: {span}, score {match.score:.2f}{margin}, by the model {style.shorten(match.model, 40)}"
