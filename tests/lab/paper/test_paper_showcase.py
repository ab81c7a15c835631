"""The clips that the page shows: chosen by rule, and drawn as the evaluation counted them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dmin.data.clips import ClipDataset
from dmin.evaluation import predict
from dmin.inference import Localizer
from dmin.lab.paper.showcase import (
    events_figure,
    events_of,
    extremes,
    localized_clips,
    matched_clips,
    plot_places,
    plot_window_scores,
    query_figure,
)
from dmin.report import style
from dmin.results.events import Event
from dmin.tasks.scores import spans
from report.report_examples import answer, drawn, film


def test_among_equals_the_first_by_id_is_taken() -> None:
    scores = {"d": 0.2, "c": 0.9, "b": 0.9, "a": 0.5, "e": 0.2}
    assert extremes(list(scores), scores.__getitem__, str) == {"worst": "d", "best": "b"}
    assert extremes(["b", "a"], lambda _: 0.5, str) == {"best": "a"}


def test_events_drawn_from_features_are_those_that_were_scored(tiny_run: Path, tiny_store: Path) -> None:
    localizer = Localizer.from_pretrained(tiny_run)
    clips = ClipDataset(tiny_store, "test", localizer.categories)
    found = 0
    for index, result in enumerate(predict(localizer, clips)):
        events = events_of(localizer, clips[index])
        drawn = [(event.category, event.start_seconds, event.end_seconds) for event in events]
        scored = spans(result.predicted, len(localizer.categories))
        assert drawn == [(localizer.categories[span.label], span.start, span.stop) for span in scored]
        assert np.isclose(sum(events.seconds[0].scores.values()), 1)
        found += len(events)
    assert found


def test_clips_without_videos_are_drawn_from_features(tiny_run: Path, tiny_store: Path) -> None:
    shown = localized_clips(tiny_run, "the model", tiny_store, {})
    for clip in shown:
        titles = [text.get_text() for text in clip.figure.texts]
        assert titles[0] == clip.video_id
        assert titles[1] == f"{clip.words}, by the model the model; drawn from features"
    accuracy = [int(clip.words.split()[0]) for clip in shown]
    assert accuracy == sorted(accuracy)


def test_answers_of_matching_are_ranked_by_their_distance_from_the_truth(tmp_path: Path) -> None:
    def result(video_id: str, predicted: int) -> dict:
        scores = [0.0] * 7
        return {
            "video_id": video_id, "window_start": 0, "seconds": 10, "start": 3, "length": 4,
            "predicted_start": predicted, "window_scores": scores, "cca_start": 1,
        }  # fmt: skip

    results = [result("a", 4), result("b", 6), result("c", 0), result("d", 3)]
    (tmp_path / "metrics.json").write_text(json.dumps({"direction": "v2a", "results": results}))
    worst, best = matched_clips(tmp_path, "the model", {})
    assert (worst.video_id, worst.words) == ("b", "3 s too late")
    assert (best.video_id, best.words) == ("d", "exactly")
    about = worst.figure.texts[1].get_text()
    assert about == "picture searched in the sound: a query of 4 s, found 3 s too late, by the model the model"


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
