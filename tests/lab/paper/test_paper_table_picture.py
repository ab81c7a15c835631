"""Results with intervals: what is drawn where, and that all type can be read."""

from dataclasses import replace
from pathlib import Path

import pytest

from dmin.evaluation import Interval
from dmin.lab.paper.results import ColumnResult, Reproduction, SeedResult, Setting
from dmin.lab.paper.table_picture import plot_column, table_picture
from dmin.report import style
from report.figure_checks import LONG, check_texts
from report.report_examples import drawn

SETTING = Setting("table1", "seconds", "clips", {}, False, "", "small", {})


def row(name, mean, interval=None, runs=(), published=None, column="full") -> ColumnResult:
    """One row's result; all numbers are percent."""
    priors = {"all_background": 0.631}
    seeds = [
        SeedResult(k, Interval(run / 100, None, None), priors, 8, 1.0, 100, 0.1, Path("run"))
        for k, run in enumerate(runs)
    ]
    interval = interval and Interval(mean / 100, interval[0] / 100, interval[1] / 100)
    return ColumnResult(
        name, name, "", "", column, f"column {column}", mean / 100, interval, "", priors, tuple(seeds), published
    )


ROWS = (
    row("AVEL [21]", 88.0, (83.6, 92.4), (86.2, 88.0, 89.8), 72.7),
    row("mine", 91.0),
    row("DMIN", 96.0, (94.8, 97.1), (95.5, 96.0, 96.4), 79.6),
)


def picture(*columns):
    """A table's picture of the results of several columns."""
    names = ("full", "weak")
    results = [replace(one, column=name) for name, rows in zip(names, columns, strict=False) for one in rows]
    return table_picture(Reproduction(SETTING, tuple(results)))


def marks(ax, marker):
    return [
        (pytest.approx(list(line.get_xdata())), list(line.get_ydata()))
        for line in ax.lines
        if line.get_marker() == marker
    ]


def test_each_number_stands_in_its_row():
    ax = drawn(plot_column, ROWS)
    assert marks(ax, "D") == [([72.7], [0]), ([79.6], [2])]
    assert ([88.0], [0]) in marks(ax, "o")
    assert ([86.2, 88.0, 89.8], [0, 0, 0]) in marks(ax, "o")
    lines = marks(ax, "None")
    assert ([83.6, 92.4], [0, 0]) in lines
    assert ([63.1, 63.1], [0, 1]) in lines  # the prior, in the axes' own heights
    assert [text.get_text() for text in ax.get_yticklabels()] == ["AVEL [21]", "mine", "DMIN"]
    low, high = ax.get_ylim()
    assert low > high  # the first row is on top


def test_only_what_stands_out_has_the_accents_colour():
    ax = drawn(plot_column, (ROWS[0], row("mine", 91.0, (90.5, 91.5)), ROWS[2]))
    colours = {line.get_ydata()[0]: line.get_color() for line in ax.lines if line.get_markersize() == 7}
    assert colours == {0: style.MUTED, 1: style.MUTED, 2: style.ACCENT}


@pytest.mark.parametrize("count", [1, 2])
def test_panels_can_be_read(count):
    long = [row(name, 50.0 + i, (40.0, 60.0 + i), (49.0, 51.0), 20.0) for i, name in enumerate(LONG)]
    check_texts(picture(*[long] * count))


def test_five_panels_can_be_read():
    names = ("a2v", "v2a", "a2v-strict", "v2a-strict", "average")
    long = [
        row(name, 50.0 + i, (40.0, 60.0 + i), (49.0, 51.0), 20.0, column)
        for column in names
        for i, name in enumerate(LONG)
    ]
    check_texts(table_picture(Reproduction(replace(SETTING, table="table2"), tuple(long))))


def test_neighbours_with_other_rows_keep_their_names():
    shown = [bool(ax.yaxis.get_tick_params()["labelleft"]) for ax in picture(ROWS, ROWS[1:]).axes]
    assert shown == [True, True]
    assert [bool(ax.yaxis.get_tick_params()["labelleft"]) for ax in picture(ROWS, ROWS).axes] == [True, False]


def test_the_legend_names_what_is_there():
    def legend(*rows):
        return [text.get_text() for text in picture(rows).legends[0].get_texts()]

    assert legend(row("mine", 91.0)) == ["mean and 95 % interval", "all background"]
    assert legend(*ROWS) == ["mean and 95 % interval", "one run", "the paper's figure, on AVE", "all background"]
