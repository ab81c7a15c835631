"""VGGSound-AVEL50k and 100k (141 categories), as they are published.

A table, ``category,video_id,split``, labels, ``{id: {"label": [0, 1, ...]}}`` (100k) or a list of such dictionaries of
one clip each (50k), and perhaps the categories, one a line. Ids lack VGGSound's time stamp: where VGGSound cut two
clips from one recording, the later one is meant. Older copies have the labels as a zip archive of pickles, which is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dmin.data.annotations import read_rows
from dmin.errors import DataError, unknown_name
from dmin.lab.benchmarks.clips import (
    Benchmark,
    BenchmarkClip,
    category_name,
    checked_category,
    checked_events,
    checked_id,
    checked_split,
    label_of,
    once,
    read_json,
    read_table,
    without_row,
)

COLUMNS = ("category", "video_id", "split")


def read_vggsound_avel(table: Path, labels: Path, categories: Path | None = None) -> Benchmark:
    """Read table and labels.

    Args:
        table: The CSV file.
        labels: The JSON file.
        categories: The text file of the categories; the table's are checked against it.

    Raises:
        DataError: One of them cannot be read, or they contradict each other or themselves.
    """
    entries = _by_id(read_json(labels), labels)
    known = None if categories is None else {category_name(line) for _, line in read_rows(categories)}
    clips: list[BenchmarkClip] = []
    seen: dict[str, str] = {}
    for where, row in read_table(table, COLUMNS):
        video_id, category = checked_id(row["video_id"], where), checked_category(row["category"], where)
        once(video_id, seen, where)
        if known is not None and category not in known:
            raise DataError(
                f"{where}: {unknown_name('category', category, known)}; {categories} was taken as the list of "
                "categories: if it is none, name the other files alone"
            )
        events = checked_events(label_of(entries, video_id, labels)["label"], f"{labels}, {video_id}")
        clips.append(BenchmarkClip(video_id, category, checked_split(row["split"], where), events))
    notes = (f"{len({clip.category for clip in clips})} categories", *without_row(entries, clips, table))
    return Benchmark("VGGSound-AVEL", tuple(clips), takes_later=True, notes=notes)


def _by_id(data: Any, path: Path) -> Mapping[str, Any]:
    """Labels by id, of the form of 100k or of 50k."""
    if isinstance(data, dict):
        return data
    if not isinstance(data, list) or not all(isinstance(part, dict) and len(part) == 1 for part in data):
        raise DataError(
            f"{path} holds neither labels by id nor a list of them: give VGGSound-AVEL's JSON file of labels"
        )
    entries: dict[str, Any] = {}
    for part in data:
        ((video_id, entry),) = part.items()
        if entries.setdefault(video_id, entry) != entry:
            raise DataError(f"{path} has two labels of {video_id}: get the file again")
    return entries
