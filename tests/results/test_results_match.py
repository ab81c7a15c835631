from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dmin import Match
from dmin.results.match import Window

SCORES = (0.1, 0.7, 0.9, 0.8, 0.2)
MATCH = Match(
    query="a/bark.wav", inside="holiday.mp4", direction="a2v", model="mine", query_start_seconds=1.5,
    query_end_seconds=3.5, query_seconds=2, duration_seconds=6.25, start_seconds=2.0, end_seconds=4.0, score=0.9,
    margin=1.25, windows=tuple(Window(float(t), score) for t, score in enumerate(SCORES)),
    seconds=(0.1, 0.1, 0.9, 0.9, 0.2, 0.2),
)  # fmt: skip


def test_it_says_what_was_found():
    words = "Match('a/bark.wav' inside 'holiday.mp4', a2v: 2 to 4 s of 6.25 s, score 0.90)"
    assert repr(MATCH) == words


def test_json_has_everything_but_the_single_seconds(tmp_path):
    text = MATCH.to_json(tmp_path / "new" / "match.json")
    assert (tmp_path / "new" / "match.json").read_text() == text
    data = json.loads(text)
    assert data.pop("windows") == [{"start": float(t), "score": score} for t, score in enumerate(SCORES)]
    assert data == {
        "query": "a/bark.wav",
        "inside": "holiday.mp4",
        "direction": "a2v",
        "model": "mine",
        "query_start": 1.5,
        "query_end": 3.5,
        "query_seconds": 2,
        "duration_seconds": 6.25,
        "start": 2.0,
        "end": 4.0,
        "score": 0.9,
        "margin": 1.25,
    }
    assert json.loads(replace(MATCH, margin=None).to_json())["margin"] is None


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_best_places_do_not_overlap(count):
    assert [window.start_seconds for window in MATCH.best(count)] == [2.0, 4.0, 0.0][:count]


def test_the_answer_is_the_first_of_the_best_even_if_another_has_a_larger_score():
    assert [w.start_seconds for w in replace(MATCH, start_seconds=1.0, end_seconds=3.0).best(9)] == [1.0, 3.0]
