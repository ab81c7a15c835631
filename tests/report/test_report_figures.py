from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.evaluation import LengthRow
from dmin.report import style
from dmin.report.figures import plot_categories, plot_confusion, plot_curves, plot_lengths, plot_offsets

CURVES = {
    "epoch": [1.0, 2.0, 3.0],
    "train_accuracy": [0.2, 0.5, 0.9],
    "val_accuracy": [0.3, 0.6, 0.5],
    "train_loss": [2.0, 1.0, 0.5],
    "val_loss": [2.1, 1.5, 1.6],
    "train_category_loss": [9.0, 9.0, 9.0],
}


def test_confusion_shows_shares_of_rows_and_their_totals() -> None:
    ax = plot_confusion(np.array([[3, 1, 0], [0, 0, 0], [1, 0, 299]]), ["Dog", "Cat $x$", "Background"])
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    assert cells == {(0, 0): "75", (1, 0): "25", (0, 2): "<1", (2, 2): "100"}
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Dog  4", "Cat $x$  0", "Background  300"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["Dog", "Cat $x$", "Background"]
    ax.figure.canvas.draw()


@pytest.mark.parametrize(("matrix", "count"), [(np.ones((2, 3)), 2), (np.ones((2, 2)), 3), (np.ones((0, 0)), 0)])
def test_confusion_must_be_square_and_named(matrix: np.ndarray, count: int) -> None:
    with pytest.raises(DminError, match=rf"with {count} names: must be \[C, C\] with C names"):
        plot_confusion(matrix, ["x"] * count)


def test_curves_draw_accuracies_and_whole_losses_and_mark_the_best_epoch() -> None:
    ax = plot_curves(CURVES)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == [
        "training accuracy",
        "validation accuracy",
        "training loss",
        "validation loss",
        "best: 60.0% at epoch 2",
    ]
    assert list(ax.lines[1].get_ydata()) == [0.3, 0.6, 0.5]
    right = next(other for other in ax.figure.axes if other is not ax)
    assert [list(line.get_ydata()) for line in right.lines] == [[2.0, 1.0, 0.5], [2.1, 1.5, 1.6]]


def test_curves_from_a_file_with_gaps(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,val_accuracy,val_loss\n1,,2\n2,0.5,1\n")
    ax = plot_curves(path, Figure().add_subplot())
    assert np.isnan(ax.lines[0].get_ydata()[0])
    assert ax.get_legend().get_texts()[-1].get_text() == "best: 50.0% at epoch 2"


def test_curves_of_one_epoch_are_visible_as_points() -> None:
    ax = plot_curves({"train_accuracy": [0.5]})
    assert ax.lines[0].get_marker() == "o"
    assert list(ax.lines[0].get_xdata()) == [1.0]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({}, r"nothing to draw in the columns \(none\)"),
        ({"speed": [1.0]}, "nothing to draw in the columns speed: need an accuracy or a loss"),
        ({"val_loss": []}, "nothing to draw"),
        ({"val_loss": [1.0], "epoch": [1.0, 2.0]}, "columns have different lengths"),
    ],
)
def test_curves_that_cannot_be_drawn(metrics: dict[str, list[float]], message: str) -> None:
    with pytest.raises(DminError, match=message):
        plot_curves(metrics)


def test_curve_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DminError, match="cannot read .*gone.csv: No such file"):
        plot_curves(tmp_path / "gone.csv")
    path = tmp_path / "words.csv"
    path.write_text("val_loss\nhigh\n")
    with pytest.raises(DminError, match="words.csv is no table of numbers"):
        plot_curves(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DminError, match="words.csv is no table of numbers"):
        plot_curves(path)


def test_categories_have_a_bar_a_measure() -> None:
    ax = plot_categories({"Dog": {"precision": 0.5, "recall": 1.0}, "Bell": {"precision": 0.25, "recall": 0.0}})
    widths = {c.get_label(): [bar.get_width() for bar in c] for c in ax.containers}
    assert widths == {"precision": [0.5, 0.25], "recall": [1.0, 0.0]}
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Dog", "Bell"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # from the top
    assert {text.get_text() for text in ax.texts} == {"0.50", "1.00", "0.25", "0.00"}


@pytest.mark.parametrize("table", [{}, {"Dog": {}}, {"Dog": {"a": 1.0}, "Cat": {"b": 1.0}}])
def test_categories_need_the_same_measures(table: dict[str, dict[str, float]]) -> None:
    with pytest.raises(DminError, match="table is empty or its categories differ in their measures"):
        plot_categories(table)


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
