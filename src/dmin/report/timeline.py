"""The picture of `dmin localize`: what a video shows, where the network looks, what sounds, and the events found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dmin.media import Segments, Source, watch
from dmin.report import style
from dmin.report.footage import attended, film_height, plot_film, plot_spectrogram
from dmin.report.rows import INNER, dress_row, dress_scores, plot_steps, stack_rows, write_end, write_times
from dmin.results.events import Event, Events
from dmin.results.footage import Footage

_MOST_LANES = 16
_NARROWEST_TEXT_PIXELS = 24


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


def timeline_figure(events: Events, video: Source | Segments | Footage, truth: Sequence[Event] = ()) -> Figure:
    """Compose the timeline: film strip, attention (if the network has it), sound, relevance, events.

    Args:
        events: What was found.
        video: A path, open segments, or footage that `watch` gathered.
        truth: What should have been found, drawn beneath it.

    Raises:
        MediaError: The video cannot be read.
    """
    footage = video if isinstance(video, Footage) else watch(video)
    has_attention = events.attention is not None and len(events.attention) > 0
    film = film_height(footage, INNER, 1.35)
    heights = {"frames": film} | ({"looks at": film} if has_attention else {})
    heights |= {"sound": 0.95, "relevance": 0.95, "events": lanes_height(events, truth)}
    count = len(events)
    found = "no event" if not count else "1 event" if count == 1 else f"{count} events"
    duration = style.clock(round(events.duration_seconds, 1), events.duration_seconds)
    about = f"{found} in {duration}, by the model {style.shorten(events.model, 60)}"
    title = Path(events.video).name or events.video
    figure, rows = stack_rows(heights, title, about, unnamed="events")  # its lanes have names of their own
    plot_film(footage, rows["frames"])
    if has_attention:
        plot_film(attended(footage, *_by_second(events)), rows["looks at"])
    plot_spectrogram(footage.spectrogram_db, events.duration_seconds, rows["sound"])
    plot_relevance(events, rows["relevance"])
    plot_lanes(events, truth, rows["events"])
    return figure


def _by_second(events: Events) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Attention [T, H, W] and relevance [T] of the video's seconds; 0 where a part of an answer has none."""
    places = [int(second.start_seconds) for second in events.seconds]
    count = max(int(events.duration_seconds + 0.5), places[-1] + 1)
    maps = np.asarray(events.attention)
    attention, relevance = np.zeros((count, *maps.shape[1:]), np.float32), np.zeros(count, np.float32)
    attention[places], relevance[places] = maps, [second.relevance for second in events.seconds]
    return attention, relevance


def plot_relevance(events: Events, ax: Axes) -> None:
    """Draw relevance second by second over the threshold's line; the area of each event has its category's colour."""
    duration = events.duration_seconds
    dress_scores(ax, duration)
    if events.seconds:
        starts = np.array([second.start_seconds for second in events.seconds])
        edges = np.append(starts, max(min(starts[-1] + 1, duration), starts[-1]))
        values = np.array([second.relevance for second in events.seconds])
        values = np.append(values, values[-1])
        plot_steps(ax, edges, values)
        for event in events:
            inside = (edges >= event.start_seconds - 1e-6) & (edges <= event.end_seconds + 1e-6)
            colour = _colour(event, events)
            ax.fill_between(edges, values, where=inside, step="post", color=colour, alpha=0.75, linewidth=0)
    ax.axhline(events.threshold, color=style.INK, linewidth=0.9, linestyle=(0, (5, 3)))
    # Beside the line, but clear of the ticks at 0 and 1.
    write_end(ax, f"threshold\n{events.threshold:.2f}", min(max(events.threshold, 0.22), 0.78) / 1.02)


def lanes_height(events: Events, truth: Sequence[Event] = ()) -> float:
    """Height in inches in which the lanes of these events are readable."""
    count = len(_categories([*events, *truth]))
    return 0.08 + (0.42 if truth else 0.34) * min(_MOST_LANES, max(1, count))


