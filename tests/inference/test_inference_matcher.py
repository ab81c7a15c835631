from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_fakes import Ear, Eye, levels, rigged_matcher, write_levels

from dmin.errors import MediaError, ModelError
from dmin.inference import Matcher, Recording, loading
from dmin.inference.matcher import _by_pairs, _by_seconds
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DCMR, DCMRConfig
from dmin.models.settings import MatcherSettings
from dmin.tasks.matching import window_scores

SHORT, LONG = levels(8), levels(23, seed=1)


@pytest.fixture(autouse=True)
def backbones(make_known):
    make_known(Eye, Ear)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """By name: recordings of 8 and 23 seconds with both, either, and a query of three seconds from within."""
    folder = tmp_path_factory.mktemp("recordings")
    for name, seconds in (("short", SHORT), ("long", LONG), ("query", LONG[13:16])):
        write_levels(folder / f"{name}.mkv", seconds)
        write_levels(folder / f"{name} silent.mkv", seconds, sound=False)
        write_levels(folder / f"{name}.wav", seconds, picture=False)
    return {path.name: path for path in folder.iterdir()}


BOTH = pytest.mark.parametrize("direction", ["a2v", "v2a"])


@BOTH
@pytest.mark.parametrize(("start", "end"), [(0, 1), (2, 5), (7, 8), (1, 8)])
def test_a_piece_of_a_clip_is_found_at_its_place(files, direction, start, end):
    match = rigged_matcher(direction)(
        files["short.mkv"], inside=files["short.mkv"], start_seconds=start, end_seconds=end
    )
    assert (match.start_seconds, match.end_seconds) == (start, end)
    assert (match.query_start_seconds, match.query_end_seconds, match.query_seconds) == (start, end, end - start)
    assert (match.direction, match.model, match.duration_seconds) == (direction, "rigged", 8.0)
    assert len(match.windows) == 8 - (end - start) + 1
    assert len(match.seconds) == 8
    assert match.score == pytest.approx(1 / (1 + np.exp(-4)), abs=0.01)
    assert match.score == match.windows[start].score == max(window.score for window in match.windows)
    assert (match.margin is None) == (end - start == 7)


@pytest.mark.parametrize(
    ("direction", "query", "inside"),
    [
        ("a2v", "query.wav", "long silent.mkv"),
        ("a2v", "query.mkv", "long.mkv"),
        ("v2a", "query silent.mkv", "long.wav"),
        ("v2a", "query.mkv", "long.mkv"),
    ],
)
def test_the_other_modality_need_not_be_there_and_a_recording_may_be_long(files, direction, query, inside):
    matcher = rigged_matcher(direction)
    match = matcher(files[query], inside=files[inside])
    assert (match.start_seconds, match.end_seconds, match.duration_seconds) == (13.0, 16.0, 23.0)
    assert len(match.windows) == 21
    assert matcher.model.lengths == [10, 10, 10, 10]  # from 0, 5, 10, 13
    assert match.margin > 0


def test_a_recording_is_looked_through_once_for_many_queries(files, monkeypatch):
    matcher = rigged_matcher()
    told = []
    inside = matcher.open(files["long.mkv"], lambda *report: told.append(report))
    assert told[-1] == ("search", 23, 23)
    assert inside.features.shape == (23, 1)
    assert inside.features.dtype == torch.float32
    assert inside.features[:, 0].numpy() == pytest.approx(LONG, abs=0.008)  # the mean over the regions
    monkeypatch.setattr(Eye, "forward", None)
    match = matcher(files["query.wav"], inside=inside)
    assert match.inside == str(files["long.mkv"])
    assert match.start_seconds == 13.0
    assert matcher(files["query.wav"], inside=inside, start_seconds=1.0).start_seconds == 14.0


def test_seconds_in_one_space_are_compared_place_by_place():
    similarity = torch.tensor([[0.0, -1.0], [2.0, 0.0], [-1.0, 3.0], [0.0, 1.0]])  # [T, K]
    found = _by_pairs(similarity)
    assert found.means.tolist() == [0.0, 2.5, 0.0]
    assert found.scores == pytest.approx([0.5, 1 / (1 + np.exp(-2.5)), 0.5])
    assert found.seconds == pytest.approx(1 / (1 + np.exp(-np.array([0.0, 2.0, 3.0, 1.0]))))


