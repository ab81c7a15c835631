"""The JSON of ActivityNet's challenges of temporal localization."""

from __future__ import annotations

import json

from dmin.errors import DataError
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


@reads(".json", fits=lambda text: '"database"' in text or '"external_data"' in text)
def from_activitynet(text: str) -> list[Label]:
    """Annotations of a database, or segments of results.

    Raises:
        DataError: It is not such a file.
    """
    try:
        data = json.loads(text)
        videos = data.get("database") or data["results"]
        return [
            Label(name, float(found["segment"][0]), float(found["segment"][1]), found["label"])
            for name, entry in videos.items()
            for found in (entry["annotations"] if isinstance(entry, dict) else entry)
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"which is not ActivityNet's JSON ({type(error).__name__}: {error})") from error