def plot_lanes(events: Events, truth: Sequence[Event], ax: Axes) -> None:
    """Draw a lane per category, so that names never overlap, and a bar per event, named where there is room.

    Args:
        events: What was found.
        truth: What should have been found, beneath it, in outline.
        ax: Axes to draw in. Bars become its ``containers``, labelled "found" and "truth".
    """
    names = _categories([*events, *truth])
    shown = names if len(names) <= _MOST_LANES else names[: _MOST_LANES - 1]
    count = max(1, len(shown) + (len(names) > len(shown)))
    dress_row(ax, events.duration_seconds, count, 0)
    write_times(ax, events.duration_seconds)
    for lane in range(count):
        ax.axhspan(lane + 0.06, lane + 0.94, color=style.FAINT, linewidth=0, zorder=0)
    lanes = {name: min(place, count - 1) for place, name in enumerate(names)}
    next_starts: dict[int, float] = {}
    for event in sorted(events, key=lambda event: event.start_seconds, reverse=True):
        lane = lanes[event.category]
        middle, height = (lane + 0.33, 0.42) if truth else (lane + 0.5, 0.66)
        room_until = next_starts.get(lane, events.duration_seconds)
        _draw_found(ax, event, middle, height, _colour(event, events), room_until)
        next_starts[lane] = event.start_seconds
    for event in truth:
        colour, width = _colour(event, events), event.end_seconds - event.start_seconds
        middle, pale = lanes[event.category] + 0.74, style.blend(colour, style.PAPER, 0.75)
        ax.barh(middle, width, 0.24, event.start_seconds, color=pale, edgecolor=colour, linewidth=1.0, label="truth")
    _name_lanes(ax, shown, len(names) - len(shown))
    if not names:
        quiet = events.seconds and all(second.relevance < events.threshold for second in events.seconds)
        words = f"no event: relevance stays below {events.threshold:.2f}" if quiet else "no event"
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color=style.MUTED)
    if truth:
        for words, middle in (("found", 0.33), ("truth", 0.74)):
            write_end(ax, words, 1 - middle / count)


def _categories(events: Sequence[Event]) -> list[str]:
    """Names of categories, in the order of their first events."""
    return list(dict.fromkeys(event.category for event in sorted(events, key=lambda event: event.start_seconds)))


def _colour(event: Event, events: Events) -> str:
    """Colour of an event's category; the same in every video that a model is asked about."""
    return style.category_colour(event.category, tuple(events.seconds[0].scores) if events.seconds else ())


def _draw_found(ax: Axes, event: Event, middle: float, height: float, colour: str, room_until: float) -> None:
    """Draw a bar, named and scored inside or, if there is room until the lane's next event, behind it."""
    low, high = ax.get_xlim()
    pixels_a_second = float(ax.get_window_extent().width / (high - low))
    width = event.end_seconds - event.start_seconds
    # A rim of paper keeps neighbours apart; a bar that is thin as a hair is thickened by its own colour instead.
    rim = style.PAPER if pixels_a_second * width > 4 else colour
    ax.barh(middle, width, height, event.start_seconds, color=colour, edgecolor=rim, linewidth=0.8, label="found")
    middle_seconds, behind_seconds = event.start_seconds + width / 2, event.end_seconds + 4 / pixels_a_second
    score, inside = f"{event.score:.2f}", style.ink_on(colour)
    for words, seconds, align, ink, room in (
        (style.shorten(f"{event.category} {score}", 60), middle_seconds, "center", inside, width),
        (score, middle_seconds, "center", inside, width),
        (score, behind_seconds, "left", style.INK, room_until - event.end_seconds),
    ):
        if pixels_a_second * room < _NARROWEST_TEXT_PIXELS:  # measuring is slow, and an hour may hold many events
            continue
        text = ax.text(seconds, middle, words, ha=align, va="center_baseline", fontsize=style.SMALL, color=ink)
        if style.plain(text).get_window_extent().width + 6 <= pixels_a_second * room:
            return
        text.remove()


def _name_lanes(ax: Axes, shown: Sequence[str], others: int) -> None:
    """Write the categories beside their lanes; the last lane holds those that have none of their own."""
    labels = [style.wrap(name, 15) for name in shown] + [f"{others} others"] * (others > 0)
    ax.set_yticks([lane + 0.5 for lane in range(len(labels))], labels)
    ax.tick_params(axis="y", length=0, pad=8)
    for lane, text in enumerate(ax.get_yticklabels()):
        style.plain(text).set(color=style.INK, linespacing=1.0, fontweight="bold" if lane < len(shown) else "normal")
