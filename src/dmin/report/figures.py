"""Pictures of a training, and of an evaluation of localization or of matching."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.evaluation import LengthRow, LocalizationReport, MatchingReport
from dmin.report import style

_SERIES_COLOURS = (style.ACCENT, style.SECOND, "#009e73", "#cc79a7")


def save_curves(run: Path) -> None:
    """Draw a run's metrics.csv as curves.png."""
    style.save(plot_curves(run / "metrics.csv"), run / "curves.png")


def save_scores(report: LocalizationReport, folder: Path) -> None:
    """Draw an evaluation as confusion.png and categories.png."""
    size = 3.5 + 0.38 * len(report.names)
    confusion = plot_confusion(report.confusion, report.names, style.new_axes(size, size))
    style.save(confusion, folder / "confusion.png")
    table = {row.category: {"precision": row.precision, "recall": row.recall} for row in report.categories}
    categories = plot_categories(table, style.new_axes(8, 1.5 + 0.4 * len(table)))
    style.save(categories, folder / "categories.png")


def save_matches(report: MatchingReport, folder: Path) -> None:
    """Draw an evaluation of matching as offsets.png and lengths.png."""
    style.save(plot_offsets([result.offset_seconds for result in report.results]), folder / "offsets.png")
    style.save(plot_lengths(report.lengths), folder / "lengths.png")


