"""The frame that pictures along time share: a title, then rows one above the other, all with the same time axis."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dmin.report import style

WIDTH = 11.0
LEFT, RIGHT = 1.4, 0.95
INNER = WIDTH - LEFT - RIGHT
_TITLE, _FOOT, _GAP = 0.78, 0.42, 0.12


def stack_rows(heights: Mapping[str, float], title: str, about: str, unnamed: str = "") -> dict[str, Axes]:
    """Begin a picture.

    Args:
        heights: Name and height in inches of each row, from the top.
        title: In large type.
        about: A line under it.
        unnamed: A row whose name is not written beside it.

    Returns:
        The rows' axes by name; `figure_of` gives their picture.
    """
    total = _TITLE + sum(heights.values()) + _GAP * (len(heights) - 1) + _FOOT
    figure = Figure(figsize=(WIDTH, total), dpi=style.DOTS_PER_INCH, facecolor=style.PAPER)
    FigureCanvasAgg(figure)
    left = LEFT / WIDTH
    heading = figure.text(left, 1 - 0.34 / total, title, fontsize=style.LARGE, color=style.INK, va="center")
    style.plain(heading).set_fontweight("bold")
    style.plain(figure.text(left, 1 - 0.62 / total, about, fontsize=style.NORMAL, color=style.MUTED, va="center"))
    rows: dict[str, Axes] = {}
    top = total - _TITLE
    for name, height in heights.items():
        rows[name] = figure.add_axes((left, (top - height) / total, INNER / WIDTH, height / total), label=name)
        if name != unnamed:
            _write_row_name(rows[name], name)
        top -= height + _GAP
    return rows


def figure_of(rows: Mapping[str, Axes]) -> Figure:
    """The picture that rows belong to."""
    figure = next(iter(rows.values())).get_figure(root=True)
    assert isinstance(figure, Figure)  # `stack_rows` put them there
    return figure


def _write_row_name(ax: Axes, name: str) -> None:
    ax.text(
        -0.1 / INNER, 0.5, name, transform=ax.transAxes, ha="right", va="center",
        color=style.MUTED, fontsize=style.NORMAL,
    )  # fmt: skip
