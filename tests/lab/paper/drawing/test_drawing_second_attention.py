from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.lab.paper.drawing.clips import Attention, Clip
from dmin.lab.paper.drawing.second_attention import Place, attended_figure, grids_figure, places, plot_grid, strongest
from dmin.report import style
from report.figure_checks import LONG, check_texts, footage
from report.report_examples import drawn

WEIGHTS = np.array([8.0, 1, 0, 0, 2, 3, 4, 2])
TRUTH = ("Dog", "Dog", None, "Cat")


def asking(second: int, weights: np.ndarray, name: str = "CMRA") -> Attention:
    """Attention that is even but for one second."""
    grid = np.ones((len(weights) // 2, len(weights)))
    grid[second] = weights
    return Attention(name, grid)


OWN_FIRST = asking(1, WEIGHTS)


def query(*attentions: Attention, material: bool = True, second: int = 1) -> Figure:
    frames, waveform = footage(4) if material else (None, None)
    return attended_figure(Clip("a", "b", TRUTH, frames, waveform), second, attentions or (OWN_FIRST,))


def rows(figure: Figure) -> dict[str, Axes]:
    return {ax.get_label(): ax for ax in figure.axes}


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_own_seconds_come_first() -> None:
    seen = places(WEIGHTS)
    assert [place.share for place in seen] == (WEIGHTS / 20).tolist()
    assert seen[3:5] == [Place("picture", 3, 0.0), Place("sound", 0, 0.1)]


def test_the_strongest_of_both_modalities_in_order() -> None:
    found = [(place.modality, place.second) for place in strongest(places(WEIGHTS))]
    assert found == [("picture", 0), ("sound", 2), ("sound", 1), ("sound", 0), ("sound", 3)]  # equal ones by time
    assert len(strongest(places(np.ones(2)))) == 2


def test_each_card_has_weight_time_and_truth() -> None:
    found = rows(query())
    assert list(found) == ["picture", "sound", "truth", "", "CMRA"]
    said = words(found["CMRA"])
    assert [word for word in said if word.endswith(" %") and "\n" not in word] == (
        ["40.0 %", "20.0 %", "15.0 %", "10.0 %", "10.0 %"]
    )
    assert [word for word in said if word.endswith(" s")] == (
        ["picture 0–1 s", "sound 2–3 s", "sound 1–2 s", "sound 0–1 s", "sound 3–4 s"]
    )
    assert [word for word in said if word in {"Dog", "Cat", "background"}] == ["Dog", "background", "Dog", "Dog", "Cat"]
    (frame,) = found["CMRA"].images
    assert frame.get_array()[0, 0, 0] == 20  # of second 0


def test_the_chart_holds_all_weights_and_each_modalitys_sum() -> None:
    ax = rows(query())["CMRA"]
    picture, sound = ax.containers
    assert [bar.get_height() > 0 for bar in picture] == [True, True, False, False]
    assert [bar.get_height() < 0 for bar in sound] == [True] * 4
    lit = [to_hex(bar.get_facecolor()) == style.ACCENT for bar in (*picture, *sound)]
    assert lit == [True, False, False, False, True, True, True, True]
    assert {"picture\n45 %", "sound\n55 %"} <= set(words(ax))


def test_charts_of_all_attentions_share_a_scale() -> None:
    found = rows(query(OWN_FIRST, asking(1, np.ones(8), "DIMA")))
    heights = [max(bar.get_height() for bar in found[name].containers[0]) for name in ("CMRA", "DIMA")]
    assert heights[1] / heights[0] == pytest.approx((1 / 8) / 0.4)


def test_the_query_is_framed_where_it_comes_from() -> None:
    found = rows(query())
    (box,) = found["picture"].patches
    assert (box.get_x(), box.get_width(), to_hex(box.get_edgecolor())) == (1, 1, style.SECOND)
    without = rows(query(material=False))
    assert list(without) == ["truth", "", "CMRA"]
    assert without["truth"].patches[-1].get_x() == 1
    assert {"frames missing", "sound missing"} <= set(words(without["CMRA"]))


@pytest.mark.parametrize("seconds", [1, 3, 6, 10])
@pytest.mark.parametrize("size", [(36, 64), (64, 36), None])
def test_texts_fit_around_one_second(seconds: int, size: tuple[int, int] | None) -> None:
    generator = np.random.default_rng(seconds)
    truth = tuple(generator.choice(np.array([*LONG, None], object), seconds))
    attentions = [asking(seconds - 1, generator.random(2 * seconds), f"{i} {LONG[i]}") for i in range(4)]
    frames, waveform = footage(seconds, *size) if size else (None, None)
    check_texts(attended_figure(Clip("a" * 300, "b" * 300, truth, frames, waveform), seconds - 1, attentions))


def test_a_second_must_be_there_and_have_weights() -> None:
    with pytest.raises(DminError, match=r"second is 4: must be 0 to 3"):
        query(second=4)
    with pytest.raises(DminError, match=r"weights of X must be at least 0, and one of them more"):
        query(asking(1, np.zeros(8), "X"))


GRID = np.array([[8.0, 1, 1, 0, 4, 2], [0, 0, 0, 0, 0, 0], [1, 0, 0, 3, 0, 0]])


def grids(*attentions: Attention, truth=("Dog", "Dog", None)) -> Figure:
    return grids_figure(Clip("a", "b", truth), attentions or (Attention("CMRA", GRID),))


def test_each_row_is_its_weights_over_the_largest() -> None:
    expected = [[1, 0.125, 0.125, 0, 0.5, 0.25], [0] * 6, [1 / 3, 0, 0, 1, 0, 0]]
    (image,) = rows(grids())["CMRA"].images
    assert np.asarray(image.get_array()) == pytest.approx(np.array(expected))
    assert tuple(image.get_extent()) == (0, 6, 3, 0)  # the first second is the top row
    assert image.get_clim() == (0, 1)


def test_the_mean_share_of_each_half_stands_beside() -> None:
    ax = drawn(plot_grid, GRID)
    assert words(ax) == ["own\n44 %\nother\n56 %"]  # (10 / 16 + 1 / 4) / 2; the second row asks nothing
    assert words(drawn(plot_grid, np.zeros((2, 4)))) == ["own\n0 %\nother\n100 %"]


def test_heads_say_whose_keys_these_are() -> None:
    found = rows(grids())
    assert words(found[""])[-2:] == ["keys of its own modality: picture", "keys of the other modality: sound"]
    labels = [patch.get_width() for patch in found["truth"].patches]
    assert labels == [2, 1, 2, 1]  # the truth of the keys, once for each modality


def test_times_stand_under_the_last_grid_alone() -> None:
    found = rows(grids(Attention("CMRA", GRID), Attention("DIMA", GRID)))
    times = {name: [tick.get_text() for tick in found[name].get_xticklabels()] for name in ("CMRA", "DIMA")}
    assert times == {"CMRA": [], "DIMA": ["0 s", "1 s", "2 s"] * 2}
    assert [tick.get_text() for tick in found["CMRA"].get_yticklabels()] == ["0", "1", "2"]


@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_texts_fit_around_grids(seconds: int) -> None:
    truth = tuple(LONG[t % 4] if t % 5 else None for t in range(seconds))
    weights = np.random.default_rng(0).random((seconds, 2 * seconds))
    names = ("MHA for both halves, as CMRA has it", "DFA", "DFA, then MHA", "DIMA")
    check_texts(grids(*(Attention(name, weights) for name in names), truth=truth))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (GRID[:2], r"weights of X are \[2, 6\]: must be \[T, 2 T\] with T = 3"),
        (-GRID, "below 0"),
        (GRID * np.nan, "no numbers"),
    ],
)
def test_what_does_not_fit_is_refused(weights, message) -> None:
    with pytest.raises(DminError, match=message):
        grids(Attention("X", weights))
    with pytest.raises(DminError, match=message):
        attended_figure(Clip("a", "b", ("Dog", "Dog", None)), 1, [Attention("X", weights)])
