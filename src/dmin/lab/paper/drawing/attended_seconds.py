"""Draws the attention of one second to all others (the paper's Fig. 10): the seconds that weigh most, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.lab.paper.drawing.second_lanes import (
    TRUTH_HEIGHT,
    Label,
    check_clip,
    clip_film,
    draw_label,
    draw_waveform,
    known_categories,
    loudest_of,
    plot_labels,
    plot_waveform,
    row_names,
    write_seconds,
)
from dmin.report import style
from dmin.report.footage import film_height, plot_film
from dmin.report.rows import INNER, stack_rows

Modality = Literal["picture", "sound"]

MOST_CARDS = 5
_MODALITIES: tuple[Modality, Modality] = ("picture", "sound")
_CARD, _GAP, _PICTURE = 1.12, 0.1, 0.62
"""Inches: a card's width, the space between two, and its picture's height where the clip has no frames."""
_CHART = MOST_CARDS * (_CARD + _GAP) + 0.25
"""Inches from the left to the chart of all weights."""
_WORDS, _ROOM, _HEADS = 0.38, 0.12, 0.4
"""Inches: two lines of words, space between attentions, and the row of heads with the times above it."""


@dataclass(frozen=True, eq=False)
class Attended:
    """Weights of all seconds in one attention."""

    name: str
    weights: NDArray[np.floating] = field(repr=False)
    """[2 T], at least 0, of any scale: first the query's own modality, then the other, as in eq. 11."""


@dataclass(frozen=True, eq=False)
class QuerySecond:
    """A clip, one second of it that asks, and what attentions answer."""

    title: str
    about: str
    """A line under the title."""
    second: int
    """Index of the query second, from 0."""
    modality: Modality
    """The modality that asks."""
    truth: tuple[Label, ...]
    """T labels, None for background."""
    attentions: tuple[Attended, ...]
    """From the top."""
    frames: NDArray[np.uint8] | None = field(default=None, repr=False)
    """[T, H, W, 3], one a second."""
    waveform: NDArray[np.floating] | None = field(default=None, repr=False)
    """[T, S] in -1..1, S samples a second."""
    categories: tuple[str, ...] = ()
    """The model's, in its order: they choose the colours."""

    def __post_init__(self) -> None:
        check_clip(self.truth, self.frames, self.waveform)
        row_names(attended.name for attended in self.attentions)
        seconds = len(self.truth)
        if self.modality not in _MODALITIES:
            raise DminError(f"modality is {self.modality!r}: must be {' or '.join(map(repr, _MODALITIES))}")
        if not 0 <= self.second < seconds:
            raise DminError(f"second is {self.second}: must be 0 to {seconds - 1}")
        for attended in self.attentions:
            weights = attended.weights
            if weights.shape != (2 * seconds,):
                got = list(weights.shape)
                raise DminError(f"weights of {attended.name} are {got}: must be [2 T] with T = {seconds}")
            if not np.isfinite(weights).all() or weights.min() < 0 or not weights.sum() > 0:
                raise DminError(f"weights of {attended.name} must be at least 0, and one of them more")


@dataclass(frozen=True)
class Place:
    """One attended second."""

    modality: Modality
    second: int
    share: float
    """Of the whole attention, 0 to 1."""


def attended_figure(query: QuerySecond) -> Figure:
    """The clip with the second that asks, then for each attention the five seconds it weighs most, and all weights."""
    names = row_names(attended.name for attended in query.attentions)
    film = None if query.frames is None else clip_film(query.frames)
    card = _PICTURE if query.frames is None else min(0.9, _CARD * query.frames.shape[1] / query.frames.shape[2])
    heights = {} if film is None else {"picture": film_height(film, INNER, 0.9)}
    heights |= ({} if query.waveform is None else {"sound": 0.5}) | {"truth": TRUTH_HEIGHT, "": _HEADS}
    heights |= dict.fromkeys(names, card + _WORDS + TRUTH_HEIGHT + _ROOM)
    figure, rows = stack_rows(heights, query.title, style.shorten(query.about, 110))
    for name, ax in rows.items():
        for text in ax.texts:
            style.plain(text).set_y(1 - (_ROOM + card / 2) / heights[name] if name in names else 0.5)
    if film is not None:
        plot_film(film, rows["picture"])
    if query.waveform is not None:
        plot_waveform(query.waveform, rows["sound"])
    known = known_categories(query.categories, query.truth)
    plot_labels(query.truth, rows["truth"], known=known)
    write_seconds(rows["truth"], len(query.truth))
    _write_heads(rows[""])
    _frame_query(query, rows)
    most = max(place.share for attended in query.attentions for place in strongest(query, attended))
    for name, attended in zip(names, query.attentions, strict=True):
        ax = _inch_axes(rows[name], heights[name])
        chosen = strongest(query, attended)
        for number, place in enumerate(chosen):
            _draw_card(query, place, number * (_CARD + _GAP), card, known, ax)
        _draw_weights(query, places(query, attended), chosen, most, heights[name], ax)
    return figure


def places(query: QuerySecond, attended: Attended) -> list[Place]:
    """All 2 T seconds with their shares of the whole attention, the picture's first."""
    seconds = len(query.truth)
    shares = (attended.weights / attended.weights.sum()).astype(np.float64)
    own, other = shares[:seconds], shares[seconds:]
    pairs = (own, other) if query.modality == "picture" else (other, own)
    return [
        Place(modality, second, float(share))
        for modality, half in zip(_MODALITIES, pairs, strict=True)
        for second, share in enumerate(half)
    ]


