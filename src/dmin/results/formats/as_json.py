"""JSON: everything; the one format that is read back whole."""

from __future__ import annotations

import json
import sys
from typing import Any

from dmin.errors import DminError
from dmin.results.events import Event, Events, Second, dumps
from dmin.results.formats import writes
from dmin.results.formats.reading import Label, reads


@writes("json", ".json", "everything, second by second; dmin reads it back")
def to_json(events: Events) -> str:
    """Everything: seconds with their scores, and events."""
    return dumps(events.to_dict())


def from_json(text: str) -> Events:
    """Events as `to_json` wrote them; what it does not write (attention) is None.

    Raises:
        DminError: The text is no JSON, or not of this layout; the message names the place.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}: {error.msg}"
        raise DminError(f"not JSON ({place}): give a file that `dmin localize` wrote") from error
    except RecursionError as error:
        raise DminError("JSON that is nested too deeply: give a file that `dmin localize` wrote") from error
    seconds = tuple(_second(row, place) for place, row in _rows(data, "seconds"))
    events = tuple(
        Event(
            _take(row, "start", float, place),
            _take(row, "end", float, place),
            _take(row, "category", str, place),
            _take(row, "score", float, place),
        )
        for place, row in _rows(data, "events")
    )
    return Events(
        video=_take(data, "video", str, ""),
        duration_seconds=_take(data, "duration_seconds", float, ""),
        model=_take(data, "model", str, ""),
        threshold=_take(data, "threshold", float, ""),
        seconds=seconds,
        events=events,
        frames_per_second=_take(data, "frames_per_second", float, "") if "frames_per_second" in data else None,
    )


def _second(row: Any, place: str) -> Second:
    named = _take(row, "scores", dict, place)
    scores = {name: _take(named, name, float, f"{place}.scores") for name in named}
    category = _take(row, "category", str, place)
    if category not in scores:
        raise DminError(f"{place}.category is {category!r}, which {place}.scores does not name: correct one of them")
    return Second(_take(row, "start", float, place), _take(row, "relevance", float, place), category, scores)


def _rows(data: Any, key: str) -> list[tuple[str, Any]]:
    return [(f"{key}[{index}]", row) for index, row in enumerate(_take(data, key, list, ""))]


def _take(row: Any, key: str, kind: type, place: str) -> Any:
    """A value of an object, checked."""
    if not isinstance(row, dict):
        raise DminError(f"{place or 'the file'} is {type(row).__name__}: must be an object")
    name = f"{place}.{key}".lstrip(".")
    if key not in row:
        raise DminError(f"{name} is missing: give a file that `dmin localize` wrote")
    value = row[key]
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= sys.float_info.max:  # JSON itself knows no NaN, but Python reads it
            raise DminError(f"{name} is {value!s:.40}: must be a finite number")
        return float(value)
    if not isinstance(value, kind):
        words = {float: "a number", str: "a text", list: "a list", dict: "an object"}
        raise DminError(f"{name} is {value!r:.40}: must be {words[kind]}")
    return value


@reads("answer of `dmin localize`", ".json", fits=lambda text: '"events"' in text and '"relevance"' in text)
def labels_of_json(text: str) -> list[Label]:
    """Events that `dmin localize` found, perhaps corrected by hand."""
    events = from_json(text)
    return [Label(events.video, event.start_seconds, event.end_seconds, event.category) for event in events]