@given(st.integers(2, 40), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=40)
def test_the_answer_has_the_largest_sum_of_logits_as_in_the_paper(seconds, length, seed):
    length = min(length, seconds)
    logits = 3 * torch.randn(seconds, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    query = type("Query", (), {"count": length, "start_seconds": 0.0, "duration_seconds": float(length)})()
    found = _by_seconds(logits, query.count)
    match = rigged_matcher()._match("q", query, Recording("inside", seconds - 0.25, torch.zeros(seconds, 1)), found)
    sums = window_scores(logits[None], torch.tensor([length]), torch.ones(1, seconds, dtype=torch.bool))[0]
    best = int(sums.argmax())
    assert match.start_seconds == best
    assert match.end_seconds == min(best + length, seconds - 0.25)
    probabilities = logits.sigmoid()
    scores = [float(probabilities[k : k + length].mean()) for k in range(seconds - length + 1)]
    assert [window.score for window in match.windows] == pytest.approx(scores, abs=1e-6)
    apart = [float(total) for k, total in enumerate(sums) if abs(k - best) >= length and total > -torch.inf]
    if apart:
        assert match.margin == pytest.approx((float(sums[best]) - max(apart)) / length, abs=1e-4)
    else:
        assert match.margin is None


@pytest.mark.parametrize(
    ("direction", "query", "options", "words"),
    [
        ("a2v", "query silent.mkv", {}, "query silent.mkv has no audio stream: give a file with sound"),
        ("v2a", "query.wav", {}, "query.wav has no video stream: give a file with pictures"),
        ("a2v", "query.wav", {"start_seconds": 2.4}, "query of 0.60 s: at least 1 s is needed"),
        ("a2v", "query.wav", {"start_seconds": 2.01}, "query of 0.99 s: at least 1 s is needed"),
        ("a2v", "query.wav", {"start_seconds": 2.9}, "was cut to 0.10 s, from 2.9 to 3 s: at least 0.5 s"),
        ("a2v", "query.wav", {"end_seconds": 4}, "lasts 3.00 s: a piece from 0 to 4 s does not lie within it"),
        ("a2v", "query.wav", {"start_seconds": 2, "end_seconds": 1}, "from 2 to 1 s does not lie within it, or ends"),
        ("a2v", "query.wav", {"start_seconds": -1}, "a piece from -1 to 3 s does not lie within it"),
        ("a2v", "query.wav", {"start_seconds": float("nan")}, "does not lie within it"),
        ("a2v", "long.wav", {}, "a query of 23 s: model rigged finds 1 to 9 s, so choose a piece by its start and end"),
        ("a2v", "long.wav", {"end_seconds": 9}, "short.mkv has 8 s and the query 9 s: search a longer recording"),
        ("a2v", "gone.wav", {}, "gone.wav does not exist: check the name"),
    ],
)
def test_bad_queries_get_a_sentence(files, direction, query, options, words):
    path = files.get(query, files["query.wav"].with_name(query))
    with pytest.raises(MediaError) as caught:
        rigged_matcher(direction)(path, inside=files["short.mkv"], **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("direction", "inside", "words"),
    [("a2v", "long.wav", "long.wav has no video stream: give a file with pictures"),
     ("v2a", "long silent.mkv", "long silent.mkv has no audio stream: give a file with sound")],
)  # fmt: skip
def test_what_is_searched_must_have_the_other_modality(files, direction, inside, words):
    with pytest.raises(MediaError, match=words):
        rigged_matcher(direction)(files["query.mkv"], inside=files[inside])


def test_a_model_trained_with_context_warns_once():
    with pytest.warns(UserWarning, match="model rigged was trained with the whole clip around each query") as caught:
        rigged_matcher(protocol="context")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rigged_matcher()


@pytest.fixture
def model(tmp_path):
    config = DCMRConfig(
        "v2a", protocol="strict", visual_size=1, audio_size=1, width=8,
        encoder=EncoderConfig(layers=1, heads=2, hidden=8), inter_modality=InterModalityConfig(heads=2, hidden=8),
    )  # fmt: skip
    DCMR(config).double().save_pretrained(tmp_path / "model")
    MatcherSettings("match-eye", "1", "match-ear", "1", 2.0, 8000, window_seconds=10).save(tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_is_loaded_as_float32_and_answers(model, files):
    matcher = Matcher.from_pretrained(model)
    assert {parameter.dtype for parameter in matcher.model.parameters()} == {torch.float32}
    assert repr(matcher) == f"Matcher(model {model} finds up to 9 s of picture in the sound (v2a))"
    match = matcher(files["query silent.mkv"], inside=files["short.mkv"])
    assert len(match.windows) == 6
    assert all(0 < window.score < 1 for window in match.windows)


def test_an_unknown_model_says_what_can_be_given():
    with pytest.raises(
        ModelError, match="no model 'nothing': give .*a folder that `dmin train` wrote, or a repository"
    ):
        Matcher.from_pretrained("nothing")


def test_a_model_of_events_is_not_one_of_matching():
    with pytest.raises(
        ModelError,
        match="holds a DMIN, which does something else: give a model of AVDLN or DAMMatching or DCCA or DCMR",
    ):
        Matcher.from_pretrained(loading.STARTER)
