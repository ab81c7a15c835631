"""A task of Label Studio with predictions, for its labeling of timelines of videos."""

from __future__ import annotations

import json
from typing import Any

from dmin.errors import DataError, DminError
from dmin.results.events import Events, dumps
from dmin.results.formats import writes
from dmin.results.formats.reading import Label, reads


@writes("labelstudio", ".labelstudio.json", "a task of Label Studio with predictions on the timeline")
def to_labelstudio(events: Events) -> str:
    """A list of one task; each event is a ``timelinelabels`` of frames from 1, the first and the last one included.

    Its labeling configuration names the control ``timeline`` and the video ``video``, whose frame rate is the video's.

    Raises:
        DminError: Nobody knows the video's frame rate.
    """
    rate = events.frames_per_second
    if rate is None:
        raise DminError(
            f"the frame rate of {events.video} is not known, and Label Studio counts frames: localize it again"
        )
    results = []
    for number, event in enumerate(events, start=1):
        first = round(event.start_seconds * rate) + 1
        last = max(first, round(event.end_seconds * rate))
        value = {"ranges": [{"start": first, "end": last}], "timelinelabels": [event.category]}
        names = {"id": f"event{number}", "from_name": "timeline", "to_name": "video", "type": "timelinelabels"}
        results.append({**names, "value": value, "score": event.score})
    scores = [event.score for event in events]
    prediction = {"model_version": events.model, "score": max(scores, default=0.0), "result": results}
    return dumps([{"data": {"video": events.video, "fps": rate}, "predictions": [prediction]}])


@reads("export of Label Studio", ".json", fits=lambda text: '"timelinelabels"' in text or '"predictions"' in text)
def from_labelstudio(text: str) -> list[Label]:
    """Frames that were labelled on the timeline of an export; predictions where a task has no annotation.

    Frames count from 1, and both ends belong to a range. A result says its frame rate, or its length and number of
    frames.

    Raises:
        DataError: A result does not say how long a frame is.
    """
    return [
        Label(_video(task), (span["start"] - 1) / rate, span["end"] / rate, name)
        for task in json.loads(text)
        for answer in (task.get("annotations") or task.get("predictions") or [])
        for result in answer["result"]
        if result["type"] == "timelinelabels"
        for rate in [_rate(result, task)]
        for span in result["value"]["ranges"]
        for name in result["value"]["timelinelabels"]
    ]


def _video(task: dict[str, Any]) -> str:
    return str(next(value for name, value in task["data"].items() if name.startswith("video")))


def _rate(result: dict[str, Any], task: dict[str, Any]) -> float:
    """Frames a second of the video of a result."""
    places = (result, result["value"], task["data"], task.get("meta") or {})
    for place in places:
        for name in ("frames_per_second", "framerate", "frame_rate", "fps"):
            if name in place:
                return float(place[name])
        if {"framesCount", "duration"} <= place.keys():
            return float(place["framesCount"]) / float(place["duration"])
    raise DataError(
        f'the task of {_video(task)} does not say its frame rate: add it to the task\'s data, e.g. "fps": 25'
    )
