"""SubRip: subtitles for players."""

from __future__ import annotations

from dmin.results.events import Events
from dmin.results.formats import caption, clock, writes


@writes("srt", ".srt", "SubRip subtitles, for players")
def to_srt(events: Events) -> str:
    """Numbered subtitles: while an event lasts, its category and score."""
    return "\n".join(
        f"{number}\n{clock(event.start_seconds, ',')} --> {clock(event.end_seconds, ',')}\n{caption(event)}\n"
        for number, event in enumerate(events, start=1)
    )