def plot_confusion(
    matrix: NDArray[np.integer] | NDArray[np.floating], names: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw a confusion matrix: each row's shares in percent, the row's total beside its name.

    Args:
        matrix: [C, C] counts; rows are the truth, columns what was said.
        names: C names, in order.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones.

    Raises:
        DminError: The matrix is not square, or the names are not as many.
    """
    matrix = np.asarray(matrix)
    count = len(names)
    if matrix.shape != (count, count) or not count:
        raise DminError(f"matrix is {list(matrix.shape)} with {count} names: must be [C, C] with C names, C > 0")
    size = 3.2 + 0.36 * count
    ax = style.dress(ax or style.new_axes(size, size))
    totals = matrix.sum(1)
    shares = matrix / np.maximum(totals, 1)[:, None]
    ax.imshow(shares, cmap=style.SHARE_COLOURS, vmin=0, vmax=1)
    ax.set_xticks(range(count), [style.shorten(name, 26) for name in names], rotation=45, ha="right")
    ax.tick_params(axis="x", rotation=45)
    ax.set_yticks(range(count), [f"{style.shorten(name, 26)}  {n:g}" for name, n in zip(names, totals, strict=True)])
    for text in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
        style.plain(text).set(color=style.INK, rotation_mode="anchor")
    ax.tick_params(length=0)
    for edge in np.arange(count - 1) + 0.5:
        ax.axhline(edge, color=style.FAINT, linewidth=0.8)
        ax.axvline(edge, color=style.FAINT, linewidth=0.8)
    for row, column in zip(*np.nonzero(shares), strict=True):
        share = float(shares[row, column])
        ink = style.PAPER if share > 0.55 else style.INK
        words = "<1" if share < 0.005 else f"{100 * share:.0f}"
        ax.text(column, row, words, ha="center", va="center", fontsize=style.SMALL - 1, color=ink)
    _label(ax, "said", "truth, and its seconds")
    ax.set_title("Share of each row, %", loc="left", fontsize=style.NORMAL, color=style.MUTED)
    return ax


def plot_curves(metrics: Mapping[str, Sequence[float]] | str | Path, ax: Axes | None = None) -> Axes:
    """Draw accuracy by epoch, and the losses, thin and dashed, on a scale of their own at the right.

    Args:
        metrics: Columns by name, or a CSV file of them. ``epoch`` is the x-axis; names that hold "accuracy" and
            ``loss``, ``train_loss`` and ``val_loss`` are drawn, parts of losses and others left out.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones; the best validation accuracy is marked.

    Raises:
        DminError: Nothing to draw, columns of unequal length, or an unreadable file.
    """
    columns = _read_csv(Path(metrics)) if isinstance(metrics, (str, Path)) else {k: list(v) for k, v in metrics.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    accuracies = [name for name in columns if "accuracy" in name]
    losses = [name for name in columns if name in {"loss", "train_loss", "val_loss"}]
    if len(set(lengths.values())) > 1:
        raise DminError(f"columns have different lengths ({lengths}): each must have one value per epoch")
    if not accuracies + losses or not max(lengths.values(), default=0):
        raise DminError(f"nothing to draw in the columns {', '.join(columns) or '(none)'}: need an accuracy or a loss")
    epochs = columns.get("epoch") or [float(i + 1) for i in range(max(lengths.values()))]
    ax = style.dress(ax or style.new_axes(9, 4))
    ax.spines["bottom"].set_visible(True)
    marker = "o" if len(epochs) == 1 else None
    for name in accuracies:
        ax.plot(epochs, columns[name], color=_curve_colour(name), linewidth=2.0, label=_words(name), marker=marker)
    ax.set(ylim=(0, 1.02))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    style.grid(ax, "y")
    ax.set_xlabel("epoch", color=style.MUTED, fontsize=style.NORMAL)
    handles = list(ax.lines)
    if losses:
        handles += _plot_losses(ax, epochs, {name: columns[name] for name in losses}, marker)
    handles += _mark_best(ax, epochs, columns.get("val_accuracy", []))
    _legend(ax, handles=handles, ncols=5, handlelength=1.6, columnspacing=1.4)
    return ax


def plot_categories(table: Mapping[str, Mapping[str, float]], ax: Axes | None = None) -> Axes:
    """Draw horizontal bars: a group per category, a bar per measure, each measure in 0..1.

    Args:
        table: ``{"Dog": {"precision": 0.9, "recall": 0.8}, ...}``; drawn in its order from the top.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones.

    Raises:
        DminError: The table is empty, or its categories have different measures.
    """
    measures = list(next(iter(table.values()), {}))
    if not measures or any(list(row) != measures for row in table.values()):
        raise DminError("table is empty or its categories differ in their measures: give each the same ones, in order")
    ax = style.dress(ax or style.new_axes(8, 1.3 + 0.24 * len(measures) * len(table)))
    height = 0.8 / len(measures)
    for place, measure in enumerate(measures):
        values = [row[measure] for row in table.values()]
        rows = np.arange(len(table)) - 0.4 + height * (place + 0.5)
        colour = _SERIES_COLOURS[place % len(_SERIES_COLOURS)]
        bars = ax.barh(rows, values, 0.9 * height, color=colour, label=measure, zorder=2)
        ax.bar_label(bars, [f"{v:.2f}" for v in values], padding=3, fontsize=style.SMALL - 1, color=style.MUTED)
    style.name_rows(ax, [style.wrap(name, 26) for name in table])
    ax.set(xlim=(0, 1.08), xticks=[0, 0.25, 0.5, 0.75, 1])
    style.grid(ax, "x")
    _legend(ax, ncols=len(measures), handlelength=1.0)
    return ax


def plot_offsets(offsets_seconds: Sequence[int], ax: Axes | None = None) -> Axes:
    """Draw a bar for each distance between answer and truth; exact answers, in the middle, stand out.

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
    style.grid(ax, "y")
    words = "seconds by which the answer is too early (−) or too late (+)"
    _label(ax, words, "clips")
    exact = 100 * counts[reach] / offsets.size
    title = f"{exact:.0f} % of {offsets.size} clips exact, {np.abs(offsets).mean():.2f} s off on average"
    ax.set_title(title, loc="left", fontsize=style.NORMAL, color=style.INK)
    return ax


def plot_lengths(rows: Sequence[LengthRow], ax: Axes | None = None) -> Axes:
    """Draw the share of exact windows by length of the query, beside that of windows drawn at random.

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
    style.grid(ax, "y")
    _label(ax, "length of the query", "exact windows")
    _legend(ax, ncols=2, handlelength=1.0)
    return ax


def _plot_losses(
    ax: Axes, epochs: Sequence[float], losses: Mapping[str, Sequence[float]], marker: str | None
) -> list[Line2D]:
    right = style.dress(ax.twinx())
    for name, values in losses.items():
        right.plot(
            epochs, values, color=style.blend(_curve_colour(name), style.PAPER, 0.35), linewidth=1.2,
            linestyle=(0, (4, 2)), label=_words(name), marker=marker,
        )  # fmt: skip
    finite = [value for values in losses.values() for value in values if math.isfinite(value)]
    right.set_ylim(0, 1.05 * max(finite, default=1.0) or 1.0)
    right.set_ylabel("loss (dashed)", color=style.MUTED, fontsize=style.NORMAL)
    ax.set_zorder(right.get_zorder() + 1)
    ax.patch.set_visible(False)
    return list(right.lines)


def _mark_best(ax: Axes, epochs: Sequence[float], values: Sequence[float]) -> list[Line2D]:
    if not any(math.isfinite(value) for value in values):
        return []
    best = int(np.nanargmax(values))
    words = f"best: {100 * values[best]:.1f}% at epoch {epochs[best]:g}"
    return ax.plot(
        epochs[best], values[best], "o", label=words, linestyle="none",
        color=style.SECOND, markersize=8, markeredgecolor=style.PAPER, zorder=5,
    )  # fmt: skip


def _label(ax: Axes, x: str, y: str) -> None:
    """Write words beside the axes."""
    ax.set_xlabel(x, color=style.MUTED, fontsize=style.NORMAL)
    ax.set_ylabel(y, color=style.MUTED, fontsize=style.NORMAL)


def _legend(ax: Axes, **options: Any) -> None:
    """Write a legend in lines above the axes."""
    ax.legend(
        loc="lower left", bbox_to_anchor=(-0.01, 1.0), frameon=False, fontsize=style.SMALL, labelcolor=style.INK,
        borderaxespad=0.2, **options,
    )  # fmt: skip


def _curve_colour(name: str) -> str:
    return style.SECOND if name.startswith("val") else style.ACCENT


def _words(name: str) -> str:
    """A column's name as people say it."""
    return name.replace("val_", "validation ").replace("train_", "training ").replace("_", " ")


def _read_csv(path: Path) -> dict[str, list[float]]:
    """Columns of numbers; an empty cell is no number."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name] or "nan") for row in rows] for name in (rows[0] if rows else {})}
    except OSError as error:
        raise DminError(f"cannot read {path}: {error.strerror}") from error
    except (TypeError, ValueError) as error:
        raise DminError(f"{path} is no table of numbers ({error}): give a metrics.csv of `dmin train`") from error
