from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dmin.errors import DminError
from dmin.lab.paper.drawing.clips import Attention, Clip
from dmin.lab.paper.drawing.system_rows import (
    SystemAnswers,
    even_shares,
    overlays,
    plot_scale,
    regions_figure,
    right_seconds,
    scale_top,
    systems_figure,
)
from dmin.report import style
from report.figure_checks import LONG, check_texts, footage
from report.report_examples import drawn

TRUTH = ("Dog", "Dog", "Dog", None)
GOOD = SystemAnswers("DMIN", TRUTH)
BAD = SystemAnswers("AVEL", ("Dog", None, "Cat", "Cat"))


def answers(*systems: SystemAnswers, material: bool = True, query=None, **more: object) -> Figure:
    frames, waveform = footage(len(TRUTH)) if material else (None, None)
    values = {"frames": frames, "waveform": waveform, **more}
    return systems_figure(Clip("a clip", "said by", TRUTH, **values), systems or (BAD, GOOD), query)  # type: ignore[arg-type]


def rows(figure: Figure) -> dict[str, Axes]:
    return {ax.get_label(): ax for ax in figure.axes if ax.get_label()}


def test_a_row_for_everything_there_is() -> None:
    figure = answers()
    assert list(rows(figure)) == ["frames", "sound", "truth", "AVEL", "DMIN"]
    assert {ax.get_xlim() for ax in rows(figure).values()} == {(0, 4)}
    assert [text.get_text() for text in figure.texts] == ["a clip", "said by"]
    assert list(rows(answers(material=False))) == ["truth", "AVEL", "DMIN"]


def test_wrong_seconds_are_marked_and_right_ones_counted() -> None:
    lanes = rows(answers())
    assert lanes["AVEL"].lines[0].get_xdata().tolist() == [1.5, 2.5, 3.5]
    assert not len(lanes["DMIN"].lines[0].get_xdata())
    assert [text.get_text() for text in lanes["AVEL"].texts] == ["AVEL", "Dog", "background", "Cat", "25 %\n1 of 4"]
    assert lanes["DMIN"].texts[-1].get_text() == "100 %\n4 of 4"
    assert lanes["truth"].texts[-1].get_text() == "seconds\nright"


def test_a_category_has_one_colour_in_all_lanes_even_if_the_model_does_not_know_it() -> None:
    lanes = rows(answers(BAD, GOOD, categories=("Cat",)))
    first = {name: style.blend(lanes[name].patches[0].get_facecolor(), "w", 0) for name in ("truth", "AVEL", "DMIN")}
    assert set(first.values()) == {style.category_colour("Dog", ["Cat", "Dog"])}


@pytest.mark.parametrize(("query", "row", "other"), [("sound", "sound", "frames"), ("picture", "frames", "sound")])
def test_in_matching_the_query_is_framed_where_it_comes_from(query: str, row: str, other: str) -> None:
    found = replace(BAD, score="2 s late")
    lanes = rows(answers(found, query=query))
    assert "truth" not in lanes
    (box,) = lanes[row].patches
    assert isinstance(box, Rectangle)
    assert (box.get_x(), box.get_width()) == (0, 3)
    assert not lanes[other].patches
    words = [text.get_text() for text in lanes["AVEL"].texts]
    assert words[-1] == "2 s late"
    assert "elsewhere" in words
    answers(found, query=query, material=False)  # nothing to frame it in


def test_attention_is_shown_under_its_lane_with_a_key() -> None:
    maps = np.full((4, 2, 2), 0.25)
    maps[1] = [[1.0, 0.0], [0.0, 0.0]]
    figure = answers(BAD, replace(GOOD, attention=maps))
    lanes = rows(figure)
    assert list(lanes)[-2:] == ["DMIN", "DMIN\nlooks at"]
    assert lanes["DMIN\nlooks at"].texts[0].get_text() == "looks at"
    shown = [image.get_array() for image in lanes["DMIN\nlooks at"].images]
    plain = [image.get_array() for image in lanes["frames"].images]
    assert [bool((a != b).any()) for a, b in zip(shown, plain, strict=True)] == [False, True, False, False]
    assert any("even shares" in text.get_text() for text in figure.axes[-1].texts)
    check_texts(figure)


@pytest.mark.parametrize("seconds", [1, 3, 7, 10])
@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("portrait", [False, True])
def test_texts_fit_around_answers(seconds: int, count: int, portrait: bool) -> None:
    generator = np.random.default_rng(seconds)
    names = np.array([*LONG, None], object)
    truth, *said = (tuple(generator.choice(names, seconds)) for _ in range(count + 1))
    systems = [SystemAnswers(f"{i} {LONG[i % 4]}", labels) for i, labels in enumerate(said)]
    frames, waveform = footage(seconds, *((64, 36) if portrait else (36, 64)))
    figure = systems_figure(Clip("a" * 300, "b" * 300, truth, frames, waveform), systems)
    check_texts(figure)


def test_a_third_is_a_third() -> None:
    assert right_seconds([None, "Dog", "Dog"], [None, None, "Cat"]) == "33 %\n1 of 3"


def test_answers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DminError, match=r"X has 1 labels: must have T = 4"):
        answers(SystemAnswers("X", ("Dog",)))
    with pytest.raises(DminError, match=r"waveform is \[4, 100\]: a second must have 1024 samples"):
        answers(waveform=np.zeros((4, 100)))
    with pytest.raises(DminError, match=r"DMIN has attention, but the clip has no frames"):
        answers(replace(GOOD, attention=np.ones((4, 2, 2))), material=False)
    with pytest.raises(DminError, match=r"attention of DMIN is \[3, 2, 2\]: must be \[T, h, w\] with T = 4"):
        answers(replace(GOOD, attention=np.ones((3, 2, 2))))


