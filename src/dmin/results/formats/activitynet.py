"""The JSON of ActivityNet's challenges of temporal localization."""

from __future__ import annotations

import json

from dmin.results.events import Events, dumps
from dmin.results.formats import video_id, writes
from dmin.results.formats.reading import Label, reads


@writes("activitynet", ".activitynet.json", "ActivityNet's results, read by scorers of localization")
def to_activitynet(events: Events) -> str:
    """The results of one video: segments in seconds with label and score."""
    found = [
        {"segment": [event.start_seconds, event.end_seconds], "label": event.category, "score": event.score}
        for event in events
    ]
    return dumps({"version": "VERSION 1.3", "results": {video_id(events): found}, "external_data": {"used": False}})


@reads("file of ActivityNet", ".json", fits=lambda text: '"database"' in text or '"external_data"' in text)
def from_activitynet(text: str) -> list[Label]:
    """Annotations of a database, or segments of results."""
    data = json.loads(text)
    return [
        Label(name, float(found["segment"][0]), float(found["segment"][1]), found["label"])
        for name, entry in (data.get("database") or data["results"]).items()
        for found in (entry["annotations"] if isinstance(entry, dict) else entry)
    ]
