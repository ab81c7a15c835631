"""Projects and tables of the VGG Image Annotator (VIA 3)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from dmin.errors import DataError
from dmin.results.formats.reading import Label, reads


@reads("table of VIA 3", ".csv", fits=lambda text: "CSV_HEADER" in text and "temporal_coordinates" in text)
def from_via_csv(text: str) -> list[Label]:
    """Segments of a table; the values of their attributes are the category.

    Raises:
        DataError: A row is not one of VIA 3.
    """
    lines = text.splitlines()
    header = next(line for line in lines if "CSV_HEADER" in line).partition("=")[2]
    names = [name.strip() for name in header.split(",")]
    labels = []
    for row, line in enumerate(lines, start=1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            values = dict(zip(names, next(csv.reader(io.StringIO(line))), strict=True))
            times = json.loads(values["temporal_coordinates"])
            if len(times) == 2:
                video = json.loads(values["file_list"])[0]
                words = " ".join(map(str, json.loads(values["metadata"]).values()))
                labels.append(Label(str(video), float(times[0]), float(times[1]), words))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise DataError(f"row {row}: got {line!r}, no row of VIA 3 ({error})") from error
    return labels


@reads(
    "project of VIA 3",
    ".json",
    fits=lambda text: '"via' in text[:400].lower() or ('"metadata"' in text and '"fid_list"' in text),
)
def from_via_json(text: str) -> list[Label]:
    """Segments of a project; a value that is the id of an option is written out."""
    project = json.loads(text)
    labels = []
    for found in project["metadata"].values():
        if len(found["z"]) != 2:
            continue
        file = project["file"][str(project["view"][str(found["vid"])]["fid_list"][0])]
        words = " ".join(_value(project, name, value) for name, value in found["av"].items())
        labels.append(Label(str(file["fname"]), float(found["z"][0]), float(found["z"][1]), words))
    return labels


def _value(project: dict[str, Any], attribute: str, value: Any) -> str:
    options = project.get("attribute", {}).get(attribute, {}).get("options", {})
    return str(options.get(str(value), value))
