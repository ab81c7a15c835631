from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dmin.errors import MediaError
from dmin.report import style
from dmin.report.match_picture import match_figure, plot_match, plot_seconds, plot_windows
from dmin.results.match import Match, Window
from report.figure_checks import check_texts
from report.report_examples import drawn, film


def match(
    seconds: int = 10,
    length: int = 3,
    start: int = 4,
    direction: str = "a2v",
    query: str = "bark.wav",
    inside: str = "holiday.mp4",
    beyond: float = 0.0,
) -> Match:
    scores = np.full(seconds, 0.25)
    scores[start : start + length] = 0.75
    windows = [Window(float(t), float(scores[t : t + length].mean())) for t in range(seconds - length + 1)]
    return Match(
        query, inside, direction, "mine", 0.0, float(length), length, seconds + beyond, float(start),
        float(start + length), 0.75, 1.5, tuple(windows), tuple(scores),
    )  # fmt: skip


SOUND = replace(film(3.0), frames=(), instants_seconds=())
SILENT = film(3.0, sound=False)


def test_a_bar_a_place_the_answer_in_colour() -> None:
    ax = drawn(plot_windows, match())
    every, answer = ax.containers
    assert [round(bar.get_height(), 4) for bar in every] == [0.25] * 2 + [0.4167, 0.5833, 0.75, 0.5833, 0.4167, 0.25]
    assert [bar.get_x() for bar in every] == list(range(8))
    (bar,) = answer
    assert (bar.get_x(), bar.get_width(), bar.get_height()) == (4, 1, 0.75)
    assert style.blend(bar.get_facecolor(), "w", 0) == style.ACCENT


def test_too_many_places_for_bars_are_an_outline() -> None:
    ax = drawn(plot_windows, match(3600, 5, 1800))
    assert len(ax.containers) == 1  # the answer's
    (outline,) = ax.collections
    points = outline.get_paths()[0].vertices
    assert (points[:, 0].min(), points[:, 0].max()) == (0, 3596)
    assert points[:, 1].max() == pytest.approx(0.75)


@pytest.mark.parametrize("beyond", [-0.4, 0.0, 0.3])
def test_the_answers_seconds_are_in_colour_to_the_last(beyond: float) -> None:
    ax = drawn(plot_seconds, match(start=7, beyond=beyond))
    every, answer = ax.collections
    right = [area.get_datalim(ax.transData).x1 for area in (every, answer)]
    assert right == pytest.approx([10 + beyond] * 2)
    assert answer.get_datalim(ax.transData).x0 == 7


@pytest.mark.parametrize(
    ("direction", "query", "inside", "rows"),
    [
        ("a2v", SOUND, film(), ["query", "frames", "sound"]),
        ("a2v", SOUND, film(sound=False), ["query", "frames"]),
        ("v2a", SILENT, film(), ["query", "frames", "sound"]),
        ("v2a", SILENT, replace(film(), frames=(), instants_seconds=()), ["query", "sound"]),
    ],
)
def test_the_figure_has_a_row_for_everything_there_is(direction, query, inside, rows) -> None:
    figure = match_figure(match(direction=direction), query, inside)
    assert [ax.get_label() for ax in figure.axes] == [*rows, "each second", "score if it\nstarts here"]
    assert {ax.get_xlim() for ax in figure.axes[1:]} == {(0, 10)}
    assert figure.axes[0].get_xlim() == (0, 3)
    found = {"a2v": "sound found in the picture", "v2a": "picture found in the sound"}[direction]
    words = [text.get_text() for text in figure.texts]
    assert words == ["bark.wav in holiday.mp4", f"{found}: 4 s to 7 s, score 0.75, margin 1.50, by the model mine"]
    assert "margin" not in match_figure(replace(match(), margin=None), SOUND, film()).texts[1].get_text()


@pytest.mark.parametrize(("seconds", "start", "middle"), [(10, 4, 0.55), (10, 0, None), (3600, 1800, 0.5)])
def test_the_query_lies_above_its_place(seconds: int, start: int, middle: float | None) -> None:
    figure = match_figure(match(seconds, 3, start), SOUND, film(float(seconds)))
    query, row = figure.axes[0].get_position(), figure.axes[1].get_position()
    assert query.width >= 0.3 * row.width
    assert query.x0 >= row.x0 - 1e-9
    if middle is None:
        assert query.x0 == pytest.approx(row.x0)
    else:
        assert (query.x0 + query.x1) / 2 == pytest.approx(row.x0 + middle * row.width, abs=1e-3)


@pytest.mark.parametrize(("seconds", "length"), [(2, 1), (10, 9), (61, 3), (3600, 5)])
@pytest.mark.parametrize("portrait", [False, True])
def test_no_text_leaves_the_picture_or_overlaps_another(seconds: int, length: int, portrait: bool) -> None:
    size = (64, 36) if portrait else (36, 64)
    found = match(seconds, length, seconds - length, query="a" * 300 + ".mp4", inside="b" * 300 + ".mp4")
    for query in (film(float(length), *size), replace(film(float(length)), frames=(), instants_seconds=())):
        figure = match_figure(found, query, film(float(seconds), *size))
        check_texts(figure)


@pytest.mark.parametrize("direction", ["a2v", "v2a"])
def test_a_match_draws_itself_from_its_recordings(video: Path, tmp_path: Path, direction: str) -> None:
    found = match(3, 1, 1, direction, query=str(video), inside=str(video))
    ax = replace(found, query_start_seconds=1.0, query_end_seconds=2.0).plot(tmp_path / "new" / "match.png")
    assert (tmp_path / "new" / "match.png").read_bytes().startswith(b"\x89PNG")
    query, *_ = ax.figure.axes
    pictures = [image.get_array() for image in query.images]
    if direction == "v2a":
        assert all(picture.ndim == 3 and abs(picture.mean() - 120) < 8 for picture in pictures)  # of the middle second
    else:
        (spectrogram,) = pictures
        assert spectrogram.max() > -30  # the tone of the middle second
    assert ax.figure.texts[0].get_text() == f"{video.name} in {video.name}"


def test_the_recordings_must_be_where_they_were() -> None:
    with pytest.raises(MediaError, match=r"bark\.wav does not exist"):
        plot_match(match())
