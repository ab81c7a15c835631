"""Events as bars along time: a lane per category, so that names never overlap, however many events there are."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from dmin.report import style
from dmin.results.events import Event, Events

_MOST_LANES = 16
_TICK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOST_TICKS = 13
_NARROWEST_TEXT_PIXELS = 24


def colour_of(event: Event, events: Events) -> str:
    """Colour of an event's category; the same in every video that a model is asked about."""
    known = tuple(events.seconds[0].scores) if events.seconds else ()
    return style.category_colour(event.category, known)


def lanes_height(events: Events, truth: Sequence[Event] = ()) -> float:
    """Height in inches in which the lanes of these events are readable."""
    count = len(_categories([*events, *truth]))
    return 0.08 + (0.42 if truth else 0.34) * min(_MOST_LANES, max(1, count))


def plot_lanes(events: Events, truth: Sequence[Event] = (), ax: Axes | None = None) -> Axes:
    """A lane per category with a bar per event, named and scored where there is room; the truth beneath, in outline.

    Args:
        events: What was found.
        truth: What should have been found.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones. Bars are its ``containers``, labelled "found" and "truth".
    """
    ax = style.dress(ax or style.new_axes(11, 0.5 + lanes_height(events, truth)))
    names = _categories([*events, *truth])
    shown = names if len(names) <= _MOST_LANES else names[: _MOST_LANES - 1]
    count = max(1, len(shown) + (len(names) > len(shown)))
    ax.set(xlim=(0, events.duration_seconds), ylim=(count, 0))
    write_times(ax, events.duration_seconds)
    for lane in range(count):
        ax.axhspan(lane + 0.06, lane + 0.94, color=style.FAINT, linewidth=0, zorder=0)
    lanes = {name: min(place, count - 1) for place, name in enumerate(names)}
    next_starts: dict[int, float] = {}
    for event in sorted(events, key=lambda event: event.start_seconds, reverse=True):
        lane = lanes[event.category]
        middle, height = (lane + 0.33, 0.42) if truth else (lane + 0.5, 0.66)
        room_until = next_starts.get(lane, events.duration_seconds)
        _draw_found(ax, event, middle, height, colour_of(event, events), room_until)
        next_starts[lane] = event.start_seconds
    for event in truth:
        _draw_truth(ax, event, lanes[event.category] + 0.74, 0.24, colour_of(event, events))
    _write_names(ax, shown, len(names) - len(shown))
    if not names:
        quiet = events.seconds and all(second.relevance < events.threshold for second in events.seconds)
        words = f"no event: relevance stays below {events.threshold:.2f}" if quiet else "no event"
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color=style.MUTED)
    if truth:
        for words, middle in (("found", 0.33), ("truth", 0.74)):
            place = (1.008, 1 - middle / count)
            ax.text(*place, words, transform=ax.transAxes, va="center", fontsize=style.SMALL, color=style.INK)
    return ax


def _categories(events: Sequence[Event]) -> list[str]:
    """In order of their first event."""
    return list(dict.fromkeys(event.category for event in sorted(events, key=lambda event: event.start_seconds)))


def _draw_found(ax: Axes, event: Event, middle: float, height: float, colour: str, room_until: float) -> None:
    """A bar, named and scored inside or, if there is room until the lane's next event, behind it."""
    width = event.end_seconds - event.start_seconds
    # A rim of paper keeps neighbours apart; a bar that is thin as a hair is thickened by its own colour instead.
    rim = style.PAPER if _pixels(ax, width) > 4 else colour
    ax.barh(middle, width, height, event.start_seconds, color=colour, edgecolor=rim, linewidth=0.8, label="found")
    middle_seconds, behind_seconds = event.start_seconds + width / 2, event.end_seconds + 4 / _pixels(ax, 1)
    score, inside = f"{event.score:.2f}", style.ink_on(colour)
    for words, seconds, align, ink, room in (
        (style.shorten(f"{event.category} {score}", 60), middle_seconds, "center", inside, width),
        (score, middle_seconds, "center", inside, width),
        (score, behind_seconds, "left", style.INK, room_until - event.end_seconds),
    ):
        if _pixels(ax, room) < _NARROWEST_TEXT_PIXELS:  # measuring is slow, and an hour may hold a thousand events
            continue
        text = ax.text(seconds, middle, words, ha=align, va="center_baseline", fontsize=style.SMALL, color=ink)
        style.plain(text)
        if text.get_window_extent().width + 6 <= _pixels(ax, room):
            return
        text.remove()


def _draw_truth(ax: Axes, event: Event, middle: float, height: float, colour: str) -> None:
    width = event.end_seconds - event.start_seconds
    pale = style.blend(colour, style.PAPER, 0.75)
    ax.barh(middle, width, height, event.start_seconds, color=pale, edgecolor=colour, linewidth=1.0, label="truth")


def _pixels(ax: Axes, seconds: float) -> float:
    """Width of a picture of so many seconds."""
    low, high = ax.get_xlim()
    return float(ax.get_window_extent().width * seconds / (high - low))


def _write_names(ax: Axes, shown: Sequence[str], others: int) -> None:
    """The categories beside their lanes; the last lane holds those that have none of their own."""
    labels = [style.wrap(name, 15) for name in shown] + [f"{others} others"] * (others > 0)
    ax.yaxis.set_major_locator(NullLocator())
    ax.set_yticks([lane + 0.5 for lane in range(len(labels))], labels)
    ax.tick_params(axis="y", length=0, pad=8)
    for lane, text in enumerate(ax.get_yticklabels()):
        style.plain(text).set(color=style.INK, linespacing=1.0, fontweight="bold" if lane < len(shown) else "normal")


def write_times(ax: Axes, duration: float) -> None:
    """Round times along the x-axis, in the unit that the duration asks for."""
    step = next((step for step in _TICK_STEPS if duration / step <= _MOST_TICKS), duration / 10)
    ticks = [i * step for i in range(int(duration / step + 1e-6) + 1)]
    ax.spines["bottom"].set_visible(True)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: style.clock(round(x, 3), duration)))
