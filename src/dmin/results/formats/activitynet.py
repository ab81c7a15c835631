"""The JSON of ActivityNet's challenges of temporal localization."""

from __future__ import annotations

from dmin.results.events import Events, dumps
from dmin.results.formats import video_id, writes


@writes("activitynet", ".activitynet.json", "ActivityNet's results, read by scorers of localization")
def to_activitynet(events: Events) -> str:
    """The results of one video: segments in seconds with label and score."""
    found = [
        {"segment": [event.start_seconds, event.end_seconds], "label": event.category, "score": event.score}
        for event in events
    ]
    return dumps({"version": "VERSION 1.3", "results": {video_id(events): found}, "external_data": {"used": False}})
