"""WebVTT: subtitles for players and the web."""

from __future__ import annotations

import html
import re

from dmin.results.events import Events
from dmin.results.formats import caption, clock, writes
from dmin.results.formats.reading import Label, reads, seconds_of


@writes("vtt", ".vtt", "WebVTT subtitles, for players and the web")
def to_webvtt(events: Events) -> str:
    """Subtitles: while an event lasts, its category and score."""
    cues = [
        f"{clock(event.start_seconds)} --> {clock(event.end_seconds)}\n{_escaped(caption(event))}\n" for event in events
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_SCORE = re.compile(r"\s*\(\d\.\d\d\)$")
"""The score that `to_webvtt` adds to the category."""


@reads("file of subtitles", ".vtt", ".srt")
def from_subtitles(text: str) -> list[Label]:
    """Cues of WebVTT or SubRip: their text is the category, without tags, and without the score of dmin's own cues.

    Raises:
        DataError: A cue has a time that is none.
    """
    labels = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        at = next((place for place, line in enumerate(lines) if "-->" in line), None)
        if at is None:
            continue  # the header, a note, a style
        start, end = (seconds_of(time.split()[0]) for time in lines[at].split("-->"))
        words = html.unescape(re.sub(r"<[^>]*>", "", " ".join(lines[at + 1 :])))
        labels.append(Label(None, start, end, _SCORE.sub("", words)))
    return labels
