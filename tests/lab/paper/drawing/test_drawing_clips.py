from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.lab.paper.drawing.clips import (
    Clip,
    draw_label,
    plot_labels,
    plot_waveform,
    row_names,
    write_fitting,
    write_seconds,
)  # fmt: skip
from dmin.report import style
from report.figure_checks import LONG
from report.report_examples import drawn


def lane(labels, **options) -> Axes:
    ax = style.new_axes(11, 0.83)
    plot_labels(labels, ax, **options)
    return ax


def bars(ax: Axes) -> list[tuple[float, float]]:
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_equal_seconds_are_one_named_bar_in_its_categorys_colour() -> None:
    ax = lane(["Dog", "Dog", None, "Cat", "Dog"], known=["Cat", "Dog"])
    assert bars(ax) == [(0, 2), (2, 3), (3, 4), (4, 5)]
    assert words(ax) == ["Dog", "background", "Cat", "Dog"]
    colours = [style.blend(bar.get_facecolor(), "w", 0) for bar in ax.patches]
    dog, cat = (style.category_colour(name, ["Cat", "Dog"]) for name in ("Dog", "Cat"))
    assert colours == [dog, style.FAINT, cat, dog]


def test_a_bar_ends_where_right_becomes_wrong_and_each_wrong_second_has_a_cross() -> None:
    ax = lane(["Dog"] * 4 + [None], wrong=[False, True, True, False, True])
    assert bars(ax) == [(0, 1), (1, 3), (3, 4), (4, 5)]
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, True, False, True]
    (crosses,) = ax.lines
    assert crosses.get_xdata().tolist() == [1.5, 2.5, 4.5]
    low = min(bar.get_y() for bar in ax.patches)
    assert 0 < crosses.get_ydata().max() < low  # under the bars


def test_a_lane_that_cannot_be_wrong_has_no_room_for_crosses() -> None:
    ax = lane(["Dog"])
    assert (ax.patches[0].get_y(), ax.patches[0].get_height()) == (0, 1)
    assert not len(ax.lines[0].get_xdata())
    assert words(lane([None], background="elsewhere")) == ["elsewhere"]
    assert words(lane([None], background="")) == []


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("width", [0.5, 0.85, 1.2, 4.0])
def test_words_stay_inside_of_their_bar_and_are_whole_where_there_is_room(name: str, width: float) -> None:
    figure = Figure(figsize=(5, 1), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, 5), ylim=(0, 1))
    draw_label(ax, name, (0.1, 0.2), (width, 0.46))
    bar = ax.patches[0].get_window_extent()
    (text,) = ax.texts
    box = text.get_window_extent()
    assert bar.x0 <= box.x0 < box.x1 <= bar.x1
    assert bar.y0 <= box.y0 < box.y1 <= bar.y1
    said = text.get_text()
    assert said.replace("\n", " ") == name or "…" in said
    assert width < 4 or said == name


def test_a_box_without_room_stays_empty() -> None:
    ax = Figure(figsize=(5, 1), dpi=100).add_axes((0, 0, 1, 1), xlim=(0, 5), ylim=(0, 1))
    write_fitting(ax, "Dog", (1, 0.5), (0.05, 0.4), "k")
    write_fitting(ax, "  ", (1, 0.5), (2, 0.4), "k")
    assert words(ax) == []


def test_sound_is_as_high_as_its_loudest_second_and_silence_is_a_line() -> None:
    loud, quiet = np.full((2, 500), 0.5), np.zeros((2, 500))
    for waveform, height in ((loud, 1.0), (quiet, 0.012), (quiet + np.nan, 0.012), (quiet + 0.001, 0.05)):
        (area,) = drawn(plot_waveform, waveform).collections
        box = area.get_paths()[0].get_extents()
        assert (box.x0, box.x1) == (0, 2)
        assert box.y1 == pytest.approx(height, abs=1e-6)


@pytest.mark.parametrize(("seconds", "ticks"), [(1, 2), (3, 4), (10, 11), (60, 13)])
def test_times_stand_at_the_borders_of_seconds(seconds: int, ticks: int) -> None:
    ax = Figure().add_subplot(xlim=(0, seconds))
    write_seconds(ax, seconds)
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert (labels[0], labels[-1], len(labels)) == ("0 s", f"{seconds} s", ticks)


def test_parts_of_a_clip_must_fit() -> None:
    frames, sound = np.zeros((3, 4, 4, 3), np.uint8), np.zeros((3, 8))
    Clip("a", "b", ("Dog",) * 3, frames, sound)
    with pytest.raises(DminError, match=r"the clip has no seconds: give the truth of one at least"):
        Clip("a", "b", ())
    with pytest.raises(DminError, match=r"frames are \[3, 4, 4, 3\] uint8: must be \[T, H, W, 3\] uint8 with T = 2"):
        Clip("a", "b", ("Dog",) * 2, frames)
    with pytest.raises(DminError, match=r"frames are \[3, 4, 4, 3\] float64"):
        Clip("a", "b", ("Dog",) * 3, frames / 255)
    with pytest.raises(DminError, match=r"waveform is \[3, 8\]: must be \[T, S\] with T = 2"):
        Clip("a", "b", ("Dog",) * 2, None, sound)


def test_names_of_rows_must_differ() -> None:
    with pytest.raises(DminError, match=r"names are \['A', 'A'\]: give one at least, all different"):
        row_names(["A", "A"])
    with pytest.raises(DminError, match=r"names are \[\]"):
        row_names([])
    with pytest.raises(DminError, match=r"the name 'truth' is that of another row"):
        row_names(["A", "truth"])
