from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.lab.paper.drawing.region_rows import (
    ClipRegions,
    RegionMaps,
    even_shares,
    overlays,
    plot_scale,
    regions_figure,
    scale_top,
)
from report.figure_checks import LONG, check_texts, footage

EVEN = np.full((3, 4, 4), 1 / 16)
PEAK = EVEN.copy()
PEAK[1] = 0.0
PEAK[1, 0, 3] = 1.0
GREY = np.full((3, 40, 80, 3), 128, np.uint8)


def clip(*systems: RegionMaps, seconds: int = 3, **more: object) -> ClipRegions:
    chosen = systems or (RegionMaps("AGVA", EVEN), RegionMaps("AGTA", PEAK))
    return ClipRegions("a clip", "looked at", ("Dog", None, None), footage(seconds)[0], chosen, **more)  # type: ignore[arg-type]


def rows(figure: Figure) -> dict[str, Axes]:
    return {ax.get_label(): ax for ax in figure.axes if ax.get_label()}


def pictures(ax: Axes) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for image in ax.images]


def test_a_row_a_system_and_a_cell_a_second() -> None:
    found = rows(regions_figure(clip()))
    assert list(found) == ["frames", "AGVA", "AGTA", "truth"]
    assert {len(found[name].images) for name in ("frames", "AGVA", "AGTA")} == {3}
    assert [text.get_text() for text in found["truth"].texts] == ["truth", "Dog", "background"]


def test_an_even_map_leaves_its_frame_as_it_is() -> None:
    found = rows(regions_figure(clip()))
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
    alone, beside = (rows(regions_figure(clip(*s)))["mild"] for s in ([RegionMaps("mild", mild)],
                     [RegionMaps("mild", mild), RegionMaps("sharp", np.tile(PEAK[1:2], (3, 1, 1)))]))  # fmt: skip
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
    assert [text.get_text().split()[-1] for text in plot_scale(6.24).texts] == ["1/6.2", "1", "6.2"]


def test_columns_of_several_clips_have_names() -> None:
    axis = rows(regions_figure(clip(column_names=("x", "y", "$z")))).get("truth")
    assert axis is not None
    assert [text.get_text() for text in axis.get_xticklabels()] == ["x", "y", "$z"]


@pytest.mark.parametrize("seconds", [1, 3, 6, 10])
@pytest.mark.parametrize("systems", [2, 5])
@pytest.mark.parametrize("size", [(36, 64), (64, 36), (56, 56)])
def test_texts_fit(seconds: int, systems: int, size: tuple[int, int]) -> None:
    generator = np.random.default_rng(seconds)
    truth = tuple(generator.choice(np.array([*LONG, None], object), seconds))
    maps = tuple(RegionMaps(f"{i} {LONG[i % 4]}", generator.random((seconds, 7, 7))) for i in range(systems))
    figure = regions_figure(ClipRegions("a" * 300, "b" * 300, truth, footage(seconds, *size)[0], maps))
    check_texts(figure)
    names = tuple(f"{'c' * 300} {t}" for t in range(seconds))
    check_texts(regions_figure(ClipRegions("a", "b", truth, footage(seconds, *size)[0], maps, column_names=names)))
    assert figure.get_figheight() < 9.2


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DminError, match=r"frames are \[4, 36, 64, 3\] uint8: must be .* with T = 3"):
        clip(seconds=4)
    with pytest.raises(DminError, match=r"attention of X is \[2, 4, 4\]: must be \[T, h, w\] with T = 3"):
        clip(RegionMaps("X", EVEN[:2]))
    with pytest.raises(
        DminError, match=r"attention of X has values that are below 0 or no numbers: must be at least 0"
    ):
        clip(RegionMaps("X", -EVEN))
    with pytest.raises(DminError, match=r"there are 1 column names for 3 seconds"):
        replace(clip(), column_names=("x",))
