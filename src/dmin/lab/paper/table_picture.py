"""A table that was run, as a picture: a panel per column, a row per system, ours with intervals, the paper's beside."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from dmin.lab.paper import words
from dmin.lab.paper.drawing.interval_rows import IntervalPanel, IntervalRow, intervals_figure
from dmin.lab.paper.results import ColumnResult, Reproduction


def table_picture(reproduction: Reproduction) -> Figure:
    """Draw a table; what stands out is what the table itself sets in bold."""
    panels = [_panel(reproduction.of_column(name)) for name in words.column_names(reproduction)]
    return intervals_figure(panels, "the paper's figure" if reproduction.on_ave else "the paper's figure, on AVE")


def _panel(results: Sequence[ColumnResult]) -> IntervalPanel:
    name, share = max(results[0].priors.items(), key=lambda prior: prior[1])
    return IntervalPanel(
        title=results[0].heading,
        rows=tuple(_row(result) for result in results),
        baseline=(words.PRIORS[name], 100 * share),
        stands_out=words.winner(results),
    )


def _row(result: ColumnResult) -> IntervalRow:
    interval = result.interval
    return IntervalRow(
        name=words.marked_name(result),
        value=100 * result.mean,
        interval=None if interval is None else (100 * interval.bounds[0], 100 * interval.bounds[1]),
        runs=tuple(100 * seed.accuracy.value for seed in result.seeds) if len(result.seeds) > 1 else (),
        published=result.paper_percent,
    )
