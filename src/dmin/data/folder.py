"""The AVE data set's formats, which are dmin's own formats too: annotation lines, splits, and the folder around them.

```
DIR/Annotations.txt              one event per line: category&video id&quality&start&end
DIR/splits/{train,val,test}.txt  one video id a line
DIR/seen.txt                     not needed: the categories that training has, one a line
DIR/videos/<video id>.mp4        or any other common suffix; an id a/b is videos/a/b.mp4
```

Several lines with one id are several events of that clip. A clip without any event has one line that starts where it
ends: ``Dog&id&good&0&0`` shows a dog without an event, ``Background&id&good&0&0`` nothing of any category.
"""

from __future__ import annotations

import hashlib
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import (
    BACKGROUND,
    LINE,
    SPLITS,
    Annotation,
    categories,
    is_header,
    parse_line,
    read_annotations,
    read_rows,
    segment_labels,
    write_annotations,
)
from dmin.errors import DataError, unknown_name
from dmin.features.extract import ORIGIN_FILE, TEXTS
from dmin.features.sources import VIDEO_SUFFIXES, videos_by_id
from dmin.files import write_atomically

__all__ = [
    "BACKGROUND",
    "LINE",
    "SPLITS",
    "Annotation",
    "DataFolder",
    "categories",
    "read_annotations",
    "read_split",
    "segment_labels",
    "write_annotations",
    "write_split",
]


def read_split(path: str | Path) -> list[str]:
    """Read the video ids of a split, in order and each once: one id a line, or AVE's own whole annotation lines.

    Raises:
        DataError: The file cannot be read, is empty, or a line is neither an id nor an annotation.
    """
    return list(dict.fromkeys(_split_rows(Path(path))[0]))


def write_split(path: str | Path, ids: Iterable[str]) -> None:
    """Write a split, one video id a line; or names of categories.

    Raises:
        StoreWriteError: The file cannot be written.
    """
    write_atomically(Path(path), "".join(f"{video_id}\n" for video_id in ids).encode())


@dataclass(frozen=True)
class DataFolder:
    """A data set in a folder: annotations, splits, and, unless it is a feature store, videos."""

    folder: Path
    annotations: tuple[Annotation, ...] = field(repr=False)
    splits: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Video ids by the name of the split: train, val, test, as far as they are there."""
    videos: Mapping[str, Path] = field(repr=False)
    """Video files by id; empty in a feature store."""
    source: Path
    """Folder whose annotations and splits were read: that of a store's data set, unless it is gone or the store's
    copies are newer."""

    @classmethod
    def open(cls, folder: str | Path) -> DataFolder:
        """Open a data set or a feature store that was made of one.

        Annotations and splits of a store are read from the data set that it was made of, as long as that is there, so
        that mending them there is enough; a copy in the store that is newer than a differing original comes first.

        Without any split file the clips are divided 70/15/15 by a hash of their ids, always in the same way,
        with a warning.

        Raises:
            DataError: No annotations, an id in a split that has no annotation, an id in two splits, a malformed line.
        """
        folder = Path(folder)
        if not (folder / "Annotations.txt").is_file():
            raise DataError(
                f"no Annotations.txt in {folder}: a data set is a folder with videos/, splits/ and Annotations.txt "
                f"(one event per line: {LINE})"
            )
        source = _source(folder)
        annotations = tuple(read_annotations(source / "Annotations.txt"))
        ids = tuple(dict.fromkeys(line.video_id for line in annotations))
        splits = _read_splits(source / "splits", ids) or _divide(ids, source)
        videos = videos_by_id(folder / "videos") if (folder / "videos").is_dir() else {}
        return cls(folder, annotations, splits, videos, source)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories, in order of their index."""
        return categories(self.annotations)

    @cached_property
    def lines(self) -> dict[str, tuple[Annotation, ...]]:
        """Annotations by video id, in order of the file."""
        grouped: dict[str, list[Annotation]] = defaultdict(list)
        for line in self.annotations:
            grouped[line.video_id].append(line)
        return {video_id: tuple(lines) for video_id, lines in grouped.items()}

    def split(self, name: str) -> tuple[str, ...]:
        """Video ids of a split.

        Raises:
            DataError: There is no such split.
        """
        if name not in self.splits:
            raise DataError(
                f"{self.folder}: {unknown_name('split', name, self.splits)}; to add one, write its ids into "
                f"{self.source / 'splits' / f'{name}.txt'}, one a line"
            )
        return self.splits[name]

    def labels(self, video_id: str, segments: int) -> NDArray[np.int64]:
        """Labels [T] of a clip's seconds: indices into ``categories``, C for background (see `segment_labels`).

        Raises:
            DataError: The clip has no annotation.
        """
        if video_id not in self.lines:
            raise DataError(f"no annotation of {video_id!r} in {self.source / 'Annotations.txt'}: add a line {LINE}")
        return segment_labels(self.lines[video_id], self.categories, segments)

    def missing_videos(self) -> tuple[str, ...]:
        """Ids that stand in a split and have no file in ``videos/``, sorted."""
        return tuple(sorted({video_id for ids in self.splits.values() for video_id in ids} - set(self.videos)))

    def require_videos(self) -> None:
        """Make sure that every clip of every split has its video.

        Raises:
            DataError: Some have none.
        """
        if missing := self.missing_videos():
            raise DataError(
                f"{few(missing)} in {self.folder / 'splits'} without a video in {self.folder / 'videos'}: "
                "add <video id>.mp4, or take the lines out of the split"
            )


