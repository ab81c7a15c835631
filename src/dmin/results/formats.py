"""Events as text that other programs read: one writer per format. Add a format: write its function, name it in FORMATS.

==========  ========  ==========================================================
json        .json     everything; the only one that is read back
csv         .csv      one row per event, for spreadsheets and scripts
webvtt      .vtt      subtitles, for players and the web
audacity    .txt      a label track
elan        .eaf      annotations for ELAN, times in milliseconds
==========  ========  ==========================================================
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from dmin.errors import DminError
from dmin.files import readable, write_file
from dmin.results.events import Event, Events, Second, dumps

CSV_HEADER = ("start_seconds", "end_seconds", "category", "score")


def to_json(events: Events) -> str:
    """Everything: seconds with their scores, and events."""
    return dumps(events.to_dict())


def to_csv(events: Events) -> str:
    """A header with units, then one row per event.

    Example:
        >>> dog = Event(0.0, 7.0, "Dog", 0.91)
        >>> print(to_csv(Events("dog.mp4", 10.0, "starter", 0.5, (), (dog,))), end="")
        start_seconds,end_seconds,category,score
        0.0,7.0,Dog,0.91
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    writer.writerows((float(e.start_seconds), float(e.end_seconds), e.category, float(e.score)) for e in events)
    return text.getvalue()


def to_webvtt(events: Events) -> str:
    """Subtitles: while an event lasts, its category and score."""
    cues = [
        f"{_clock(event.start_seconds)} --> {_clock(event.end_seconds)}\n"
        f"{_escaped(_one_line(event.category))} ({event.score:.2f})\n"
        for event in events
    ]
    return "\n".join(["WEBVTT\n", *cues])


def to_audacity(events: Events) -> str:
    """A label track: start, end and category, with tabs between them."""
    return "".join(f"{e.start_seconds:.6f}\t{e.end_seconds:.6f}\t{_one_line(e.category)}\n" for e in events)


def to_elan(events: Events) -> str:
    """An annotation document of ELAN (EAF 3.0) with one tier, ``events``; the category is the annotation."""
    namespace = "http://www.w3.org/2001/XMLSchema-instance"
    ElementTree.register_namespace("xsi", namespace)
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "dmin",
            # The format demands a date; a fixed one keeps equal events equal files.
            "DATE": "2000-01-01T00:00:00+00:00",
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{namespace}}}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    ElementTree.SubElement(
        header, "MEDIA_DESCRIPTOR", MEDIA_URL=_one_line(events.video), MIME_TYPE=_mime_type(_one_line(events.video))
    )
    order = ElementTree.SubElement(root, "TIME_ORDER")
    tier = ElementTree.SubElement(root, "TIER", LINGUISTIC_TYPE_REF="event", TIER_ID="events")
    for number, event in enumerate(events, start=1):
        slots = {"TIME_SLOT_REF1": f"ts{2 * number - 1}", "TIME_SLOT_REF2": f"ts{2 * number}"}
        for slot, seconds in zip(slots.values(), (event.start_seconds, event.end_seconds), strict=True):
            ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(round(1000 * seconds)))
        annotation = ElementTree.SubElement(tier, "ANNOTATION")
        aligned = ElementTree.SubElement(annotation, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **slots})
        ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = _one_line(event.category)
    ElementTree.SubElement(
        root, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID="event", TIME_ALIGNABLE="true"
    )
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


FORMATS: dict[str, tuple[str, Callable[[Events], str]]] = {
    "json": (".json", to_json),
    "csv": (".csv", to_csv),
    "webvtt": (".vtt", to_webvtt),
    "audacity": (".txt", to_audacity),
    "elan": (".eaf", to_elan),
}
"""Name of each format: the ending of its files, and its writer."""


def write(text: str, path: str | Path | None = None) -> str:
    """Write a text to a file, whole or not at all, if a path is given; either way what UTF-8 can hold of it comes back.

    Raises:
        DminError: The file cannot be written.
    """
    text = readable(text)
    if path is not None:
        write_file(Path(path), text.encode())
    return text


def from_json(text: str) -> Events:
    """Events as `to_json` wrote them; what it does not write (attention) is None.

    Raises:
        DminError: The text is no JSON, or not of this layout; the message names the place.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}: {error.msg}"
        raise DminError(f"not JSON ({place}): give a file that `dmin localize` wrote") from error
    seconds = tuple(
        Second(
            _take(row, "start", float, place),
            _take(row, "relevance", float, place),
            _take(row, "category", str, place),
            {name: _take(_take(row, "scores", dict, place), name, float, f"{place}.scores") for name in row["scores"]},
        )
        for place, row in _rows(data, "seconds")
    )
    events = tuple(
        Event(
            _take(row, "start", float, place),
            _take(row, "end", float, place),
            _take(row, "category", str, place),
            _take(row, "score", float, place),
        )
        for place, row in _rows(data, "events")
    )
    return Events(
        video=_take(data, "video", str, ""),
        duration_seconds=_take(data, "duration_seconds", float, ""),
        model=_take(data, "model", str, ""),
        threshold=_take(data, "threshold", float, ""),
        seconds=seconds,
        events=events,
    )


def _rows(data: Any, key: str) -> list[tuple[str, Any]]:
    return [(f"{key}[{index}]", row) for index, row in enumerate(_take(data, key, list, ""))]


def _take(row: Any, key: str, kind: type, place: str) -> Any:
    """A value of an object, checked."""
    if not isinstance(row, dict):
        raise DminError(f"{place or 'the file'} is {type(row).__name__}: must be an object")
    name = f"{place}.{key}".lstrip(".")
    if key not in row:
        raise DminError(f"{name} is missing: give a file that `dmin localize` wrote")
    value = row[key]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        words = {float: "a number", str: "a text", list: "a list", dict: "an object"}
        raise DminError(f"{name} is {value!r:.40}: must be {words[kind]}")
    return value


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"


def _one_line(name: str) -> str:
    """Without the line breaks and control characters that these formats (and XML) have no way to write."""
    return " ".join("".join(c if c.isprintable() else " " for c in readable(name)).split())


def _escaped(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mime_type(video: str) -> str:
    suffix = Path(video).suffix.lower().lstrip(".")
    return {"mov": "video/quicktime", "mpg": "video/mpeg", "mpeg": "video/mpeg"}.get(suffix, f"video/{suffix or 'mp4'}")
