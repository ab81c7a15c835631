from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.lab.paper.drawing.attention_grids import AttentionGrid, ClipGrids, grids_figure, plot_grid, row_shares
from report.figure_checks import LONG, check_texts

TRUTH = ("Dog", "Dog", None)
WEIGHTS = np.array([[8.0, 1, 1, 0, 4, 2], [0, 0, 0, 0, 0, 0], [1, 0, 0, 3, 0, 0]])


def clip(*grids: AttentionGrid, truth=TRUTH, modality="picture") -> ClipGrids:
    return ClipGrids("a", "b", modality, truth, grids or (AttentionGrid("CMRA", WEIGHTS),))


def rows(figure: Figure) -> dict[str, Axes]:
    return {ax.get_label(): ax for ax in figure.axes}


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_each_row_is_its_weights_over_the_largest() -> None:
    expected = [[1, 0.125, 0.125, 0, 0.5, 0.25], [0] * 6, [1 / 3, 0, 0, 1, 0, 0]]
    assert row_shares(WEIGHTS) == pytest.approx(np.array(expected))
    (image,) = rows(grids_figure(clip()))["CMRA"].images
    assert np.asarray(image.get_array()) == pytest.approx(np.array(expected))
    assert tuple(image.get_extent()) == (0, 6, 3, 0)  # the first second is the top row
    assert image.get_clim() == (0, 1)


def test_the_mean_share_of_each_half_stands_beside() -> None:
    ax = plot_grid(WEIGHTS)
    assert words(ax) == ["own\n44 %\nother\n56 %"]  # (10 / 16 + 1 / 4) / 2; the second row asks nothing
    assert words(plot_grid(np.zeros((2, 4)))) == ["own\n0 %\nother\n100 %"]


@pytest.mark.parametrize(("modality", "other"), [("picture", "sound"), ("sound", "picture")])
def test_heads_say_whose_keys_these_are(modality: str, other: str) -> None:
    found = rows(grids_figure(clip(modality=modality)))
    assert words(found[""])[-2:] == [f"keys of its own modality: {modality}", f"keys of the other modality: {other}"]
    labels = [patch.get_width() for patch in found["truth"].patches]
    assert labels == [2, 1, 2, 1]  # the truth of the keys, once for each modality


def test_times_stand_under_the_last_grid_alone() -> None:
    found = rows(grids_figure(clip(AttentionGrid("CMRA", WEIGHTS), AttentionGrid("DIMA", WEIGHTS))))
    times = {name: [tick.get_text() for tick in found[name].get_xticklabels()] for name in ("CMRA", "DIMA")}
    assert times == {"CMRA": [], "DIMA": ["0 s", "1 s", "2 s"] * 2}
    assert [tick.get_text() for tick in found["CMRA"].get_yticklabels()] == ["0", "1", "2"]


@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_texts_fit(seconds: int) -> None:
    truth = tuple(LONG[t % 4] if t % 5 else None for t in range(seconds))
    weights = np.random.default_rng(0).random((seconds, 2 * seconds))
    names = ("MHA for both halves, as CMRA has it", "DFA", "DFA, then MHA", "DIMA")
    check_texts(grids_figure(clip(*(AttentionGrid(name, weights) for name in names), truth=truth)))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (WEIGHTS[:2], r"weights of X are \[2, 6\]: must be \[T, 2 T\] with T = 3"),
        (-WEIGHTS, "below 0"),
        (WEIGHTS * np.nan, "no numbers"),
    ],
)
def test_what_does_not_fit_is_refused(weights, message) -> None:
    with pytest.raises(DminError, match=message):
        clip(AttentionGrid("X", weights))
    with pytest.raises(DminError, match="modality is 'smell'"):
        clip(modality="smell")
