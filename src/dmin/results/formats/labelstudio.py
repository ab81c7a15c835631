"""A task of Label Studio with predictions, for its labeling of timelines of videos."""

from __future__ import annotations

from dmin.errors import DminError
from dmin.results.events import Events, dumps
from dmin.results.formats import writes


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
    return dumps([{"data": {"video": events.video}, "predictions": [prediction]}])
