"""WebVTT: subtitles for players and the web."""

from __future__ import annotations

from dmin.results.events import Events
from dmin.results.formats import caption, clock, writes


@writes("vtt", ".vtt", "WebVTT subtitles, for players and the web")
def to_webvtt(events: Events) -> str:
    """Subtitles: while an event lasts, its category and score."""
    cues = [
        f"{clock(event.start_seconds)} --> {clock(event.end_seconds)}\n{_escaped(caption(event))}\n" for event in events
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
