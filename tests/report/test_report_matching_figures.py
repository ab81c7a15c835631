from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.evaluation import LengthRow
from dmin.report import style
from dmin.report.matching_figures import plot_lengths, plot_offsets


def words(labels):
    return [label.get_text() for label in labels]


def test_offsets_have_a_bar_each_and_the_exact_ones_stand_out():
    ax = plot_offsets([0, 0, 0, -1, 3, 3])
    assert [bar.get_height() for bar in ax.patches] == [0, 0, 1, 3, 0, 0, 2]
    assert words(ax.get_xticklabels()) == ["−3", "−2", "−1", "exact", "+1", "+2", "+3"]
    assert ax.patches[3].get_facecolor() == pytest.approx((*style.to_rgb(style.ACCENT), 1))
    assert ax.get_title(loc="left") == "50 % of 6 clips exact, 1.17 s off on average"
    assert words(ax.texts) == ["", "", "1", "3", "", "", "2"]
    ax.figure.canvas.draw()


def test_offsets_that_are_all_0_still_have_room_beside_them():
    ax = plot_offsets(np.zeros(3, int))
    assert words(ax.get_xticklabels()) == ["−2", "−1", "exact", "+1", "+2"]


def test_lengths_show_the_model_beside_chance():
    rows = [LengthRow(2, 1, 0.5, 1 / 9), LengthRow(9, 34, 1.0, 0.5)]
    ax = plot_lengths(rows)
    assert words(ax.get_xticklabels()) == ["2 s\n1 clip", "9 s\n34 clips"]
    assert words(ax.get_legend().get_texts()) == ["model", "any window at random"]
    assert [bar.get_height() for bar in ax.patches] == [0.5, 1.0, 1 / 9, 0.5]
    assert words(ax.texts) == ["50", "100", "11", "50"]
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("plot", "values"), [(plot_offsets, [1]), (plot_lengths, [LengthRow(3, 5, 0.2, 0.1)])], ids=["offsets", "lengths"]
)
def test_they_are_drawn_where_one_wants_them(plot, values):
    ax = Figure().add_subplot()
    assert plot(values, ax) is ax


@pytest.mark.parametrize(("plot", "message"), [(plot_offsets, "no offsets"), (plot_lengths, "no lengths")])
def test_nothing_to_draw_is_an_error(plot, message):
    with pytest.raises(DminError, match=message):
        plot([])
