"""Draws the attention of a clip's pictures to all of its seconds (the paper's Fig. 10): of one second, and of every."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.lab.paper.drawing.clips import (
    TRUTH_HEIGHT,
    Attention,
    Clip,
    draw_label,
    draw_waveform,
    film_of,
    frame_seconds,
    known_categories,
    loudest_of,
    plot_labels,
    plot_waveform,
    row_names,
    stack_clip,
    write_seconds,
)
from dmin.report import style
from dmin.report.footage import film_height, plot_film
from dmin.report.rows import INNER, dress_row, write_end

_MOST_CARDS = 5
_CARD, _GAP, _PICTURE = 1.12, 0.1, 0.62
"""Inches: a card's width, the space between two, and its picture's height where the clip has no frames."""
_CHART = _MOST_CARDS * (_CARD + _GAP) + 0.25
"""Inches from the left to the chart of all weights."""
_WORDS, _ROOM, _HEADS = 0.38, 0.12, 0.4
"""Inches: two lines of words, space between attentions, and the row of heads with the times above it."""
_GRID_ROW, _LEAST_GRID, _MOST_GRID, _GRID_HEADS = 0.17, 1.0, 2.2, 0.2
"""Inches: a second's row in a grid, a grid's height at least and at most, and the row of heads."""
_MOST_TICKS = 12


@dataclass(frozen=True)
class Place:
    """One attended second."""

    modality: Literal["picture", "sound"]
    second: int
    share: float
    """Of the whole attention, 0 to 1."""


def attended_figure(clip: Clip, second: int, attentions: Sequence[Attention]) -> Figure:
    """Draw the clip with the second that asks, then for each attention its five heaviest seconds, and all weights.

    Args:
        clip: The clip.
        second: Index of the second whose picture asks, from 0.
        attentions: From the top; as `grids_figure` takes them.

    Raises:
        DminError: The second is outside of the clip, or an attention does not fit or gives it no weights.
    """
    names = _checked_names(clip, attentions)
    if not 0 <= second < len(clip.truth):
        raise DminError(f"second is {second}: must be 0 to {len(clip.truth) - 1}")
    for attention in attentions:
        if not attention.weights[second].sum() > 0:
            raise DminError(f"weights of {attention.name} must be at least 0, and one of them more")
    film = None if clip.frames is None else film_of(clip.frames)
    card = _PICTURE if clip.frames is None else min(0.9, _CARD * clip.frames.shape[1] / clip.frames.shape[2])
    height = card + _WORDS + TRUTH_HEIGHT + _ROOM
    heights = {} if film is None else {"picture": film_height(film, INNER, 0.9)}
    heights |= ({} if clip.waveform is None else {"sound": 0.5}) | {"truth": TRUTH_HEIGHT, "": _HEADS}
    figure, rows = stack_clip(clip, heights | dict.fromkeys(names, height))
    if film is not None:
        plot_film(film, rows["picture"])
    if clip.waveform is not None:
        plot_waveform(clip.waveform, rows["sound"])
    known = known_categories(clip.categories, clip.truth)
    plot_labels(clip.truth, rows["truth"], known)
    write_seconds(rows["truth"], len(clip.truth))
    heads = {0.0: f"the {_MOST_CARDS} seconds that weigh most, and their truth", _CHART: "all seconds, query marked"}
    _write_heads(rows[""], {inches / INNER: words for inches, words in heads.items()})
    asking = rows.get("picture", rows["truth"])
    frame_seconds(asking, second, 1, style.SECOND, 2.8)
    write_end(asking, "framed:\nthe query")
    all_places = {name: places(one.weights[second]) for name, one in zip(names, attentions, strict=True)}
    most = max(place.share for found in all_places.values() for place in found)
    for name, found in all_places.items():
        rows[name].texts[0].set_y(1 - (_ROOM + card / 2) / height)
        dress_row(rows[name], INNER, top=height)  # inches, from the lower left corner
        chosen = strongest(found)
        for number, place in enumerate(chosen):
            _draw_card(clip, place, number * (_CARD + _GAP), card, known, rows[name])
        _draw_weights(found, chosen, second, most, rows[name])
    return figure


def grids_figure(clip: Clip, attentions: Sequence[Attention]) -> Figure:
    """Draw a grid per attention: a row per asking second, a column per key below its truth, the pictures' left.

    Args:
        clip: The clip.
        attentions: From the top; weights [T, 2 T] of each picture to all pictures, then to all sounds (eq. 11).

    Raises:
        DminError: An attention does not fit.
    """
    names = _checked_names(clip, attentions)
    seconds = len(clip.truth)
    height = min(max(_GRID_ROW * seconds, _LEAST_GRID), _MOST_GRID)
    figure, rows = stack_clip(clip, {"": _GRID_HEADS, "truth": TRUTH_HEIGHT} | dict.fromkeys(names, height))
    heads = {0.0: "keys of its own modality: picture", 0.5: "keys of the other modality: sound"}
    _write_heads(rows[""], heads, 0.2)
    plot_labels([*clip.truth, *clip.truth], rows["truth"], clip.categories)
    rows["truth"].axvline(seconds, color=style.INK, linewidth=1.2)
    for name, attention in zip(names, attentions, strict=True):
        plot_grid(attention.weights, rows[name])
    starts = range(0, seconds, -(-seconds // (_MOST_TICKS // 2)))  # both halves of the keys start at 0
    places = [half * seconds + start + 0.5 for half in (0, 1) for start in starts]
    rows[names[-1]].set_xticks(places, [f"{start} s" for start in starts] * 2)
    rows[names[-1]].tick_params(axis="x", length=0, labelsize=style.SMALL, labelcolor=style.INK)
    return figure


def _checked_names(clip: Clip, attentions: Sequence[Attention]) -> list[str]:
    """Names of attentions as they stand beside rows.

    Raises:
        DminError: An attention does not fit the clip.
    """
    seconds = len(clip.truth)
    for one in attentions:
        if one.weights.shape != (seconds, 2 * seconds):
            got = list(one.weights.shape)
            raise DminError(f"weights of {one.name} are {got}: must be [T, 2 T] with T = {seconds}")
        if not np.isfinite(one.weights).all() or one.weights.min() < 0:
            raise DminError(f"weights of {one.name} have values below 0 or no numbers: must be at least 0")
    return row_names(one.name for one in attentions)


def _write_heads(ax: Axes, heads: Mapping[float, str], height: float = 0.0) -> None:
    """Write words at shares of a row's width, at a share of its height."""
    ax.set_axis_off()
    for left, words in heads.items():
        ax.text(left, height, words, transform=ax.transAxes, va="bottom", fontsize=style.SMALL, color=style.MUTED)


