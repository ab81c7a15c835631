"""A table that was run, as a picture: a panel per column, a row per system, ours with intervals, the paper's beside."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from dmin.lab.paper import words
from dmin.lab.paper.results import ColumnResult, Reproduction
from dmin.report import style

_NAME_CHARACTERS = 24
_PANEL_INCHES = 5.2
_ROW_INCHES = 0.3
_PANELS_A_LINE = 2
_DASHED = (0, (4, 3))
_BAR, _DOT, _RUN, _DIAMOND = 2.2, 7.0, 3.4, 5.0
"""Points: width of an interval's line, sizes of the marks of a mean, of a run, and of what was published."""


def table_picture(reproduction: Reproduction) -> Figure:
    """Draw a table: panels in lines of two, with one legend; those of one line share the names at the left."""
    panels = [reproduction.of_column(name) for name in words.column_names(reproduction)]
    across = min(_PANELS_A_LINE, len(panels))
    down = -(-len(panels) // across)
    height = 0.6 + down * (1.0 + _ROW_INCHES * max(map(len, panels)))
    figure = Figure(figsize=(1.6 + across * _PANEL_INCHES, height), layout="constrained", facecolor=style.PAPER)
    for place, results in enumerate(panels):
        ax = figure.add_subplot(down, across, place + 1)
        plot_column(results, ax)
        neighbour = panels[place - 1] if place % across else []
        if list(map(words.marked_name, neighbour)) == list(map(words.marked_name, results)):
            ax.tick_params(axis="y", labelleft=False)
    figure.legend(
        handles=_legend(reproduction, panels), loc="outside lower left", ncols=5, frameon=False,
        fontsize=style.SMALL, labelcolor=style.INK, handlelength=1.8, columnspacing=1.6,
    )  # fmt: skip
    return figure


def plot_column(results: Sequence[ColumnResult], ax: Axes) -> None:
    """Draw a row per system from the top: a line over its interval, a dot at its mean, small dots for several runs.

    What was published is a hollow diamond, the best prior a line through all rows; all numbers are percent. The row
    that the table sets in bold has the accent's colour.
    """
    style.dress(ax)
    ax.spines["bottom"].set_visible(True)
    winner = words.winner(results)
    for place, result in enumerate(results):
        colour = style.ACCENT if winner in (None, place) else style.MUTED
        if result.interval is not None:
            ends = [100 * end for end in result.interval.bounds]
            ax.plot(ends, (place, place), color=colour, linewidth=_BAR, solid_capstyle="butt", zorder=2)
        runs = _runs(result)
        ax.plot(runs, [place] * len(runs), "o", markersize=_RUN, color=_pale(colour), mew=0, zorder=3)
        ax.plot(100 * result.mean, place, "o", markersize=_DOT, color=colour, markeredgecolor=style.PAPER, zorder=4)
        if result.paper_percent is not None:
            ax.plot(
                result.paper_percent, place, "D", markersize=_DIAMOND, color=style.PAPER, mec=style.SECOND, zorder=5
            )
    ax.axvline(100 * results[0].priors[_prior(results)], color=style.MUTED, linewidth=0.9, linestyle=_DASHED, zorder=1)
    style.name_rows(ax, [style.shorten(words.marked_name(result), _NAME_CHARACTERS) for result in results])
    low, high = ax.get_xlim()
    ax.set_xticks([tick for tick in MaxNLocator(6, integer=True).tick_values(low, high) if low <= tick <= high])
    style.grid(ax, "x")
    ax.set_xlabel("%", color=style.MUTED, fontsize=style.SMALL)
    style.plain(ax.set_title(results[0].heading, loc="left", fontsize=style.NORMAL, color=style.INK))


def _runs(result: ColumnResult) -> list[float]:
    """Percent of each run, if there are several."""
    return [100 * seed.accuracy.value for seed in result.seeds] if len(result.seeds) > 1 else []


def _prior(results: Sequence[ColumnResult]) -> str:
    """Name of a column's best prior."""
    return max(results[0].priors, key=lambda name: results[0].priors[name])


def _pale(colour: str) -> str:
    """Colour of single runs."""
    return style.blend(colour, style.PAPER, 0.45)


def _legend(reproduction: Reproduction, panels: Sequence[Sequence[ColumnResult]]) -> list[Line2D]:
    """Legend of what is drawn, and of nothing else."""
    handles = [Line2D([], [], color=style.ACCENT, linewidth=_BAR, marker="o", ms=_DOT, label="mean and 95 % interval")]
    if any(map(_runs, reproduction.columns)):
        handles.append(Line2D([], [], color=_pale(style.ACCENT), ls="none", marker="o", ms=_RUN, label="one run"))
    if any(result.paper_percent is not None for result in reproduction.columns):
        published = "the paper's figure" if reproduction.setting.on_ave else "the paper's figure, on AVE"
        handles.append(Line2D([], [], color=style.PAPER, ls="none", marker="D", ms=_DIAMOND, label=published))
        handles[-1].set_markeredgecolor(style.SECOND)
    priors = [words.PRIORS[name] for name in dict.fromkeys(map(_prior, panels))]
    return handles + [Line2D([], [], color=style.MUTED, linewidth=0.9, ls=_DASHED, label=prior) for prior in priors]
