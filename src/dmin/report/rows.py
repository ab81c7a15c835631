"""The frame that pictures along time share: a title, then rows one above the other, all with the same time axis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike

from dmin.report import style

_WIDTH = 11.0
_LEFT, _RIGHT = 1.4, 0.95
INNER = _WIDTH - _LEFT - _RIGHT
_TITLE, _FOOT, _GAP = 0.78, 0.42, 0.12
_TITLE_CHARACTERS = 64
MOST_STEPS = 400
"""A line with more steps than this is a black band: longer recordings show their scores as area alone."""
_TICK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOST_TICKS = 13


def stack_rows(
    heights: Mapping[str, float], title: str, about: str, unnamed: str = ""
) -> tuple[Figure, dict[str, Axes]]:
    """Begin a picture.

    Args:
        heights: Name and height in inches of each row, from the top.
        title: In large type, shortened to one line.
        about: A line under it.
        unnamed: A row whose name is not written beside it.

    Returns:
        The picture, and the axes of its rows by name.
    """
    total = _TITLE + sum(heights.values()) + _GAP * (len(heights) - 1) + _FOOT
    figure = Figure(figsize=(_WIDTH, total), dpi=style.DOTS_PER_INCH, facecolor=style.PAPER)
    FigureCanvasAgg(figure)
    left = _LEFT / _WIDTH
    heading = figure.text(left, 1 - 0.34 / total, style.shorten(title, _TITLE_CHARACTERS), fontsize=style.LARGE)
    style.plain(heading).set(color=style.INK, va="center", fontweight="bold")
    style.plain(figure.text(left, 1 - 0.62 / total, about, fontsize=style.NORMAL, color=style.MUTED, va="center"))
    rows: dict[str, Axes] = {}
    top = total - _TITLE
    for name, height in heights.items():
        ax = figure.add_axes((left, (top - height) / total, INNER / _WIDTH, height / total), label=name)
        if name != unnamed:
            text = ax.text(-0.1 / INNER, 0.5, name, transform=ax.transAxes, ha="right", va="center")
            style.plain(text).set(color=style.MUTED, fontsize=style.NORMAL)
        rows[name] = ax
        top -= height + _GAP
    return figure, rows


def dress_row(ax: Axes, duration_seconds: float, bottom: float = 0, top: float = 1, *, frame: bool = False) -> None:
    """Give a row its time axis, without ticks."""
    style.dress(ax, frame=frame)
    ax.set(xlim=(0, duration_seconds), ylim=(bottom, top))
    ax.xaxis.set_major_locator(NullLocator())
    ax.yaxis.set_major_locator(NullLocator())


def dress_scores(ax: Axes, duration_seconds: float) -> None:
    """Give a row its time axis, and at the right a scale from 0 to 1."""
    dress_row(ax, duration_seconds, top=1.02, frame=True)
    ax.yaxis.tick_right()
    ax.set_yticks([0, 1])


def plot_steps(ax: Axes, edges: ArrayLike, values: ArrayLike) -> None:
    """Fill the area under steps, with a line on top unless that would blacken it.

    Args:
        ax: Axes to draw in.
        edges: [T + 1] in seconds.
        values: [T + 1], the last one twice.
    """
    few = np.size(edges) <= MOST_STEPS + 1
    ax.fill_between(edges, values, step="post", color=style.LINE, alpha=0.6 if few else 1.0, linewidth=0)
    if few:
        ax.step(edges, values, where="post", color=style.INK, linewidth=1.0)


def write_end(ax: Axes, words: str, height: float = 0.5) -> Text:
    """Write words behind a row's right end, with their middle at a share of its height."""
    text = ax.text(1.008, height, words, transform=ax.transAxes, va="center", fontsize=style.SMALL, color=style.INK)
    if "\n" in words:
        text.set_linespacing(1.1)
    return style.plain(text)


def write_times(ax: Axes, duration_seconds: float) -> None:
    """Write round times along the x-axis, in the unit that the duration asks for."""
    ax.spines["bottom"].set_visible(True)
    ax.xaxis.set_major_locator(FixedLocator(round_times(duration_seconds)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: style.clock(round(x, 3), duration_seconds)))


def round_times(duration_seconds: float) -> list[float]:
    """Times for the ticks of an axis, in seconds.

    Example:
        >>> round_times(3600.0)[:3]
        [0, 300, 600]
    """
    step = next((step for step in _TICK_STEPS if duration_seconds / step <= _MOST_TICKS), duration_seconds / 10)
    return [i * step for i in range(int(duration_seconds / step + 1e-6) + 1)]