def places(weights: NDArray[np.floating]) -> list[Place]:
    """All seconds with their shares of one second's weights [2 T], the pictures first."""
    seconds = len(weights) // 2
    shares = (weights / weights.sum()).tolist()
    return [Place("picture" if i < seconds else "sound", i % seconds, share) for i, share in enumerate(shares)]


def strongest(found: Sequence[Place]) -> list[Place]:
    """The seconds of both modalities that weigh most, the heaviest first; of equal ones the earlier comes first."""
    return sorted(found, key=lambda place: -place.share)[:_MOST_CARDS]


def _draw_card(clip: Clip, place: Place, left: float, height: float, known: tuple[str, ...], ax: Axes) -> None:
    """Draw, from the top, the second's picture or sound, its weight, its modality and time, and its true label."""
    low, width, middle = TRUTH_HEIGHT + _WORDS, _CARD, left + _CARD / 2
    draw_label(ax, clip.truth[place.second], (left, 0), (_CARD, TRUTH_HEIGHT), known)
    span = f"{place.modality} {place.second}–{place.second + 1} s"
    for words, above, weight in ((f"{100 * place.share:.1f} %", 0.28, "bold"), (span, 0.11, "normal")):
        text = ax.text(middle, TRUTH_HEIGHT + above, words, ha="center", va="center", fontsize=style.SMALL)
        text.set(color=style.INK, fontweight=weight)
    if place.modality == "picture" and clip.frames is not None:
        frame = clip.frames[place.second]
        width = min(_CARD, height * frame.shape[1] / frame.shape[0])
        box = (middle - width / 2, middle + width / 2, low, low + height)
        ax.imshow(frame, extent=box, aspect="auto", interpolation="antialiased")
    elif place.modality == "sound" and clip.waveform is not None:
        samples = clip.waveform[place.second] / loudest_of(clip.waveform)
        draw_waveform(ax, samples, (left, low + height / 2), _CARD, 0.46 * height)
    else:
        words = f"{'frames' if place.modality == 'picture' else 'sound'} missing"
        ax.text(middle, low + height / 2, words, ha="center", va="center", fontsize=style.SMALL, color=style.MUTED)
    rim = Rectangle((middle - width / 2, low), width, height, fill=False, edgecolor=style.ACCENT, linewidth=2.0)
    rim.set(zorder=4, clip_on=False)
    ax.add_patch(rim)


def _draw_weights(found: Sequence[Place], chosen: Sequence[Place], query: int, most: float, ax: Axes) -> None:
    """Draw a bar per second, the picture's upwards and the sound's downwards, and each modality's sum at the right."""
    height = ax.get_ylim()[1]
    width, middle, reach = (INNER - _CHART) / (len(found) // 2), height / 2, height / 2 - 0.1
    for modality, way, words_at in (("picture", 1, 0.75), ("sound", -1, 0.25)):
        own = [place for place in found if place.modality == modality]
        ax.bar(
            [_CHART + place.second * width for place in own], [way * reach * place.share / most for place in own],
            0.86 * width, bottom=middle, align="edge", label=modality, zorder=2,
            color=[style.ACCENT if place in chosen else style.LINE for place in own],
        )  # fmt: skip
        write_end(ax, f"{modality}\n{100 * sum(place.share for place in own):.0f} %", words_at)
    ax.plot([_CHART, INNER], [middle, middle], color=style.MUTED, linewidth=0.8, zorder=3)
    left = _CHART + query * width
    ax.plot([left, left + 0.86 * width], [middle, middle], color=style.SECOND, linewidth=3.2, zorder=4)


def plot_grid(weights: NDArray[np.floating], ax: Axes) -> None:
    """Draw a grid of weights [T, 2 T], each row over its largest, with seconds and the mean shares of halves."""
    seconds = len(weights)
    style.dress(ax, frame=True)
    largest = weights.max(1, keepdims=True).astype(np.float64)
    shares = weights / np.where(largest > 0, largest, 1.0)  # as the paper's figure has them
    ax.imshow(
        shares, cmap=style.SHARE_COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="nearest",
        extent=(0, 2 * seconds, seconds, 0),
    )  # fmt: skip
    ax.axvline(seconds, color=style.INK, linewidth=1.2)
    marked = range(0, seconds, -(-seconds // 5))
    ax.set_yticks([second + 0.5 for second in marked], [str(second) for second in marked])
    ax.yaxis.tick_right()
    ax.tick_params(axis="y", length=0, labelsize=style.SMALL)
    ax.set_xticks([])
    totals = weights.sum(1)
    asking = totals > 0
    own = float((weights[asking, :seconds].sum(1) / totals[asking]).mean()) if asking.any() else 0.0
    write_end(ax, f"own\n{100 * own:.0f} %\nother\n{100 * (1 - own):.0f} %").set(x=1.034, linespacing=1.2)
