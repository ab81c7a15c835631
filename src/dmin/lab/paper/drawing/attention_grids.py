"""Draws the attention of every second to all others (the paper's Fig. 10 b, c): a grid of T x 2T weights for each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.lab.paper.drawing.attended_seconds import Modality
from dmin.lab.paper.drawing.second_lanes import TRUTH_HEIGHT, Label, check_clip, plot_labels, row_names
from dmin.report import style
from dmin.report.rows import stack_rows

_ROW, _LEAST, _MOST = 0.17, 1.0, 2.2
"""Inches: a second's row in a grid, and a grid's height at least and at most."""
_KEYS = 0.2
"""Inches of the row of heads."""
_MOST_TICKS = 12


@dataclass(frozen=True, eq=False)
class AttentionGrid:
    """Weights of all seconds in one attention, for each query second."""

    name: str
    weights: NDArray[np.floating] = field(repr=False)
    """[T, 2 T], at least 0, of any scale: keys of the queries' own modality first, then those of the other (eq. 11)."""


@dataclass(frozen=True, eq=False)
class ClipGrids:
    """A clip, and attentions whose queries are all of its seconds."""

    title: str
    about: str
    """A line under the title."""
    modality: Modality
    """The modality that asks."""
    truth: tuple[Label, ...]
    """T labels, None for background."""
    attentions: tuple[AttentionGrid, ...]
    """From the top."""
    categories: tuple[str, ...] = ()
    """The model's, in its order: they choose the colours."""

    def __post_init__(self) -> None:
        check_clip(self.truth)
        row_names(grid.name for grid in self.attentions)
        seconds = len(self.truth)
        if self.modality not in ("picture", "sound"):
            raise DminError(f"modality is {self.modality!r}: must be 'picture' or 'sound'")
        for grid in self.attentions:
            if grid.weights.shape != (seconds, 2 * seconds):
                got = list(grid.weights.shape)
                raise DminError(f"weights of {grid.name} are {got}: must be [T, 2 T] with T = {seconds}")
            if not np.isfinite(grid.weights).all() or grid.weights.min() < 0:
                raise DminError(f"weights of {grid.name} have values below 0 or no numbers: must be at least 0")


def grids_figure(clip: ClipGrids) -> Figure:
    """Draw a grid per attention: a row per query, a column per key below its truth; the own modality's left."""
    names = row_names(grid.name for grid in clip.attentions)
    seconds = len(clip.truth)
    height = min(max(_ROW * seconds, _LEAST), _MOST)
    heights = {"": _KEYS, "truth": TRUTH_HEIGHT} | dict.fromkeys(names, height)
    figure, rows = stack_rows(heights, clip.title, style.shorten(clip.about, 110))
    for text in (text for ax in rows.values() for text in ax.texts):
        style.plain(text)
    _write_heads(clip.modality, rows[""])
    plot_labels([*clip.truth, *clip.truth], rows["truth"], known=clip.categories)
    rows["truth"].axvline(seconds, color=style.INK, linewidth=1.2)
    for name, grid in zip(names, clip.attentions, strict=True):
        plot_grid(grid.weights, rows[name])
    _write_keys(rows[names[-1]], seconds)
    return figure


def row_shares(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each query's weights over its largest one, as the paper's figure has them; 0 where a row is all 0.

    Args:
        weights: [T, 2 T].

    Example:
        >>> row_shares(np.array([[1.0, 4.0]])).tolist()
        [[0.25, 1.0]]
    """
    largest = weights.max(1, keepdims=True).astype(np.float64)
    shares: NDArray[np.float64] = weights / np.where(largest > 0, largest, 1.0)
    return shares


def plot_grid(weights: NDArray[np.floating], ax: Axes | None = None) -> Axes:
    """A grid of weights [T, 2 T], each row over its largest, with the rows' seconds and the halves' mean shares.

    Returns:
        The axes that were given, or new ones.
    """
    ax = style.dress(ax or style.new_axes(11, 2.4), frame=True)
    seconds = len(weights)
    ax.imshow(
        row_shares(weights), cmap=style.SHARE_COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="nearest",
        extent=(0, 2 * seconds, seconds, 0),
    )  # fmt: skip
    ax.axvline(seconds, color=style.INK, linewidth=1.2)
    step = -(-seconds // 5)
    ax.set_yticks(
        [second + 0.5 for second in range(0, seconds, step)], [str(second) for second in range(0, seconds, step)]
    )
    ax.yaxis.tick_right()
    ax.tick_params(axis="y", length=0, labelsize=style.SMALL)
    ax.set_xticks([])
    totals = weights.sum(1)
    asking = totals > 0
    own = float((weights[asking, :seconds].sum(1) / totals[asking]).mean()) if asking.any() else 0.0
    words = f"own\n{100 * own:.0f} %\nother\n{100 * (1 - own):.0f} %"
    text = ax.text(1.034, 0.5, words, transform=ax.transAxes, va="center", linespacing=1.2)
    text.set(fontsize=style.SMALL, color=style.INK)
    return ax


def _write_heads(modality: Modality, ax: Axes) -> None:
    """Labels of the keys on the left and on the right."""
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    other = "sound" if modality == "picture" else "picture"
    for left, words in ((0.0, f"keys of its own modality: {modality}"), (0.5, f"keys of the other modality: {other}")):
        ax.text(left, 0.2, words, fontsize=style.SMALL, color=style.MUTED, va="bottom")


def _write_keys(ax: Axes, seconds: int) -> None:
    """Times of the keys under the last grid: both halves start at 0."""
    step = -(-seconds // (_MOST_TICKS // 2))
    starts = list(range(0, seconds, step))
    places = [half * seconds + start + 0.5 for half in (0, 1) for start in starts]
    ax.set_xticks(places, [f"{start} s" for start in starts] * 2)
    ax.tick_params(axis="x", length=0, labelsize=style.SMALL, labelcolor=style.INK)
