"""OV-AVEBench (Zhou et al., Towards Open-Vocabulary Audio-Visual Event Localization, CVPR 2025), as it is published.

A table, ``split,cls_name,cls_type,vid_name``, whose types are "close" (seen in training) and "open" (unseen), and
labels, ``{id: {"category": name, "label": "[0, 1, ...]"}}``, where the label is a *text* of ten 0 and 1. Some 24 % of
the clips have a category and no event second.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

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

COLUMNS = ("split", "cls_name", "cls_type", "vid_name")
_TYPES = ("close", "open")


def read_ov_avebench(table: Path, labels: Path) -> Benchmark:
    """Read table and labels.

    Raises:
        DataError: One of them cannot be read, or they contradict each other or themselves.
    """
    entries = read_json(labels)
    if not isinstance(entries, dict):
        raise DataError(f"{labels} holds no labels by id: give OV-AVEBench's JSON file of annotations")
    clips: list[BenchmarkClip] = []
    types: dict[str, str] = {}
    seen: dict[str, str] = {}
    for where, row in read_table(table, COLUMNS):
        video_id, category = checked_id(row["vid_name"], where), checked_category(row["cls_name"], where)
        kind = row["cls_type"]
        once(video_id, seen, where)
        split = checked_split(row["split"], where)
        if kind not in _TYPES:
            raise DataError(f"{where}: {unknown_name('cls_type', kind, _TYPES)}")
        if types.setdefault(category, kind) != kind:
            raise DataError(f"{where}: {category} is {kind} here and {types[category]} before: get the file again")
        if kind == "open" and split == "train":
            raise DataError(f"{where}: {category} is open, so training must not have it: get the file again")
        entry = label_of(entries, video_id, labels)
        if category_name(str(entry.get("category"))) != category:
            raise DataError(
                f"{where}: {video_id} is of {category} here and of {entry.get('category')} in {labels}: take both "
                "files from one release"
            )
        clips.append(BenchmarkClip(video_id, category, split, checked_events(entry["label"], f"{labels}, {video_id}")))
    counted = Counter(types.values())
    groups = f"{counted['close']} seen categories (close) and {counted['open']} unseen ones (open)"
    notes = (groups, *without_row(entries, clips, table))
    known = tuple(name for name, kind in types.items() if kind == "close")
    return Benchmark("OV-AVEBench", tuple(clips), takes_later=False, notes=notes, seen=known)
