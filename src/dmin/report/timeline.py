"""The picture of `dmin localize`: what a video shows, where the network looks, what sounds, and the events found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from dmin.media import Segments, Source, watch
from dmin.report import style
from dmin.report.attention import plot_attention
from dmin.report.footage import film_height, plot_film, plot_spectrogram
from dmin.report.lanes import colour_of, lanes_height, plot_lanes
from dmin.report.rows import INNER, WIDTH, figure_of, stack_rows
from dmin.results.events import Event, Events
from dmin.results.footage import Footage

_MOST_STEPS = 400
"""A line with more steps than this is a black band: longer videos show their relevance as area alone."""


def plot_events(events: Events, path: str | Path | None = None, *, truth: Sequence[Event] = ()) -> Axes:
    """Draw the timeline of a video, which must be where it was; also save it if a path is given.

    Args:
        events: What was found.
        path: A .png, .svg or .pdf file.
        truth: What should have been found, drawn beneath it.

    Returns:
        The axes of the events; their ``figure`` is the whole picture.

    Raises:
        MediaError: The video cannot be read.
        DminError: The picture cannot be written.
    """
    figure = timeline_figure(events, events.footage or events.video, truth)
    if path is not None:
        style.save(figure, path)
    return figure.axes[-1]


def timeline_figure(events: Events, video: Source | Segments | Footage, truth: Sequence[Event] | None = None) -> Figure:
    """Compose the timeline: film strip, attention (if the network has it), sound, relevance, events.

    Args:
        events: What was found.
        video: A path, open segments, or footage that `watch` gathered.
        truth: What should have been found, drawn beneath it.

    Raises:
        MediaError: The video cannot be read.
    """
    footage = video if isinstance(video, Footage) else watch(video)
    truth = tuple(truth or ())
    attention = events.attention if events.attention is not None and len(events.attention) else None
    film = film_height(footage, INNER, 1.35)
    heights = {"frames": film} | ({} if attention is None else {"looks at": film})
    heights |= {"sound": 0.95, "relevance": 0.95, "events": lanes_height(events, truth)}
    title = style.shorten(Path(events.video).name or events.video, 64)
    rows = stack_rows(heights, title, _about(events), unnamed="events")  # its lanes have names of their own
    plot_film(footage, rows["frames"])
    if attention is not None:
        relevance = np.array([second.relevance for second in events.seconds])
        plot_attention(footage, attention, rows["looks at"], relevance)
    plot_spectrogram(footage.spectrogram_db, events.duration_seconds, rows["sound"])
    plot_relevance(events, rows["relevance"])
    plot_lanes(events, truth, rows["events"])
    return figure_of(rows)


def plot_relevance(events: Events, ax: Axes | None = None) -> Axes:
    """Relevance second by second over the threshold's line; the area of each event has its category's colour.

    Returns:
        The axes that were given, or new ones.
    """
    ax = style.dress(ax or style.new_axes(WIDTH, 1.6), frame=True)
    duration = events.duration_seconds
    ax.set(xlim=(0, duration), ylim=(0, 1.02))
    ax.xaxis.set_major_locator(NullLocator())
    ax.yaxis.tick_right()
    ax.set_yticks([0, 1])
    if events.seconds:
        starts = np.array([second.start_seconds for second in events.seconds])
        edges = np.append(starts, max(min(starts[-1] + 1, duration), starts[-1]))
        values = np.array([second.relevance for second in events.seconds])
        values = np.append(values, values[-1])
        few = len(events.seconds) <= _MOST_STEPS
        ax.fill_between(edges, values, step="post", color=style.LINE, alpha=0.6 if few else 1.0, linewidth=0)
        for event in events:
            inside = (edges >= event.start_seconds - 1e-6) & (edges <= event.end_seconds + 1e-6)
            colour = colour_of(event, events)
            ax.fill_between(edges, values, where=inside, step="post", color=colour, alpha=0.75, linewidth=0)
        if few:
            ax.step(edges, values, where="post", color=style.INK, linewidth=1.0)
    ax.axhline(events.threshold, color=style.INK, linewidth=0.9, linestyle=(0, (5, 3)))
    # Beside the line, but clear of the ticks at 0 and 1.
    height = min(max(events.threshold, 0.22), 0.78)
    ax.text(
        1.008,
        height / 1.02,
        f"threshold\n{events.threshold:.2f}",
        transform=ax.transAxes,
        va="center",
        color=style.INK,
        fontsize=style.SMALL,
        linespacing=1.1,
    )
    return ax


def _about(events: Events) -> str:
    count = len(events)
    duration = style.clock(round(events.duration_seconds, 1), events.duration_seconds)
    found = "no event" if not count else "1 event" if count == 1 else f"{count} events"
    return f"{found} in {duration}, by the model {style.shorten(events.model, 60)}"