def test_it_is_saved_as_every_picture_is(tmp_path: Path) -> None:
    for name in ("a.png", "a.svg", "a.pdf"):
        assert style.save(answers(), tmp_path / name).stat().st_size > 1000


EVEN = np.full((3, 4, 4), 1 / 16)
PEAK = EVEN.copy()
PEAK[1] = 0.0
PEAK[1, 0, 3] = 1.0
GREY = np.full((3, 40, 80, 3), 128, np.uint8)


def regions(*systems: Attention, seconds: int = 3, names: tuple[str, ...] = ("x", "y", "$z")) -> Figure:
    chosen = systems or (Attention("AGVA", EVEN), Attention("AGTA", PEAK))
    return regions_figure(Clip("a clip", "looked at", ("Dog", None, None), footage(seconds)[0]), chosen, names)


def pictures(ax: Axes) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for image in ax.images]


def test_a_row_a_system_and_a_cell_a_second() -> None:
    found = rows(regions())
    assert list(found) == ["frames", "AGVA", "AGTA", "truth"]
    assert {len(found[name].images) for name in ("frames", "AGVA", "AGTA")} == {3}
    assert [text.get_text() for text in found["truth"].texts] == ["truth", "Dog", "background"]


def test_an_even_map_leaves_its_frame_as_it_is() -> None:
    found = rows(regions())
    np.testing.assert_array_equal(pictures(found["frames"]), pictures(found["AGVA"]))
    changed = [bool((a != b).any()) for a, b in zip(*(pictures(found[n]) for n in ("frames", "AGTA")), strict=True)]
    assert changed == [False, True, False]
    np.testing.assert_array_equal(overlays(GREY, np.zeros((3, 2, 2)), 4.0), GREY)  # padded seconds: no map at all


def test_the_attended_region_glows_and_others_fade() -> None:
    picture = overlays(GREY, PEAK, scale_top([PEAK]))[1].astype(int)
    warmth = picture[..., 0] - picture[..., 2]
    row, column = np.unravel_index(warmth.argmax(), warmth.shape)
    assert row < 10
    assert column >= 60
    assert picture[30:, :30].max() < 100  # darker than 128


def test_all_rows_share_one_scale() -> None:
    mild = EVEN * 1.0
    mild[1, 0, 3] *= 2
    alone, beside = (rows(regions(*s))["mild"] for s in ([Attention("mild", mild)],
                     [Attention("mild", mild), Attention("sharp", np.tile(PEAK[1:2], (3, 1, 1)))]))  # fmt: skip
    glow = [int((p[..., 0].astype(int) - p[..., 2]).max()) for p in (pictures(alone)[1], pictures(beside)[1])]
    assert glow[0] > glow[1] > 0  # a sharp system beside it makes a mild one look mild


def test_the_scale_of_weights_does_not_matter_only_shares_do() -> None:
    np.testing.assert_allclose(even_shares(PEAK * 1000), even_shares(PEAK))
    assert even_shares(PEAK)[1].max() == 16
    assert even_shares(EVEN).tolist() == np.ones((3, 4, 4)).tolist()
    assert scale_top([EVEN]) == 2  # nearly even attention is not blown up
    assert scale_top([EVEN, np.repeat(PEAK[1:2], 3, 0)]) > 4


def test_twice_and_half_an_even_share_are_equally_far_from_even() -> None:
    level = [overlays(GREY[:1], np.array([[[share, 2 - share]]]), 8.0)[0, 20, 0] for share in (0.01, 0.125, 0.5, 1.0)]
    greys = [int(colour.max()) for colour in level]
    assert greys[0] == greys[1] < greys[2] < greys[3] == 128


def test_the_key_names_the_ends() -> None:
    assert [text.get_text().split()[-1] for text in drawn(plot_scale, 6.24).texts] == ["1/6.2", "1", "6.2"]


def test_columns_of_several_clips_have_names() -> None:
    axis = rows(regions()).get("truth")
    assert axis is not None
    assert [text.get_text() for text in axis.get_xticklabels()] == ["x", "y", "$z"]


@pytest.mark.parametrize("seconds", [1, 3, 6, 10])
@pytest.mark.parametrize("systems", [2, 5])
@pytest.mark.parametrize("size", [(36, 64), (64, 36), (56, 56)])
def test_texts_fit_around_regions(seconds: int, systems: int, size: tuple[int, int]) -> None:
    generator = np.random.default_rng(seconds)
    truth = tuple(generator.choice(np.array([*LONG, None], object), seconds))
    maps = tuple(Attention(f"{i} {LONG[i % 4]}", generator.random((seconds, 7, 7))) for i in range(systems))
    names = tuple(f"{'c' * 300} {t}" for t in range(seconds))
    figure = regions_figure(Clip("a" * 300, "b" * 300, truth, footage(seconds, *size)[0]), maps, names)
    check_texts(figure)
    assert figure.get_figheight() < 9.2


def test_regions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DminError, match=r"frames are \[4, 36, 64, 3\] uint8: must be .* with T = 3"):
        regions(seconds=4)
    with pytest.raises(DminError, match=r"attention of X is \[2, 4, 4\]: must be \[T, h, w\] with T = 3"):
        regions(Attention("X", EVEN[:2]))
    with pytest.raises(
        DminError, match=r"attention of X has values that are below 0 or no numbers: must be at least 0"
    ):
        regions(Attention("X", -EVEN))
    with pytest.raises(DminError, match=r"there are 1 column names for 3 seconds"):
        regions(names=("x",))
