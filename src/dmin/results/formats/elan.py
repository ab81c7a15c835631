"""ELAN's annotation document."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from dmin.errors import DataError
from dmin.results.events import Events
from dmin.results.formats import one_line, writes
from dmin.results.formats.reading import Label, reads


@writes("eaf", ".eaf", "ELAN's annotation document, times in milliseconds", links_video=True)
def to_elan(events: Events, folder: Path | None = None) -> str:
    """An annotation document of ELAN (EAF 3.0) with one tier, ``events``; the category is the annotation.

    With a folder, the video is linked by its whole path and by its path from there.
    """
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
    ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", {**_links(events, folder), "MIME_TYPE": _mime_type(events)})
    order = ElementTree.SubElement(root, "TIME_ORDER")
    tier = ElementTree.SubElement(root, "TIER", LINGUISTIC_TYPE_REF="event", TIER_ID="events")
    for number, event in enumerate(events, start=1):
        slots = {"TIME_SLOT_REF1": f"ts{2 * number - 1}", "TIME_SLOT_REF2": f"ts{2 * number}"}
        for slot, seconds in zip(slots.values(), (event.start_seconds, event.end_seconds), strict=True):
            ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(round(1000 * seconds)))
        annotation = ElementTree.SubElement(tier, "ANNOTATION")
        aligned = ElementTree.SubElement(annotation, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **slots})
        ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = one_line(event.category)
    ElementTree.SubElement(
        root, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID="event", TIME_ALIGNABLE="true"
    )
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _links(events: Events, folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {"MEDIA_URL": one_line(events.video)}
    video = Path(events.video).resolve()
    try:
        relative = Path(os.path.relpath(video, folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return {"MEDIA_URL": one_line(video.as_uri())}
    return {"MEDIA_URL": one_line(video.as_uri()), "RELATIVE_MEDIA_URL": one_line(f"./{relative}")}


def _mime_type(events: Events) -> str:
    suffix = Path(one_line(events.video)).suffix.lower().lstrip(".")
    return {"mov": "video/quicktime", "mpg": "video/mpeg", "mpeg": "video/mpeg"}.get(suffix, f"video/{suffix or 'mp4'}")


@reads("document of ELAN", ".eaf")
def from_elan(text: str) -> list[Label]:
    """Annotations of all tiers that have times; the annotation is the category.

    Raises:
        DataError: An annotation has no times.
    """
    root = ElementTree.fromstring(text)
    times = {slot.attrib["TIME_SLOT_ID"]: slot.attrib.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
    linked = [media.attrib["MEDIA_URL"] for media in root.iter("MEDIA_DESCRIPTOR") if media.get("MEDIA_URL")]
    labels = []
    for annotation in root.iter("ALIGNABLE_ANNOTATION"):
        start, end = (times[annotation.attrib[f"TIME_SLOT_REF{number}"]] for number in (1, 2))
        if start is None or end is None:
            raise DataError(f"annotation {annotation.get('ANNOTATION_ID')} has no times: align it in ELAN")
        words = annotation.findtext("ANNOTATION_VALUE") or ""
        labels.append(Label(linked[0] if linked else None, int(start) / 1000, int(end) / 1000, words))
    return labels
