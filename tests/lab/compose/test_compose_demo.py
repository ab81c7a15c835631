"""The clip that the demo shows is chosen by rule, not by success."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from dmin.data.annotations import Annotation
from dmin.evaluation import ClipResult
from dmin.lab.compose.demo import truth_of, typical
from dmin.results.events import Event


def result(video_id: str, right: int) -> ClipResult:
    labels = np.zeros(10, np.int64)
    return ClipResult(video_id, labels, np.where(np.arange(10) < right, 0, 1), labels, np.ones(10, bool), (0,))


def folder(**lines: Annotation) -> Any:
    return SimpleNamespace(lines={video_id: (line,) for video_id, line in lines.items()})


def event(start: float, end: float) -> Annotation:
    return Annotation("Bell", "", "good", start, end)


def test_the_median_of_the_clips_whose_event_lies_inside_is_shown() -> None:
    lines = {"a": event(2, 5), "b": event(1, 9), "c": event(3, 4), "whole": event(0, 10), "late": event(4, 10)}
    lines["none"] = Annotation("Background", "none", "good", 0, 0)
    accuracies = {"a": 3, "b": 9, "c": 7, "whole": 10, "late": 10, "none": 10}
    results = [result(video_id, right) for video_id, right in accuracies.items()]
    assert typical(results, folder(**lines)) == "c"


def test_without_such_clips_the_median_of_all_is_shown() -> None:
    results = [result("x", 2), result("y", 6), result("z", 9)]
    assert typical(results, folder(x=event(0, 10), y=event(0, 10), z=event(0, 10))) == "y"


def test_a_line_that_ends_where_it_starts_is_no_event() -> None:
    assert truth_of([event(0, 0), event(2, 5)]) == (Event(2, 5, "Bell", 1.0),)
