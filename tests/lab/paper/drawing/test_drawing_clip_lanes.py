"""Pictures of clips that need no video."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dmin.lab.paper.drawing.clip_lanes import events_figure, plot_places, plot_window_scores, query_figure
from dmin.report import style
from dmin.results.events import Event
from report.report_examples import answer, drawn, film


def placed(start: int, predicted: int, scores: tuple[float, ...] = (-3.0, 1.0, 5.0, 2.0)) -> SimpleNamespace:
    return SimpleNamespace(seconds=6, start=start, length=3, predicted_start=predicted, window_scores=scores)


def names(figure) -> list[str]:
    return [ax.get_label() for ax in figure.axes]


def test_events_are_drawn_over_the_truth_without_a_video() -> None:
    figure = events_figure(answer(Event(2, 5, "Dog", 0.7)), [Event(1, 5, "Dog", 1.0)], "a clip", "3 of 4 right")
    assert names(figure) == ["relevance", "events"]
    assert [text.get_text() for text in figure.texts] == ["a clip", "3 of 4 right"]
    bars = {bars.get_label(): bars[0] for bars in figure.axes[1].containers}
    assert (bars["found"].get_x(), bars["found"].get_width()) == (2, 3)
    assert (bars["truth"].get_x(), bars["truth"].get_width()) == (1, 4)


def test_a_query_is_drawn_with_footage_where_there_is_some() -> None:
    assert names(query_figure(placed(1, 2), "a2v", "a clip", "found late")) == ["query", "score if it\nstarts here"]
    figure = query_figure(placed(1, 2), "v2a", "a clip", "found late", film(6.0))
    assert names(figure) == ["frames", "sound", "query", "score if it\nstarts here"]
    assert figure.texts[1].get_text() == "picture searched in the sound: found late"


@pytest.mark.parametrize(("predicted", "colour"), [(2, style.ACCENT), (3, style.SECOND)])
def test_an_exact_answer_has_another_colour_than_a_wrong_one(predicted: int, colour: str) -> None:
    ax = drawn(plot_places, placed(2, predicted))
    found, truth = (container[0] for container in ax.containers)
    assert (found.get_x(), found.get_width(), truth.get_x(), truth.get_width()) == (predicted, 3, 2, 3)
    bars = drawn(plot_window_scores, placed(2, predicted)).containers[0]
    rgb = [tuple(np.round(bar.get_facecolor()[:3], 3)) for bar in (found, bars[predicted])]
    assert rgb == [tuple(np.round(style.to_rgb(colour), 3))] * 2


def test_bars_of_windows_rise_with_their_scores_and_equal_scores_are_no_error() -> None:
    heights = [bar.get_height() for bar in drawn(plot_window_scores, placed(0, 2)).containers[0]]
    assert np.argsort(heights).tolist() == [0, 1, 3, 2]
    assert 0 < min(heights) < max(heights) < 1
    level = [bar.get_height() for bar in drawn(plot_window_scores, placed(0, 0, (1.0, 1.0))).containers[0]]
    assert level[0] == level[1]
