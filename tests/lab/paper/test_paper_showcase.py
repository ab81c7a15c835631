"""The clips that the page shows: chosen by rule, and drawn as the evaluation counted them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from dmin.data.clips import ClipDataset
from dmin.evaluation import predict
from dmin.inference import Localizer
from dmin.lab.paper.showcase import events_of, extremes, localized_clips, matched_clips
from dmin.tasks.scores import spans


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
