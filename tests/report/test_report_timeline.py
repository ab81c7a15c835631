from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes

from dmin.errors import MediaError
from dmin.report import style
from dmin.report.timeline import plot_events, plot_lanes, plot_relevance, timeline_figure
from dmin.results.events import Event, Events
from report.figure_checks import check_texts
from report.report_examples import CATEGORIES, answer, drawn, film

DOG, BELL = Event(0, 4, "Dog", 0.91), Event(6, 9, "Bell", 0.62)


def bars(ax: Axes, kind: str) -> list[tuple[float, float, str]]:
    """Start, end and colour of each bar, in order of time."""
    found = [bar for container in ax.containers if container.get_label() == kind for bar in container]
    return sorted(
        (bar.get_x(), bar.get_x() + bar.get_width(), style.blend(bar.get_facecolor(), "w", 0)) for bar in found
    )


def lanes(events: Events, truth: Sequence[Event] = ()) -> Axes:
    return drawn(plot_lanes, events, truth)


def words(ax: Axes) -> set[str]:
    return {text.get_text() for text in ax.texts}


def names(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_yticklabels()]


def test_a_bar_an_event_with_name_score_and_colour() -> None:
    ax = lanes(answer(DOG, BELL))
    assert bars(ax, "found") == [(0, 4, "#0072b2"), (6, 9, "#d55e00")]
    assert bars(ax, "truth") == []
    assert words(ax) == {"Dog 0.91", "Bell 0.62"}
    assert names(ax) == ["Dog", "Bell"]


def test_the_truth_lies_beneath_what_was_found() -> None:
    ax = lanes(answer(DOG), [Event(0, 5, "Dog", 1), Event(7, 8, "Cat", 1)])
    assert [bar[:2] for bar in bars(ax, "found")] == [(0, 4)]
    assert [bar[:2] for bar in bars(ax, "truth")] == [(0, 5), (7, 8)]
    assert names(ax) == ["Dog", "Cat"]
    assert words(ax) == {"Dog 0.91", "found", "truth"}


def test_no_event() -> None:
    assert words(lanes(answer())) == {"no event: relevance stays below 0.50"}
    assert words(lanes(answer(threshold=0.05))) == {"no event"}  # too short ones were dropped


def test_colours_are_the_same_in_every_video_of_a_model() -> None:
    late = Event(4, 6, "Bell", 0.5)
    assert bars(lanes(answer(late)), "found")[0][2] == bars(lanes(answer(DOG, BELL)), "found")[1][2]


def test_scores_stand_behind_narrow_bars_where_there_is_room() -> None:
    close = [Event(10, 12, "Dog", 0.91), Event(14, 16, "Dog", 0.92), Event(60, 62, "Dog", 0.93)]
    assert words(lanes(answer(*close, seconds=120))) == {"0.92", "0.93"}


def test_names_with_signs_are_drawn_as_they_are() -> None:
    ax = lanes(answer(Event(0, 9, r"$\frac{a$ & <b>", 0.5)))
    ax.figure.canvas.draw()
    assert words(ax) == {r"$\frac{a$ & <b> 0.50"}


def test_more_categories_than_lanes_share_the_last_one() -> None:
    ax = lanes(answer(*(Event(t, t + 1, f"c{t}", 0.5) for t in range(40)), seconds=40))
    assert names(ax) == [*(f"c{t}" for t in range(15)), "25 others"]
    assert len(bars(ax, "found")) == 40


@pytest.mark.parametrize(
    ("seconds", "first", "last"),
    [
        (1, "0 s", "1 s"),
        (10, "0 s", "10 s"),
        (100, "0 s", "100 s"),
        (600, "0:00", "10:00"),
        (7200, "0:00:00", "2:00:00"),
    ],
)
def test_times_fit_the_length(seconds: int, first: str, last: str) -> None:
    ax = lanes(answer(seconds=seconds))
    ax.figure.canvas.draw()
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert (labels[0], labels[-1]) == (first, last)
    assert len(labels) <= 14