def _source(folder: Path) -> Path:
    """The folder whose annotations are read for this one: see `DataFolder.open`."""
    try:
        original = Path((folder / ORIGIN_FILE).read_text("utf-8").strip())
        pairs = [(original / name, folder / name) for name in TEXTS if (original / name).is_file()]
        differing = [
            (file, copy) for file, copy in pairs if not copy.is_file() or file.read_bytes() != copy.read_bytes()
        ]
        is_older = [copy.is_file() and file.stat().st_mtime < copy.stat().st_mtime for file, copy in differing]
    except (OSError, UnicodeDecodeError):
        return folder
    if any(is_older) or not (original / "Annotations.txt").is_file():
        return folder
    if differing:
        names = ", ".join(file.relative_to(original).as_posix() for file, _ in differing)
        warnings.warn(f"{names} of {original} is newer than the copy in {folder} and is taken", stacklevel=3)
    return original


def like(video_id: str, known: Collection[str]) -> str:
    """A known id that differs by a suffix, by case or by its Unicode form, in words; empty if there is none.

    Example:
        >>> like("dog.mp4", ["cat", "dog"])
        " (did you mean 'dog', without the suffix?)"
    """
    suffix = Path(video_id).suffix
    if suffix.lower() in VIDEO_SUFFIXES and (bare := video_id.removesuffix(suffix)) in known:
        return f" (did you mean {bare!r}, without the suffix?)"
    normal = unicodedata.normalize("NFC", video_id)
    for other in known:
        if unicodedata.normalize("NFC", other) == normal:
            return " (a name of the same letters is there in another Unicode form: copy it from the file's name)"
        if unicodedata.normalize("NFC", other).casefold() == normal.casefold():
            return f" (did you mean {other!r}?)"
    return ""


def _split_rows(path: Path) -> tuple[list[str], bool]:
    """Ids of a split file, and whether it is made of whole annotation lines."""
    rows = read_rows(path)
    whole = bool(rows) and "&" in rows[0][1]
    if whole and is_header(rows[0][1]):
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path} is empty: write one video id a line, or remove the file")
    return [parse_line(text, path, row).video_id if "&" in text else text for row, text in rows], whole


def _read_splits(folder: Path, annotated: Collection[str]) -> dict[str, tuple[str, ...]]:
    """All splits that are there, checked against the annotations and each other."""
    known = set(annotated)
    splits: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    shared: list[str] = []
    whole_lines = True
    for name in SPLITS:
        path = folder / f"{name}.txt"
        if not path.is_file():
            continue
        ids, whole = _split_rows(path)
        whole_lines &= whole
        splits[name] = tuple(dict.fromkeys(ids))
        if strangers := [video_id for video_id in splits[name] if video_id not in known]:
            names = [f"{video_id}{like(video_id, annotated)}" for video_id in strangers]
            raise DataError(
                f"{few(names)} in {path} without a line in Annotations.txt: add {LINE}, "
                f"or {BACKGROUND}&<video id>&good&0&0 for a clip without an event"
            )
        shared += [f"{i!r} ({owner[i]} and {name})" for i in splits[name] if i in owner]
        owner |= dict.fromkeys(splits[name], name)
    if shared and not whole_lines:
        raise DataError(f"{folder}: {few(shared)} in two splits: keep each clip in one, or scores mean nothing")
    if (
        shared
    ):  # AVE annotates 45 clips more than once, once a category, and its own splits tear some of these pairs apart
        warnings.warn(f"{folder}: {few(shared)} in two splits, as AVE has it: the scores profit a little", stacklevel=3)
    return splits


def _divide(ids: Sequence[str], folder: Path) -> dict[str, tuple[str, ...]]:
    """Divide clips 70/15/15, at least one each, by a hash of their ids: the same in every order."""
    if len(ids) < len(SPLITS):
        raise DataError(f"{len(ids)} annotated clip(s) in {folder}: training, validation and test need one each")
    order = sorted(ids, key=lambda video_id: hashlib.sha256(video_id.encode()).digest())
    held_out = max(1, round(0.15 * len(order)))
    test, val, train = order[:held_out], order[held_out : 2 * held_out], order[2 * held_out :]
    warnings.warn(
        f"no split files in {folder / 'splits'}: divided {len(order)} clips by their ids into "
        f"{len(train)} for training, {len(val)} for validation, {len(test)} for testing; clips of one scene may "
        "fall apart, so write splits/{train,val,test}.txt, one video id a line, if that matters",
        stacklevel=3,
    )
    return {"train": tuple(sorted(train)), "val": tuple(sorted(val)), "test": tuple(sorted(test))}


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
