"""RTTM (rich transcription time marked), the format of diarization."""

from __future__ import annotations

from dmin.results.events import Events
from dmin.results.formats import one_line, video_id, writes


@writes("rttm", ".rttm", "rich transcription time marked, read by pyannote and dscore")
def to_rttm(events: Events) -> str:
    """One line of ten fields per event: type, file, channel, start, duration, the name, the score.

    Fields are parted by spaces, so that those in names are written as underscores.
    """
    file = _field(video_id(events))
    return "".join(
        f"SPEAKER {file} 1 {event.start_seconds:.3f} {event.end_seconds - event.start_seconds:.3f} <NA> <NA> "
        f"{_field(event.category)} {event.score:.3f} <NA>\n"
        for event in events
    )


def _field(words: str) -> str:
    return one_line(words).replace(" ", "_") or "<NA>"
