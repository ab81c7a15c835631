from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dmin.errors import DminError
from dmin.lab.paper.drawing.system_lanes import ClipAnswers, SystemAnswers, right_seconds, systems_figure
from dmin.report import style
from report.figure_checks import LONG, check_texts, footage

TRUTH = ("Dog", "Dog", "Dog", None)
GOOD = SystemAnswers("DMIN", TRUTH)
BAD = SystemAnswers("AVEL", ("Dog", None, "Cat", "Cat"))


def clip(*systems: SystemAnswers, material: bool = True, **more: object) -> ClipAnswers:
    frames, waveform = footage(len(TRUTH)) if material else (None, None)
    return ClipAnswers("a clip", "said by", TRUTH, systems or (BAD, GOOD), frames, waveform, **more)  # type: ignore[arg-type]


def rows(figure: Figure) -> dict[str, Axes]:
    return {ax.get_label(): ax for ax in figure.axes if ax.get_label()}


def test_a_row_for_everything_there_is() -> None:
    figure = systems_figure(clip())
    assert list(rows(figure)) == ["frames", "sound", "truth", "AVEL", "DMIN"]
    assert {ax.get_xlim() for ax in rows(figure).values()} == {(0, 4)}
    assert [text.get_text() for text in figure.texts] == ["a clip", "said by"]
    assert list(rows(systems_figure(clip(material=False)))) == ["truth", "AVEL", "DMIN"]


def test_wrong_seconds_are_marked_and_right_ones_counted() -> None:
    lanes = rows(systems_figure(clip()))
    assert lanes["AVEL"].lines[0].get_xdata().tolist() == [1.5, 2.5, 3.5]
    assert not len(lanes["DMIN"].lines[0].get_xdata())
    assert [text.get_text() for text in lanes["AVEL"].texts] == ["AVEL", "Dog", "background", "Cat", "25 %\n1 of 4"]
    assert lanes["DMIN"].texts[-1].get_text() == "100 %\n4 of 4"
    assert lanes["truth"].texts[-1].get_text() == "seconds\nright"


def test_a_category_has_one_colour_in_all_lanes_even_if_the_model_does_not_know_it() -> None:
    lanes = rows(systems_figure(clip(BAD, GOOD, categories=("Cat",))))
    first = {name: style.blend(lanes[name].patches[0].get_facecolor(), "w", 0) for name in ("truth", "AVEL", "DMIN")}
    assert set(first.values()) == {style.category_colour("Dog", ["Cat", "Dog"])}


@pytest.mark.parametrize(("query", "row", "other"), [("sound", "sound", "frames"), ("picture", "frames", "sound")])
def test_in_matching_the_query_is_framed_where_it_comes_from(query: str, row: str, other: str) -> None:
    found = replace(BAD, score="2 s late")
    lanes = rows(systems_figure(clip(found, query=query, background="elsewhere")))
    assert "truth" not in lanes
    (box,) = lanes[row].patches
    assert isinstance(box, Rectangle)
    assert (box.get_x(), box.get_width()) == (0, 3)
    assert not lanes[other].patches
    words = [text.get_text() for text in lanes["AVEL"].texts]
    assert words[-1] == "2 s late"
    assert "elsewhere" in words
    systems_figure(clip(found, query=query, material=False))  # nothing to frame it in


def test_attention_is_shown_under_its_lane_with_a_key() -> None:
    maps = np.full((4, 2, 2), 0.25)
    maps[1] = [[1.0, 0.0], [0.0, 0.0]]
    figure = systems_figure(clip(BAD, replace(GOOD, attention=maps)))
    lanes = rows(figure)
    assert list(lanes)[-2:] == ["DMIN", "DMIN\nlooks at"]
    assert lanes["DMIN\nlooks at"].texts[0].get_text() == "looks at"
    shown = [image.get_array() for image in lanes["DMIN\nlooks at"].images]
    plain = [image.get_array() for image in lanes["frames"].images]
    assert [bool((a != b).any()) for a, b in zip(shown, plain, strict=True)] == [False, True, False, False]
    assert any("even shares" in text.get_text() for text in figure.axes[-1].texts)
    check_texts(figure)


@pytest.mark.parametrize("seconds", [1, 3, 7, 10])
@pytest.mark.parametrize("systems", [2, 5])
@pytest.mark.parametrize("portrait", [False, True])
def test_texts_fit(seconds: int, systems: int, portrait: bool) -> None:
    generator = np.random.default_rng(seconds)
    names = np.array([*LONG, None], object)
    truth, *said = (tuple(generator.choice(names, seconds)) for _ in range(systems + 1))
    answers = [SystemAnswers(f"{i} {LONG[i % 4]}", labels) for i, labels in enumerate(said)]
    frames, waveform = footage(seconds, *((64, 36) if portrait else (36, 64)))
    figure = systems_figure(ClipAnswers("a" * 300, "b" * 300, truth, tuple(answers), frames, waveform))
    check_texts(figure)


def test_a_third_is_a_third() -> None:
    assert right_seconds([None, "Dog", "Dog"], [None, None, "Cat"]) == "33 %\n1 of 3"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DminError, match=r"X has 1 labels: must have T = 4"):
        clip(SystemAnswers("X", ("Dog",)))
    with pytest.raises(DminError, match=r"waveform is \[4, 100\]: a second must have 1024 samples"):
        replace(clip(), waveform=np.zeros((4, 100)))
    with pytest.raises(DminError, match=r"DMIN has attention, but the clip has no frames"):
        clip(replace(GOOD, attention=np.ones((4, 2, 2))), material=False)
    with pytest.raises(DminError, match=r"attention of DMIN is \[3, 2, 2\]: must be \[T, h, w\] with T = 4"):
        clip(replace(GOOD, attention=np.ones((3, 2, 2))))


def test_it_is_saved_as_every_picture_is(tmp_path: Path) -> None:
    for name in ("a.png", "a.svg", "a.pdf"):
        assert style.save(systems_figure(clip()), tmp_path / name).stat().st_size > 1000
