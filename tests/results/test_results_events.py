from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import DataError, DminError
from dmin.results.events import Event, Events, Second
from dmin.results.merging import Merger, merge_seconds


def answer(*relevances: float, categories: str = "", attention: bool = False) -> Events:
    """An answer whose events are merged at 0.5."""
    names = categories or "D" * len(relevances)
    rows = tuple(
        Second(float(t), relevance, name, {"D": 0.5, "C": 0.25} | {name: 1.0})
        for t, (relevance, name) in enumerate(zip(relevances, names, strict=True))
    )
    maps = np.arange(len(rows) * 4, dtype=np.float32).reshape(-1, 2, 2) if attention else None
    events = merge_seconds(rows, 0.5, float(len(rows)))
    return Events("dog.mp4", float(len(rows)), "starter", 0.5, rows, events, maps)


def spans(events: Events) -> list[tuple[float, float]]:
    return [(event.start_seconds, event.end_seconds) for event in events]


def test_the_nearest_second_is_the_first_of_the_highest_relevance():
    events = answer(0.1, 0.4, 0.2, 0.4)
    assert events.nearest is events.seconds[1]
    assert Events("dog.mp4", 0.0, "starter", 0.5, (), ()).nearest is None


def test_events_are_a_sequence():
    events = answer(0.9, 0.1, 0.9, 0.1, 0.9)
    assert list(events) == [events[0], events[1], events[2]]
    assert events[-1] == events[2]
    assert events[:2] == events.events[:2]
    assert events[::-1] == events.events[::-1]


def test_a_part_has_the_events_cut_at_its_borders():
    events = answer(0.9, 0.9, 0.9, 0.1, 0.9, 0.9, attention=True)  # 0 to 3, 4 to 6
    part = events.between(1.5, 4.5)
    assert spans(part) == [(1.5, 3), (4, 4.5)]
    assert [second.start_seconds for second in part.seconds] == [1, 2, 3, 4]
    assert np.array_equal(part.attention, events.attention[1:5])
    assert (part.duration_seconds, part[0].score) == (6.0, events[0].score)
    assert spans(events.between(3, 4)) == []
    assert [second.start_seconds for second in events.between(3, 4).seconds] == [3]
    assert events.between(0, 100) == events
    assert not events.between(50, 100).seconds
    with pytest.raises(DataError, match="4 to 4 s holds nothing: the end must be after the start"):
        events.between(4, 4)


def test_a_part_without_seconds_has_no_attention_left():
    assert answer(0.9, attention=True).between(5, 6).attention.shape == (0, 2, 2)


@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.8]), st.sampled_from("DC")), min_size=1), st.floats(0, 6))
def test_events_are_runs_of_a_category_at_the_threshold(seconds, min_seconds):
    events = answer(*(relevance for relevance, _ in seconds), categories="".join(name for _, name in seconds))
    found = merge_seconds(events.seconds, 0.5, events.duration_seconds, min_seconds)
    runs: list[list[int]] = []
    for t, (relevance, name) in enumerate(seconds):
        goes_on = runs and runs[-1][-1] == t - 1 and seconds[t - 1][1] == name
        if relevance >= 0.5:
            runs[-1:] = [[*runs[-1], t]] if goes_on else [*runs[-1:], [t]]
    long = [run for run in runs if len(run) >= min(min_seconds, len(seconds))]
    assert [(e.start_seconds, e.end_seconds, e.category) for e in found] == [
        (run[0], run[-1] + 1, seconds[run[0]][1]) for run in long
    ]
    for event, run in zip(found, long, strict=True):
        assert event.score == pytest.approx(np.mean([seconds[t][0] for t in run]), abs=1e-6)


def test_the_last_event_ends_with_the_video():
    rows = answer(0.9, 0.9, 0.9).seconds
    assert merge_seconds(rows, 0.5, 2.75)[0] == Event(0.0, 2.75, "D", 0.9)
    assert merge_seconds(rows, 0.5, 2.75, min_seconds=10)[0].end_seconds == 2.75  # all of it is long enough


def test_a_merger_can_be_closed_at_any_time():
    merger = Merger(0.5)
    assert merger.close() is None
    for second in answer(0.9, 0.9).seconds:
        assert merger.add(second) is None
    assert merger.close() == Event(0.0, 2.0, "D", 0.9)
    assert merger.close() is None


@pytest.mark.parametrize("min_seconds", [-1.0, float("nan")])
def test_an_impossible_shortest_event_is_refused(min_seconds):
    with pytest.raises(DminError, match=f"min_seconds is {min_seconds:g}: must be 0 or more"):
        Merger(0.5, min_seconds)