def strongest(query: QuerySecond, attended: Attended) -> list[Place]:
    """The seconds of both modalities that weigh most, the heaviest first; of equal ones the earlier comes first."""
    return sorted(places(query, attended), key=lambda place: -place.share)[:MOST_CARDS]


def _inch_axes(ax: Axes, height: float) -> Axes:
    """A row to draw in by inches, from its lower left corner."""
    style.dress(ax)
    ax.set(xlim=(0, INNER), ylim=(0, height), xticks=[], yticks=[])
    return ax


def _write_heads(ax: Axes) -> None:
    """Labels below them, left and right."""
    ax.set_axis_off()
    ax.set(xlim=(0, INNER), ylim=(0, 1), xticks=[], yticks=[])
    heads = ((0.0, f"the {MOST_CARDS} seconds that weigh most, and their truth"), (_CHART, "all seconds, query marked"))
    for left, words in heads:
        ax.text(left, 0.0, words, va="bottom", fontsize=style.SMALL, color=style.MUTED)


def _frame_query(query: QuerySecond, rows: Mapping[str, Axes]) -> None:
    """A frame around the second that asks."""
    ax = rows.get(query.modality, rows["truth"])
    box = Rectangle(
        (query.second, 0), 1, 1, transform=ax.get_xaxis_transform(), fill=False, edgecolor=style.SECOND, linewidth=2.8,
        clip_on=False, zorder=6,
    )  # fmt: skip
    ax.add_patch(box)
    text = ax.text(1.008, 0.5, "framed:\nthe query", transform=ax.transAxes, va="center", linespacing=1.1)
    text.set(fontsize=style.SMALL, color=style.INK)


def _draw_card(query: QuerySecond, place: Place, left: float, height: float, known: tuple[str, ...], ax: Axes) -> None:
    """From the top: the second's picture or sound, its weight, which second it is, and its true label."""
    _draw_label_of(query, place, left, known, ax)
    low = TRUTH_HEIGHT + _WORDS
    width, middle = _CARD, left + _CARD / 2
    if place.modality == "picture" and query.frames is not None:
        frame = query.frames[place.second]
        width = min(_CARD, height * frame.shape[1] / frame.shape[0])
        box = (middle - width / 2, middle + width / 2, low, low + height)
        ax.imshow(frame, extent=box, aspect="auto", interpolation="antialiased")
        ax.set(xlim=(0, INNER))
    elif place.modality == "sound" and query.waveform is not None:
        samples = query.waveform[place.second] / loudest_of(query.waveform)
        draw_waveform(ax, samples, (left, low + height / 2), _CARD, 0.46 * height)
    else:
        words = f"{'frames' if place.modality == 'picture' else 'sound'} missing"
        ax.text(middle, low + height / 2, words, ha="center", va="center", fontsize=style.SMALL, color=style.MUTED)
    rim = Rectangle((middle - width / 2, low), width, height, fill=False, edgecolor=style.ACCENT, linewidth=2.0)
    rim.set(zorder=4, clip_on=False)
    ax.add_patch(rim)


def _draw_label_of(query: QuerySecond, place: Place, left: float, known: tuple[str, ...], ax: Axes) -> None:
    draw_label(ax, query.truth[place.second], (left, 0), (_CARD, TRUTH_HEIGHT), known)
    which = f"{place.modality} {place.second}–{place.second + 1} s"
    for words, above, weight in ((f"{100 * place.share:.1f} %", 0.28, "bold"), (which, 0.11, "normal")):
        text = ax.text(left + _CARD / 2, TRUTH_HEIGHT + above, words, ha="center", va="center", fontsize=style.SMALL)
        text.set(color=style.INK, fontweight=weight)


def _draw_weights(
    query: QuerySecond, all_places: list[Place], chosen: list[Place], most: float, height: float, ax: Axes
) -> None:
    """A bar a second, the picture's upwards and the sound's downwards, and each modality's sum at the right."""
    seconds = len(all_places) // 2
    width, middle = (INNER - _CHART) / seconds, height / 2
    reach = height / 2 - 0.1
    for modality, way, words_at in (("picture", 1, 0.75), ("sound", -1, 0.25)):
        own = [place for place in all_places if place.modality == modality]
        ax.bar(
            [_CHART + place.second * width for place in own], [way * reach * place.share / most for place in own],
            0.86 * width, bottom=middle, align="edge", label=modality, zorder=2,
            color=[style.ACCENT if place in chosen else style.LINE for place in own],
        )  # fmt: skip
        words = f"{modality}\n{100 * sum(place.share for place in own):.0f} %"
        text = ax.text(1.008, words_at, words, transform=ax.transAxes, va="center", linespacing=1.1)
        text.set(fontsize=style.SMALL, color=style.INK)
    ax.plot([_CHART, INNER], [middle, middle], color=style.MUTED, linewidth=0.8, zorder=3)
    left = _CHART + query.second * width
    ax.plot([left, left + 0.86 * width], [middle, middle], color=style.SECOND, linewidth=3.2, zorder=4)
    ax.set(xlim=(0, INNER), ylim=(0, height))
