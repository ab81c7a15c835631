"""Results with intervals: what is drawn where, and that all type can be read."""

import pytest

from dmin.errors import DminError
from dmin.lab.paper.drawing.interval_rows import IntervalPanel, IntervalRow, intervals_figure, plot_intervals
from dmin.report import style
from report.figure_checks import LONG, check_texts

ROWS = (
    IntervalRow("AVEL [21]", 88.0, (83.6, 92.4), (86.2, 88.0, 89.8), 72.7),
    IntervalRow("mine", 91.0),
    IntervalRow("DMIN", 96.0, (94.8, 97.1), (95.5, 96.0, 96.4), 79.6),
)


def drawn(ax, marker):
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines if line.get_marker() == marker]


def test_each_number_stands_in_its_row():
    ax = plot_intervals(IntervalPanel("full", ROWS, ("prior", 63.1)))
    assert drawn(ax, "D") == [([72.7], [0]), ([79.6], [2])]
    assert ([88.0], [0]) in drawn(ax, "o")
    assert ([86.2, 88.0, 89.8], [0, 0, 0]) in drawn(ax, "o")
    lines = drawn(ax, "None")
    assert ([83.6, 92.4], [0, 0]) in lines
    assert ([63.1, 63.1], [0, 1]) in lines  # the baseline, in the axes' own heights
    assert [text.get_text() for text in ax.get_yticklabels()] == ["AVEL [21]", "mine", "DMIN"]
    low, high = ax.get_ylim()
    assert low > high  # the first row is on top


def test_only_what_stands_out_has_the_accents_colour():
    ax = plot_intervals(IntervalPanel("full", ROWS, stands_out=2))
    colours = {line.get_ydata()[0]: line.get_color() for line in ax.lines if line.get_markersize() == 7}
    assert colours == {0: style.MUTED, 1: style.MUTED, 2: style.ACCENT}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_panels_can_be_read(count):
    long = tuple(IntervalRow(name, 50.0 + i, (40.0, 60.0 + i), (49.0, 51.0), 20.0) for i, name in enumerate(LONG))
    check_texts(intervals_figure([IntervalPanel(f"column {i}", long, ("a prior", 30.0)) for i in range(count)], "AVE"))


def test_neighbours_with_other_rows_keep_their_names():
    panels = [IntervalPanel("full", ROWS), IntervalPanel("weak", ROWS[1:]), IntervalPanel("A", ROWS[1:])]
    shown = [bool(ax.yaxis.get_tick_params()["labelleft"]) for ax in intervals_figure(panels, "the paper's").axes]
    assert shown == [True, True, True]
    same = intervals_figure([IntervalPanel("full", ROWS), IntervalPanel("weak", ROWS)], "the paper's")
    assert [bool(ax.yaxis.get_tick_params()["labelleft"]) for ax in same.axes] == [True, False]


def test_the_legend_names_what_is_there():
    legend = intervals_figure([IntervalPanel("full", (IntervalRow("mine", 91.0),))], "the paper's").legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["mean and 95 % interval"]


def test_nothing_to_draw():
    with pytest.raises(DminError, match="no rows to draw"):
        plot_intervals(IntervalPanel("full", ()))
    with pytest.raises(DminError, match="no panels to draw"):
        intervals_figure([], "the paper's")
