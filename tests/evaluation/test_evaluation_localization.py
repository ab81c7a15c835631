import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import ClipDataset
from dmin.errors import ModelError
from dmin.evaluation import ClipResult, evaluate, predict, report
from dmin.inference import Localizer
from dmin.models.outputs import JointOutput
from dmin.report.figures import save_scores
from oracles import when_and_what as oracle


def clip(labels, predicted, best, named=(0,), timed=None):
    predicted = np.array(predicted)
    timed = predicted < 2 if timed is None else np.array(timed)
    return ClipResult("a", np.array(labels), predicted, np.array(best), timed, named)


def test_every_figure_on_two_clips_counted_by_hand():
    clips = [
        clip([0, 0, 2, 2], [0, 2, 2, 0], [0, 0, 0, 0]),
        clip([2, 2, 2, 2], [2, 2, 2, 1], [1, 1, 1, 1], named=()),
    ]
    figures = report(clips, ("Dog", "Rain"), "m", "d", "test", 0.5)
    assert figures.segment_accuracy.value == 5 / 8
    assert (figures.segment_accuracy.low, figures.segment_accuracy.clips) == (None, 2)
    assert figures.priors.all_background == 6 / 8
    assert figures.priors.every_second_is_event == 2 / 8
    assert figures.category_accuracy_given_event.value == 1.0
    assert figures.relevance_f1 == 2 * 1 / (2 + 3)
    assert figures.false_event_seconds.value == 1 / 4
    assert figures.confusion.tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 4]]
    assert figures.event_f1["0.5"] == 2 * 1 / (1 + 3)
    assert [row.recall for row in figures.categories] == [0.5, 0.0]
    assert figures.event_accuracy.value == 5 / 8
    # True: an end before second 2. Said: an end before second 1, and a start before second 3 of both clips.
    assert {off: each.value for off, each in figures.boundary_f1.items()} == {"0": 0.0, "1": 2 * 1 / (1 + 3)}
    assert figures.groups is None


C = 3
seconds = st.lists(st.tuples(st.integers(0, C), st.integers(0, C - 1), st.booleans()), min_size=1, max_size=8)


@given(st.lists(seconds, min_size=1, max_size=7))
def test_when_and_what_are_those_of_the_oracle(drawn):
    clips = []
    for parts in drawn:
        labels, best, timed = (np.array(part) for part in zip(*parts, strict=True))
        clips.append(ClipResult("a", labels, np.full_like(labels, C), best, timed, ()))
    figures = report(clips, ("Dog", "Rain", "Bell"), "m", "d", "test", 0.5)
    pairs = [(clip.labels, clip.timed) for clip in clips]
    assert figures.event_accuracy.value == oracle.event_accuracy(pairs, C)
    assert figures.category_accuracy_given_event.value == oracle.category_accuracy(
        [(clip.labels, clip.best_category) for clip in clips], C
    )
    assert set(figures.boundary_f1) == {"0", "1"}
    for off, found in figures.boundary_f1.items():
        assert found.value == pytest.approx(oracle.boundary_f1(pairs, C, int(off)), abs=1e-12)


def test_boundaries_have_an_interval_over_clips():
    good = clip([2, 0, 0, 2], [2, 0, 0, 2], [0] * 4)
    bad = clip([2, 0, 0, 2], [2, 2, 2, 2], [0] * 4)
    found = report([good] * 6 + [bad] * 2, ("Dog", "Rain"), "m", "d", "test", 0.5).boundary_f1["0"]
    assert found.value == 2 * 12 / (12 + 16)
    assert found.clips == 8
    assert 0.5 < found.low < found.value < found.high <= 1.0


def test_a_model_is_told_all_categories_of_a_clip_before_it_says_when(tiny_store):
    """The network finds Rain in every second, and Dog a little above background in the second half of each window."""

    def network(visual, audio, mask):
        logits = torch.tensor([-9.0, 0.0, 5.0, 0.0]).repeat(*audio.shape[:2], 1)  # Bell, Dog, Rain, background
        logits[:, 2:, 1] = 1.0
        logits[:, :2, 1] = -1.0
        return JointOutput(logits + 2)  # what counts is the distance to background

    localizer = SimpleNamespace(
        model=network,
        categories=("Bell", "Dog", "Rain"),
        device="cpu",
        settings=SimpleNamespace(threshold=0.5, window_seconds=6),
    )
    clips = ClipDataset(tiny_store, "train", localizer.categories, 6)
    results = {result.named: result for result in predict(localizer, clips)}
    assert {named: result.timed.tolist() for named, result in results.items()} == {
        (0,): [False] * 6,
        (1,): [False] * 2 + [True] * 4,
        (2,): [True] * 6,
        (): [True] * 6,  # of a clip of no category nothing can be told
    }
    assert (results[1,].predicted == 2).all()


def test_a_second_that_two_windows_see_is_counted_once_with_the_mean_of_both(tiny_store):
    """The network finds Dog in the first two seconds of each window with 0.9 and elsewhere with 0.3."""

    def network(visual, audio, mask):
        relevance = torch.full(audio.shape[:2], 0.3)
        relevance[:, :2] = 0.9
        return SimpleNamespace(
            relevance_logits=relevance.logit(), category_logits=torch.tensor([[0.0, 4.0, 0.0]]).expand(len(audio), 3)
        )

    localizer = SimpleNamespace(
        model=network,
        categories=("Bell", "Dog", "Rain"),
        device="cpu",
        settings=SimpleNamespace(threshold=0.5, window_seconds=4),
    )
    clips = ClipDataset(tiny_store, "train", localizer.categories, 4)
    told = []
    results = predict(localizer, clips, lambda *step: told.append(step))
    assert [result.video_id for result in results] == [f"clip{i:02d}" for i in range(16)]
    assert told[-1] == ("evaluate", 32, 32)
    background = 3
    for result in results:
        assert result.predicted.tolist() == [1, 1, 1, 1, background, background]  # 0.6 in seconds 2 and 3
    assert results[0].labels.tolist() == [0, 0, 0, 3, 3, 3]
    figures = report(results, localizer.categories, "m", "d", "train", 0.5)
    assert (figures.clips, figures.seconds, figures.segment_accuracy.clips) == (16, 16 * 6, 16)


@pytest.mark.slow
def test_a_trained_model_scores_and_its_report_is_saved(tiny_run, tiny_store, tmp_path, tiny_backbones):
    figures = evaluate(Localizer.from_pretrained(tiny_run), tiny_store, "test")
    assert figures.segment_accuracy.value >= 0.9
    figures.save(tmp_path)
    data = json.loads((tmp_path / "metrics.json").read_text())
    assert set(data["segment_accuracy"]) == {"value", "low", "high", "clips"}
    assert set(data["priors"]) == {"all_background", "every_second_is_event"}
    save_scores(figures, tmp_path)
    assert (tmp_path / "confusion.png").stat().st_size > 5000
    assert (tmp_path / "categories.png").stat().st_size > 3000


@pytest.mark.slow
def test_features_of_other_backbones_are_refused(tiny_run, tiny_store, tiny_backbones):
    localizer = Localizer.from_pretrained(tiny_run)
    localizer.settings = replace(localizer.settings, frames_per_second=3.0)
    with pytest.raises(ModelError, match="extract the videos again with the model's backbones"):
        evaluate(localizer, tiny_store)
