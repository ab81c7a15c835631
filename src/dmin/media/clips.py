"""The events of a video as clips, each with a name that tells what it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from dmin.errors import DataError
from dmin.files import readable
from dmin.media.copying import COPIED
from dmin.media.cutting import cut
from dmin.media.recording import Recording
from dmin.media.source import recording_of
from dmin.progress import Progress, silent
from dmin.results.events import Event

_MOST_BYTES = 80
"""Of a part of a file's name."""


def cut_events(
    video: str | Path | Recording,
    events: Iterable[Event],
    folder: str | Path,
    *,
    margin_seconds: float = 0.0,
    copy: bool = False,
    taken: set[str] | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write each event of a video as a clip of its own, named by the video, the event's time and its category.

    Args:
        video: The video.
        events: Its events, all of an answer or some.
        folder: Where the clips go.
        margin_seconds: Added before and after each event, as far as the video goes.
        copy: Copy packets instead of coding them anew; see `cut`.
        taken: Names that must not be used, in lower case; those of these clips are added.
        progress: Told as clips are done.

    Returns:
        The clips, in the order of the events.

    Raises:
        MediaError: The video cannot be read, or an event does not lie within it.
        DataError: A clip cannot be written.

    Example::

        cut_events(events.video, [event for event in events if event.category == "Dog"], "clips", margin_seconds=0.5)
    """
    if not margin_seconds >= 0:
        raise DataError(f"margin_seconds is {margin_seconds:g}: must be 0 or more")
    recording = recording_of(video)
    suffix = recording.path.suffix.lower() if copy else ".mp4"
    suffix = suffix if suffix in COPIED else ".mkv"  # Matroska holds nearly anything
    taken = set() if taken is None else taken
    clips: list[Path] = []
    events = list(events)
    for done, event in enumerate(events, start=1):
        clip = Path(folder) / _free_name(_clip_name(recording.path, event), suffix, taken)
        start = max(event.start_seconds - margin_seconds, 0.0)
        cut(recording, clip, start, event.end_seconds + margin_seconds, copy=copy)
        clips.append(clip)
        progress("cut", done, len(events))
    return clips


def _clip_name(video: Path, event: Event) -> str:
    """Name of a clip without its ending; names of one video are in the order of time, up to 999 s.

    Example:
        >>> _clip_name(Path("trips/holiday.mp4"), Event(12.0, 15.0, "Church bell", 0.9))
        'holiday_012.0-015.0_Church-bell'
    """
    times = f"{event.start_seconds:05.1f}-{event.end_seconds:05.1f}"
    return f"{_part_of_name(video.stem)}_{times}_{_part_of_name(event.category)}"


def _part_of_name(words: str) -> str:
    """Words as a part of a file's name, on any system.

    Example:
        >>> _part_of_name("../Male speech, man speaking"), _part_of_name("//")
        ('Male-speech-man-speaking', 'unnamed')
    """
    plain = re.sub(r"[^\w.]+", "-", readable(words)).strip("-.")
    return plain.encode()[:_MOST_BYTES].decode(errors="ignore") or "unnamed"


def _free_name(stem: str, suffix: str, taken: set[str]) -> str:
    names = (f"{stem}{'' if number == 1 else f'-{number}'}{suffix}" for number in count(1))
    name = next(name for name in names if name.casefold() not in taken)
    taken.add(name.casefold())
    return name
