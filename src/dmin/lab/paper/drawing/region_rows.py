"""Draws attention maps of several systems on one clip (the paper's Fig. 9): a row per system, a column per second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.lab.paper.drawing.second_lanes import (
    TRUTH_HEIGHT,
    Label,
    check_clip,
    clip_film,
    plot_labels,
    row_names,
    write_seconds,
)
from dmin.report import style
from dmin.report.footage import film_height, glow, plot_film
from dmin.report.rows import INNER, stack_rows

_LEAST_TOP = 2.0
"""The scale ends here at the earliest: regions with less than twice an even share are not blown up to look decided."""
_HIGHEST, _ALL_ROWS = 1.35, 5.6
"""Inches of one row, and of all together, at most."""
KEY_HEIGHT = 0.22
"""Inches of the row for keys, which reach into the picture's foot."""
_TRUTH, _KEY = "truth", ""


@dataclass(frozen=True, eq=False)
class RegionMaps:
    """Attention map of one system."""

    name: str
    attention: NDArray[np.floating] = field(repr=False)
    """[T, h, w], at least 0, of any scale: only a region's share of its second counts. All 0 is taken as even."""


@dataclass(frozen=True, eq=False)
class ClipRegions:
    """A clip, or seconds of several clips side by side, and where systems look in it."""

    title: str
    about: str
    """A line under the title."""
    truth: tuple[Label, ...]
    """T labels."""
    frames: NDArray[np.uint8] = field(repr=False)
    """[T, H, W, 3], one a second."""
    systems: tuple[RegionMaps, ...]
    """From the top."""
    categories: tuple[str, ...] = ()
    """The model's, in its order: they choose the colours."""
    column_names: tuple[str, ...] = ()
    """Names of the T columns where they are not the seconds of one clip; times by default."""

    def __post_init__(self) -> None:
        check_clip(self.truth, self.frames)
        row_names(system.name for system in self.systems)
        for system in self.systems:
            check_attention(system.name, system.attention, len(self.truth))
        if self.column_names and len(self.column_names) != len(self.truth):
            raise DminError(f"there are {len(self.column_names)} column names for {len(self.truth)} seconds")


def check_attention(name: str, attention: NDArray[np.floating], seconds: int) -> None:
    """Refuse maps that are not [T, h, w] with T = ``seconds``, or not all at least 0.

    Raises:
        DminError: They are so.
    """
    if attention.ndim != 3 or len(attention) != seconds or not attention.size:
        raise DminError(f"attention of {name} is {list(attention.shape)}: must be [T, h, w] with T = {seconds}")
    if not np.isfinite(attention).all() or attention.min() < 0:
        raise DminError(f"attention of {name} has values that are below 0 or no numbers: must be at least 0")


def regions_figure(clip: ClipRegions) -> Figure:
    """The frames, each system's attention over them on one scale, and the truth under each second."""
    names = row_names(system.name for system in clip.systems)
    film = clip_film(clip.frames)
    height = film_height(film, INNER, min(_HIGHEST, _ALL_ROWS / (1 + len(names))))
    heights = {"frames": height} | dict.fromkeys(names, height) | {_TRUTH: TRUTH_HEIGHT, _KEY: KEY_HEIGHT}
    figure, rows = stack_rows(heights, clip.title, style.shorten(clip.about, 110))
    for text in (text for ax in rows.values() for text in ax.texts):
        style.plain(text)
    plot_film(film, rows["frames"])
    maps = [system.attention for system in clip.systems]
    top = scale_top(maps)
    for name, attention in zip(names, maps, strict=True):
        plot_film(clip_film(overlays(clip.frames, attention, top)), rows[name])
    plot_labels(clip.truth, rows[_TRUTH], known=clip.categories)
    if clip.column_names:
        _name_columns(rows[_TRUTH], clip.column_names)
    else:
        write_seconds(rows[_TRUTH], len(clip.truth))
    plot_scale(top, rows[_KEY])
    return figure


def even_shares(attention: NDArray[np.floating]) -> NDArray[np.float64]:
    """Weights [T, h, w] as multiples of what an even attention would give each region; 1 where a map is all 0.

    Example:
        >>> even_shares(np.array([[[0.1, 0.3]], [[0.0, 0.0]]])).round(2).tolist()
        [[[0.5, 1.5]], [[1.0, 1.0]]]
    """
    weights = np.asarray(attention, np.float64)
    mean = weights.mean((1, 2), keepdims=True)
    shares: NDArray[np.float64] = np.where(mean > 0, weights / np.where(mean > 0, mean, 1), 1.0)
    return shares


def scale_top(maps: Sequence[NDArray[np.floating]]) -> float:
    """Multiple of an even share at which the glow of all maps [T, h, w] is full; few regions lie above."""
    shares = np.concatenate([even_shares(attention).ravel() for attention in maps])
    return max(_LEAST_TOP, float(np.quantile(shares, 0.99)))


def overlays(frames: NDArray[np.uint8], attention: NDArray[np.floating], top: float) -> NDArray[np.uint8]:
    """Frames that glow where a region has more than an even share and fade where it has less; even ones are untouched.

    Args:
        frames: [T, H, W, 3].
        attention: [T, h, w].
        top: From `scale_top`: there the glow is full, at its inverse the frame has faded. In between counts how many
            times a share doubles, so twice and half are equally far from even.

    Returns:
        [T, H, W, 3].
    """
    floor = 1 / (2 * top)
    level = np.clip(np.log(np.maximum(even_shares(attention), floor)) / np.log(top), -1, 1)  # [T, h, w]
    pairs = zip(frames, level, strict=True)
    return np.stack([glow(frame, np.maximum(at, 0), np.maximum(-at, 0)) for frame, at in pairs])


def plot_scale(top: float, ax: Axes | None = None) -> Axes:
    """Draw the legend: a strip from the least to the most attention, at the right under a row of `INNER`.

    Returns:
        The axes that were given, or new ones.
    """
    ax = style.dress(ax or style.new_axes(INNER, 0.7))
    ax.set_axis_off()
    level = np.linspace(-1, 1, 121)[None]  # so many that enlarging is smooth
    strip = glow(np.full((8, 484, 3), 160, np.uint8), np.maximum(level, 0), np.maximum(-level, 0))
    left, right, low, high = INNER - 2.9, INNER - 0.45, -0.29, -0.11
    ax.imshow(strip, extent=(left, right, low, high), aspect="auto", clip_on=False)
    ax.set(xlim=(0, INNER), ylim=(0, KEY_HEIGHT), xticks=[], yticks=[])  # inches
    middle = (low + high) / 2
    for place, words, align, ink in (
        (left - 0.08, f"attention of a region, in even shares:   1/{top:.2g}", "right", style.INK),
        ((left + right) / 2, "1", "center", "#000000"),
        (right + 0.08, f"{top:.2g}", "left", style.INK),
    ):
        ax.text(place, middle, words, ha=align, va="center_baseline", fontsize=style.SMALL, color=ink)
    return ax


def _name_columns(ax: Axes, names: Sequence[str]) -> None:
    width = max(6, int(110 / len(names)))
    ax.set_xticks([column + 0.5 for column in range(len(names))], [style.shorten(name, width) for name in names])
    ax.tick_params(axis="x", length=0)
    for text in ax.get_xticklabels():
        style.plain(text)
