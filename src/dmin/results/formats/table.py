"""Tables with a label in each row: CSV of any delimiter, TSV; the columns are found by their names."""

from __future__ import annotations

import csv
import io

from dmin.errors import DataError
from dmin.results.formats.reading import Label, reads, seconds_of

_NAMES = {
    "video": ("video", "filename", "file", "video_id", "videoid", "id", "clip", "media"),
    "start": ("start", "start_seconds", "onset", "begin", "start_time", "starttime", "from"),
    "end": ("end", "end_seconds", "offset", "stop", "end_time", "endtime", "to"),
    "label": ("label", "category", "event_label", "event", "class", "annotation", "name", "labels"),
}
"""Names that columns have."""


@reads("table", ".csv", ".tsv", fits=lambda text: "CSV_HEADER" not in text)
def from_table(text: str) -> list[Label]:
    """Labels of a table whose first row names the columns; without one for the video, the file stands for one video.

    Raises:
        DataError: A column is missing, or a row has a time that is none.
    """
    first = text.lstrip().partition("\n")[0]
    delimiter = max("\t;,|", key=first.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    known = {" ".join((name or "").split()).lower().replace(" ", "_"): name for name in rows.fieldnames or []}
    column = {key: next((known[name] for name in names if name in known), None) for key, names in _NAMES.items()}
    if missing := [key for key in ("start", "end", "label") if column[key] is None]:
        raise DataError(
            f"row 1: columns are {', '.join(known)}: none is for {' or '.join(missing)}; name one {missing[0]}"
        )
    labels = []
    for row in rows:
        values = {key: (row[name] or "").strip() if name else "" for key, name in column.items()}
        if not any(values.values()):
            continue
        try:
            start, end = seconds_of(values["start"]), seconds_of(values["end"])
        except DataError as error:
            raise DataError(f"row {rows.line_num}: {error}") from error
        labels.append(Label(values["video"] or None, start, end, values["label"]))
    return labels