def test_relevance_has_the_threshold_and_the_events_colours() -> None:
    ax = drawn(plot_relevance, answer(DOG, threshold=0.4))
    assert "threshold\n0.40" in words(ax)
    curve, line = ax.lines
    assert list(curve.get_ydata()) == [0.9] * 4 + [0.1] * 7
    assert set(line.get_ydata()) == {0.4}
    colours = [style.blend(area.get_facecolor()[0], "w", 0) for area in ax.collections]
    assert colours == [style.LINE, "#0072b2"]


@pytest.mark.parametrize(
    ("attention", "rows"),
    [
        (True, ["frames", "looks at", "sound", "relevance", "events"]),
        (False, ["frames", "sound", "relevance", "events"]),
    ],
)
def test_the_figure_has_a_row_for_everything_there_is(attention: bool, rows: list[str]) -> None:
    figure = timeline_figure(answer(DOG, BELL, attention=attention), film())
    assert [ax.get_label() for ax in figure.axes] == rows
    assert {ax.get_xlim() for ax in figure.axes} == {(0, 10)}
    assert [text.get_text() for text in figure.texts] == ["holiday.mp4", "2 events in 10 s, by the model starter"]


@pytest.mark.parametrize("seconds", [1, 10, 61, 3600])
@pytest.mark.parametrize("portrait", [False, True])
def test_no_text_leaves_the_picture_or_overlaps_another(seconds: int, portrait: bool) -> None:
    found = [
        Event(t, min(t + 1 + t % 3, seconds), CATEGORIES[t % 3], 0.5) for t in range(0, seconds, max(4, seconds // 40))
    ]
    events = answer(*found, seconds=seconds, attention=True, video="a" * 300 + ".mp4")
    footage = film(seconds, *((64, 36) if portrait else (36, 64)))
    figure = timeline_figure(events, footage, found[:2])
    check_texts(figure)


def test_events_draw_themselves_from_their_video(video: Path, tmp_path: Path) -> None:
    events = answer(DOG, seconds=3, video=str(video), attention=True)
    ax = events.plot(tmp_path / "new" / "timeline.png")
    assert (tmp_path / "new" / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert ax.get_label() == "events"
    assert ax.figure.texts[0].get_text() == video.name
    assert "truth" in words(plot_events(events, truth=[DOG]))


def test_a_name_that_is_not_utf8_has_replacement_characters(tmp_path: Path) -> None:
    figure = timeline_figure(answer(DOG, video=os.fsdecode(b"a/caf\xe9.mp4")), film())
    assert figure.texts[0].get_text() == "caf\N{REPLACEMENT CHARACTER}.mp4"
    for name in ("a.png", "a.svg", "a.pdf"):
        style.save(figure, tmp_path / name)
    ElementTree.parse(tmp_path / "a.svg")


def test_the_video_must_be_where_it_was() -> None:
    with pytest.raises(MediaError, match=r"holiday\.mp4 does not exist"):
        plot_events(answer())


def test_drawing_leaves_no_figures_open() -> None:
    import matplotlib.pyplot as plt

    timeline_figure(answer(DOG), film())
    assert plt.get_fignums() == []


def test_a_real_clip(shared: Path) -> None:
    video = shared / "clips" / "53UdZyM9MyE_252000_262000.mp4"
    figure = timeline_figure(answer(DOG, attention=True, duration_seconds=10.0), video)
    frames = figure.axes[0].images
    assert len(frames) == 10
    assert frames[0].get_array().shape == (200, 160, 3)  # portrait


def test_an_hour_of_many_events_is_drawn_without_a_line_that_blackens_it() -> None:
    events = answer(*(Event(t, t + 3, CATEGORIES[t % 3], 0.5) for t in range(0, 3600, 10)), seconds=3600)
    assert len(drawn(plot_relevance, events).lines) == 1  # the threshold
    assert len(bars(lanes(events), "found")) == 360


def test_a_part_of_an_answer_is_drawn_at_its_place() -> None:
    whole = answer(DOG, BELL, attention=True)
    figure = timeline_figure(whole.between(6, 9), film())
    check_texts(figure)
    looks = next(ax for ax in figure.axes if ax.get_label() == "looks at")
    # Frames fade where the part has no seconds: those of seconds 6 to 8 alone are drawn strongly.
    strong = [np.asarray(image.get_array())[..., :3].min() < 100 for image in looks.get_images()]
    assert strong == [6 <= t < 9 for t in range(10)]
