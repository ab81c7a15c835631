"""Results of several systems with their intervals: a row per system, a dot per seed, other people's figures beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from dmin.errors import DminError
from dmin.report import style

_NAME_CHARACTERS = 24
_PANEL_INCHES = 5.2
_ROW_INCHES = 0.3
_PANELS_A_LINE = 2
_DASHED = (0, (4, 3))
_BAR, _DOT, _RUN, _DIAMOND = 2.2, 7.0, 3.4, 5.0
"""Points: width of an interval's line, sizes of the marks of a mean, of a run, and of what was published."""


@dataclass(frozen=True)
class IntervalRow:
    """One system; all numbers are percent."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    """Its lower and upper end; None if there is none."""
    runs: tuple[float, ...] = ()
    """Of each run alone."""
    published: float | None = None
    """Published figures."""


@dataclass(frozen=True)
class IntervalPanel:
    """Rows that are compared."""

    title: str
    rows: tuple[IntervalRow, ...] = field(repr=False)
    baseline: tuple[str, float] | None = None
    """Words and percent of an answer that needs no learning: a line through all rows."""
    stands_out: int | None = None
    """The row that is set in the accent's colour."""


def plot_intervals(panel: IntervalPanel, ax: Axes | None = None) -> Axes:
    """A row a system from the top: a line over its interval, a dot at its value, small dots for single runs.

    Args:
        panel: What is compared.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones. What was published elsewhere is a hollow diamond.

    Raises:
        DminError: There are no rows.
    """
    if not panel.rows:
        raise DminError("no rows to draw: give at least one system's result")
    ax = style.dress(ax or style.new_axes(_PANEL_INCHES + 1.5, 1.2 + _ROW_INCHES * len(panel.rows)))
    ax.spines["bottom"].set_visible(True)
    for place, row in enumerate(panel.rows):
        colour = style.ACCENT if panel.stands_out in (None, place) else style.MUTED
        if row.interval is not None:
            ax.plot(row.interval, (place, place), color=colour, linewidth=_BAR, solid_capstyle="butt", zorder=2)
        ax.plot(row.runs, [place] * len(row.runs), "o", markersize=_RUN, color=_pale(colour), mew=0, zorder=3)
        ax.plot(row.value, place, "o", markersize=_DOT, color=colour, markeredgecolor=style.PAPER, zorder=4)
        if row.published is not None:
            ax.plot(row.published, place, "D", markersize=_DIAMOND, color=style.PAPER, mec=style.SECOND, zorder=5)
    if panel.baseline is not None:
        ax.axvline(panel.baseline[1], color=style.MUTED, linewidth=0.9, linestyle=_DASHED, zorder=1)
    ax.set_yticks(range(len(panel.rows)), [style.shorten(row.name, _NAME_CHARACTERS) for row in panel.rows])
    for text in ax.get_yticklabels():
        style.plain(text).set(color=style.INK)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(panel.rows) - 0.5, -0.5)
    low, high = ax.get_xlim()
    ax.set_xticks([tick for tick in MaxNLocator(6, integer=True).tick_values(low, high) if low <= tick <= high])
    ax.grid(axis="x", color=style.FAINT)
    ax.set_axisbelow(True)
    ax.set_xlabel("%", color=style.MUTED, fontsize=style.SMALL)
    style.plain(ax.set_title(panel.title, loc="left", fontsize=style.NORMAL, color=style.INK))
    return ax


def intervals_figure(panels: Sequence[IntervalPanel], published: str) -> Figure:
    """Panels side by side, with one legend.

    Args:
        panels: What is compared; those that stand in one line share the names at the left.
        published: What the hollow diamonds are, for the legend.

    Raises:
        DminError: There are no panels, or one without rows.
    """
    if not panels:
        raise DminError("no panels to draw: give at least one")
    across = min(_PANELS_A_LINE, len(panels))
    down = -(-len(panels) // across)
    height = 0.6 + down * (1.0 + _ROW_INCHES * max(len(panel.rows) for panel in panels))
    figure = Figure(figsize=(1.6 + across * _PANEL_INCHES, height), layout="constrained", facecolor=style.PAPER)
    for place, panel in enumerate(panels):
        ax = plot_intervals(panel, figure.add_subplot(down, across, place + 1))
        neighbour = panels[place - 1] if place % across else None
        if neighbour and [row.name for row in neighbour.rows] == [row.name for row in panel.rows]:
            ax.tick_params(axis="y", labelleft=False)
    figure.legend(
        handles=_legend(panels, published), loc="outside lower left", ncols=5, frameon=False,
        fontsize=style.SMALL, labelcolor=style.INK, handlelength=1.8, columnspacing=1.6,
    )  # fmt: skip
    return figure


def _legend(panels: Sequence[IntervalPanel], published: str) -> list[Line2D]:
    """Of what is drawn, and of nothing else."""
    rows = [row for panel in panels for row in panel.rows]
    line = Line2D(
        [], [], color=style.ACCENT, linewidth=_BAR, marker="o", markersize=_DOT, label="mean and 95 % interval"
    )
    run = Line2D([], [], color=_pale(style.ACCENT), linestyle="none", marker="o", markersize=_RUN, label="one run")
    diamond = Line2D([], [], color=style.PAPER, linestyle="none", marker="D", markersize=_DIAMOND, label=published)
    diamond.set_markeredgecolor(style.SECOND)
    baselines = dict.fromkeys(panel.baseline[0] for panel in panels if panel.baseline)
    return [
        line,
        *([run] if any(row.runs for row in rows) else []),
        *([diamond] if any(row.published is not None for row in rows) else []),
        *(Line2D([], [], color=style.MUTED, linewidth=0.9, linestyle=_DASHED, label=words) for words in baselines),
    ]


def _pale(colour: str) -> str:
    """Of single runs."""
    return style.blend(colour, style.PAPER, 0.45)
