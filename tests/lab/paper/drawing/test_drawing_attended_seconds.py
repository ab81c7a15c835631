from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.lab.paper.drawing.attended_seconds import Attended, Place, QuerySecond, attended_figure, places, strongest
from dmin.report import style
from report.figure_checks import LONG, check_texts, footage

WEIGHTS = np.array([8.0, 1, 0, 0, 2, 3, 4, 2])
OWN_FIRST = Attended("CMRA", WEIGHTS)


def query(*attentions: Attended, material: bool = True, modality: str = "picture") -> QuerySecond:
    frames, waveform = footage(4) if material else (None, None)
    truth = ("Dog", "Dog", None, "Cat")
    return QuerySecond("a", "b", 1, modality, truth, attentions or (OWN_FIRST,), frames, waveform)  # type: ignore[arg-type]


def rows(figure: Figure) -> dict[str, Axes]:
    return {ax.get_label(): ax for ax in figure.axes if ax.get_label()}


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_own_seconds_come_first_whoever_asks() -> None:
    seen = places(query(), OWN_FIRST)
    assert [place.share for place in seen] == (WEIGHTS / 20).tolist()
    assert [(place.modality, place.second) for place in seen[3:5]] == [("picture", 3), ("sound", 0)]
    heard = places(query(modality="sound"), OWN_FIRST)
    assert heard[0] == Place("picture", 0, 0.1)
    assert heard[4] == Place("sound", 0, 0.4)


def test_the_strongest_of_both_modalities_in_order() -> None:
    found = [(place.modality, place.second) for place in strongest(query(), OWN_FIRST)]
    assert found == [("picture", 0), ("sound", 2), ("sound", 1), ("sound", 0), ("sound", 3)]  # equal ones by time
    short = QuerySecond("a", "b", 0, "picture", (None,), (Attended("X", np.ones(2)),))
    assert len(strongest(short, short.attentions[0])) == 2


def test_each_card_has_weight_time_and_truth() -> None:
    found = rows(attended_figure(query()))
    assert list(found) == ["picture", "sound", "truth", "CMRA"]
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
    ax = rows(attended_figure(query()))["CMRA"]
    picture, sound = ax.containers
    assert [bar.get_height() > 0 for bar in picture] == [True, True, False, False]
    assert [bar.get_height() < 0 for bar in sound] == [True] * 4
    lit = [to_hex(bar.get_facecolor()) == style.ACCENT for bar in (*picture, *sound)]
    assert lit == [True, False, False, False, True, True, True, True]
    assert {"picture\n45 %", "sound\n55 %"} <= set(words(ax))


def test_charts_of_all_attentions_share_a_scale() -> None:
    found = rows(attended_figure(query(OWN_FIRST, Attended("DIMA", np.ones(8)))))
    heights = [max(bar.get_height() for bar in found[name].containers[0]) for name in ("CMRA", "DIMA")]
    assert heights[1] / heights[0] == pytest.approx((1 / 8) / 0.4)


@pytest.mark.parametrize("modality", ["picture", "sound"])
def test_the_query_is_framed_where_it_comes_from(modality: str) -> None:
    found = rows(attended_figure(query(modality=modality)))
    (box,) = found[modality].patches
    assert (box.get_x(), box.get_width(), to_hex(box.get_edgecolor())) == (1, 1, style.SECOND)
    without = rows(attended_figure(query(modality=modality, material=False)))
    assert list(without) == ["truth", "CMRA"]
    assert without["truth"].patches[-1].get_x() == 1
    assert {"frames missing", "sound missing"} <= set(words(without["CMRA"]))


@pytest.mark.parametrize("seconds", [1, 3, 6, 10])
@pytest.mark.parametrize("modality", ["picture", "sound"])
@pytest.mark.parametrize("size", [(36, 64), (64, 36), None])
def test_texts_fit(seconds: int, modality: str, size: tuple[int, int] | None) -> None:
    generator = np.random.default_rng(seconds)
    truth = tuple(generator.choice(np.array([*LONG, None], object), seconds))
    attentions = tuple(Attended(f"{i} {LONG[i]}", generator.random(2 * seconds)) for i in range(4))
    frames, waveform = footage(seconds, *size) if size else (None, None)
    clip = QuerySecond("a" * 300, "b" * 300, seconds - 1, modality, truth, attentions, frames, waveform)  # type: ignore[arg-type]
    check_texts(attended_figure(clip))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DminError, match=r"second is 4: must be 0 to 3"):
        replace(query(), second=4)
    with pytest.raises(DminError, match=r"modality is 'visual': must be 'picture' or 'sound'"):
        query(modality="visual")
    with pytest.raises(DminError, match=r"weights of X are \[4\]: must be \[2 T\] with T = 4"):
        query(Attended("X", np.ones(4)))
    for weights in (np.zeros(8), -np.ones(8), np.full(8, np.nan)):
        with pytest.raises(DminError, match=r"weights of X must be at least 0, and one of them more"):
            query(Attended("X", weights))
