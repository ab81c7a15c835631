"""Events as text that other programs read, one file a format; `FORMATS` has all of them by name.

A new one is a file here, or of one's own (``--plugin FILE``), with `@writes(...)` above a function from `Events` to the
text of the file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dmin.errors import DminError, unknown_name
from dmin.files import readable, write_file
from dmin.registry import Registry
from dmin.results.events import Event, Events


@dataclass(frozen=True)
class Format:
    """A format of events."""

    name: str
    """Its name on the command line."""
    suffix: str
    """Ending of its files, e.g. ".vtt"; no two formats share one."""
    words: str
    """Its purpose, in one line."""
    to_text: Callable[..., str]
    """Its writer, called with `Events`."""
    links_video: bool = False
    """True if the writer also takes the folder that the file goes to, as the file names the video from there."""


FORMATS = Registry[Format]("format")
"""All formats, by name."""
Writer = TypeVar("Writer", bound=Callable[..., str])


def writes(name: str, suffix: str, words: str, *, links_video: bool = False) -> Callable[[Writer], Writer]:
    """Decorate a writer to make its format known; the arguments are the fields of `Format`."""

    def keep(to_text: Writer) -> Writer:
        FORMATS.add(name, Format(name, suffix, words, to_text, links_video))
        return to_text

    return keep


def write(text: str, path: str | Path | None = None) -> str:
    """Write a text to a file, whole or not at all, if a path is given; either way what UTF-8 can hold of it comes back.

    Raises:
        DminError: The file cannot be written.
    """
    text = readable(text)
    if path is not None:
        write_file(Path(path), text.encode())
    return text


def save(events: Events, path: str | Path, name: str | None = None) -> str:
    """Write events in a format.

    Args:
        events: What to write.
        path: The file.
        name: Of the format; by default the file's ending chooses it.

    Raises:
        DminError: No format has this name or this ending, or the file cannot be written.
    """
    form = format_of(Path(path)) if name is None else FORMATS[name]
    text = form.to_text(events, Path(path).absolute().parent) if form.links_video else form.to_text(events)
    return write(text, path)


def format_of(path: Path) -> Format:
    """The format whose files end as this one's name does; of several, the one with the longest ending.

    Example:
        >>> format_of(Path("a.vtt")).name, format_of(Path("a.activitynet.json")).name
        ('vtt', 'activitynet')

    Raises:
        DminError: There is none.
    """
    fitting = [form for form in FORMATS.values() if path.name.lower().endswith(form.suffix)]
    if not fitting:
        raise DminError(unknown_name("ending of files", path.suffix, [form.suffix for form in FORMATS.values()]))
    return max(fitting, key=lambda form: len(form.suffix))


def one_line(name: str) -> str:
    """A name without the line breaks and control characters that most formats have no way to write."""
    return " ".join("".join(c if c.isprintable() else " " for c in readable(name)).split())


def clock(seconds: float, point: str = ".") -> str:
    """A time as subtitles have it, to the millisecond.

    Example:
        >>> clock(3723.4567)
        '01:02:03.457'
    """
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    rest = f"{milliseconds // 1000:02d}{point}{milliseconds % 1000:03d}"
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest}"


def video_id(events: Events) -> str:
    """The id of a video: its file's name without the ending."""
    return one_line(Path(events.video).stem or events.video)


def caption(event: Event) -> str:
    """An event as subtitles show it: its category and score."""
    return f"{one_line(event.category)} ({event.score:.2f})"


for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
