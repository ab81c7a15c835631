"""Pictures of a cross-modality evaluation: how far answers lie from the truth, and how that depends on the length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from dmin.errors import DminError
from dmin.evaluation import MatchingReport
from dmin.report import style


class LengthFigures(Protocol):
    """Figures of queries of one length."""

    @property
    def seconds(self) -> int:
        """Their length."""

    @property
    def clips(self) -> int:
        """Number of queries."""

    @property
    def exact(self) -> float:
        """Share of them whose window is exact, 0 to 1."""

    @property
    def uniform(self) -> float:
        """The same for windows drawn at random."""


def save_matches(report: MatchingReport, folder: Path) -> None:
    """Draw an evaluation of matching as offsets.png and lengths.png."""
    style.save_axes(plot_offsets([result.offset_seconds for result in report.results]), folder / "offsets.png")
    style.save_axes(plot_lengths(report.lengths), folder / "lengths.png")


def plot_offsets(offsets_seconds: Sequence[int], ax: Axes | None = None) -> Axes:
    """A bar for each distance between answer and truth; exact answers, in the middle, stand out.

    Args:
        offsets_seconds: Predicted minus true start of each clip: below 0 the answer is too early.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones.

    Raises:
        DminError: There are no offsets.
    """
    offsets = np.asarray(offsets_seconds)
    if not offsets.size:
        raise DminError("there are no offsets: give one a clip, at least one")
    reach = max(int(np.abs(offsets).max()), 2)
    places = np.arange(-reach, reach + 1)
    counts = np.array([(offsets == place).sum() for place in places])
    ax = style.dress(ax or style.new_axes(8, 3.6))
    ax.spines["bottom"].set_visible(True)
    colours = [style.ACCENT if place == 0 else style.blend(style.SECOND, style.PAPER, 0.35) for place in places]
    bars = ax.bar(places, counts, 0.82, color=colours, zorder=2)
    ax.bar_label(
        bars, [str(count) if count else "" for count in counts], padding=2, fontsize=style.SMALL, color=style.MUTED
    )
    ax.set_xticks(places, [f"{place:+d}".replace("-", "−") if place else "exact" for place in places])
    ax.set_xlim(-reach - 0.6, reach + 0.6)
    ax.set_ylim(0, 1.12 * counts.max())
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    ax.grid(axis="y", color=style.FAINT)
    ax.set_axisbelow(True)
    words = "seconds by which the answer is too early (−) or too late (+)"
    ax.set_xlabel(words, color=style.MUTED, fontsize=style.NORMAL)
    ax.set_ylabel("clips", color=style.MUTED, fontsize=style.NORMAL)
    exact = 100 * counts[reach] / offsets.size
    title = f"{exact:.0f} % of {offsets.size} clips exact, {np.abs(offsets).mean():.2f} s off on average"
    ax.set_title(title, loc="left", fontsize=style.NORMAL, color=style.INK)
    return ax


def plot_lengths(rows: Sequence[LengthFigures], ax: Axes | None = None) -> Axes:
    """Share of exact windows by length of the query, beside what chance gives: long queries have few windows.

    Args:
        rows: One for each length, in order.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones.

    Raises:
        DminError: There are no rows.
    """
    if not rows:
        raise DminError("there are no lengths: give one row at least")
    ax = style.dress(ax or style.new_axes(8, 3.6))
    ax.spines["bottom"].set_visible(True)
    places = np.arange(len(rows))
    sides = (
        (-0.2, [row.exact for row in rows], style.ACCENT, "model"),
        (0.2, [row.uniform for row in rows], style.LINE, "any window at random"),
    )
    for shift, values, colour, label in sides:
        bars = ax.bar(places + shift, values, 0.36, color=colour, label=label, zorder=2)
        words = [f"{100 * value:.0f}" for value in values]
        ax.bar_label(bars, words, padding=2, fontsize=style.SMALL, color=style.MUTED)
    ax.set_xticks(places, [f"{row.seconds} s\n{row.clips} clip{'s' * (row.clips != 1)}" for row in rows])
    ax.tick_params(axis="x", length=0)
    ax.set(ylim=(0, 1.08), yticks=[0, 0.25, 0.5, 0.75, 1], xlim=(-0.6, len(rows) - 0.4))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y", color=style.FAINT)
    ax.set_axisbelow(True)
    ax.set_xlabel("length of the query", color=style.MUTED, fontsize=style.NORMAL)
    ax.set_ylabel("exact windows", color=style.MUTED, fontsize=style.NORMAL)
    ax.legend(
        loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, frameon=False,
        fontsize=style.SMALL, labelcolor=style.INK, handlelength=1.0, borderaxespad=0.2,
    )  # fmt: skip
    return ax
