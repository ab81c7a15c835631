"""The clips of a published data set, as lines and splits of a data-set folder, and what all of its readers share."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dmin.data.annotations import BACKGROUND, SPLITS, Annotation, read_rows
from dmin.errors import DataError, unknown_name
from dmin.results.formats import one_line
from dmin.tasks.scores import spans

SECONDS = 10
"""Length of every clip."""


@dataclass(frozen=True)
class BenchmarkClip:
    """A clip of ten seconds with one category."""

    video_id: str
    """Its id on YouTube, eleven characters."""
    category: str
    split: str
    """train, val or test."""
    events: tuple[bool, ...]
    """Event or not, second by second."""

    @property
    def lines(self) -> tuple[Annotation, ...]:
        """A line for each event; without any, one that shows the category without an event."""
        found = spans(np.where(self.events, 0, 1), background=1)
        bounds = [(span.start, span.stop) for span in found] or [(0, 0)]
        return tuple(Annotation(self.category, self.video_id, "good", float(a), float(b)) for a, b in bounds)


@dataclass(frozen=True)
class Benchmark:
    """A published data set, as far as its annotation files hold it."""

    name: str
    clips: tuple[BenchmarkClip, ...] = field(repr=False)
    takes_later: bool
    """Of two videos of one id, cut from one recording, the later one is meant; if not, it is not known which."""
    notes: tuple[str, ...]
    """A sentence for each thing that is worth knowing."""
    seen: tuple[str, ...] | None = None
    """Categories that training has, by the release's own word; None if it says nothing of it."""

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """Lines of all clips."""
        return tuple(line for clip in self.clips for line in clip.lines)

    @property
    def splits(self) -> dict[str, tuple[str, ...]]:
        """Ids by the name of the split."""
        return {name: tuple(clip.video_id for clip in self.clips if clip.split == name) for name in SPLITS}


def read_table(path: Path, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Read a CSV file with a header.

    Args:
        path: The file.
        columns: Names that its header must have.

    Returns:
        Each row's place in words, and its fields.

    Raises:
        DataError: It cannot be read, lacks a column or has no row; a field is empty, or a quotation mark is not closed.
    """
    (_, head), *lines = read_rows(path) or [(1, "")]
    names = _fields(head, f"{path}, row 1")
    if missing := [column for column in columns if column not in names]:
        raise DataError(f"{path} has the columns {', '.join(names)}: it needs {', '.join(missing)}, too")
    if not lines:
        raise DataError(f"{path} has no row below its header: get the whole file")
    table = []
    for number, line in lines:
        where = f"{path}, row {number}"
        fields = dict(zip(names, (value.strip() for value in _fields(line, where)), strict=False))
        if empty := [column for column in columns if not fields.get(column)]:
            raise DataError(f"{where}: {empty[0]} is empty: every clip needs {', '.join(columns)}")
        table.append((where, fields))
    return table


def _fields(line: str, where: str) -> list[str]:
    """The fields of a row that is one line."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise DataError(
            f"{where}: got {line!r}, whose quotation marks do not go in pairs around fields ({error}): put each clip "
            "on one line, and quotes around whole fields"
        ) from error


def read_json(path: Path) -> Any:
    """Read a file of labels.

    Raises:
        DataError: It is no JSON, or has two values of one name; archives and pickles are named as such.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if data[:2] == b"PK" or data[:1] == b"\x80":
        raise DataError(
            f"{path} is {'a zip archive' if data[:1] == b'P' else 'a pickle'}: labels in pickles are not read, as they "
            "can run code; get the labels as one JSON file"
        )
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=partial(_agreeing, path))
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON that can be read ({error}): get the file again") from error


def _agreeing(path: Path, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A dictionary of pairs, of which none may contradict another."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise DataError(f"{path} has two labels of {name}: get the file again")
    return found


def checked_split(name: str, where: str) -> str:
    """The name of a split.

    Raises:
        DataError: It is none.
    """
    if name not in SPLITS:
        raise DataError(f"{where}: {unknown_name('split', name, SPLITS)}")
    return name


def checked_id(video_id: str, where: str) -> str:
    """A video's id on YouTube; it may begin with a hyphen.

    Raises:
        DataError: It is none, as spreadsheets make of ids that look like formulas.
    """
    if re.fullmatch(r"[A-Za-z0-9_-]{11}", video_id) is None:
        raise DataError(
            f"{where}: got {video_id!r}, must be an id of eleven letters, digits, - and _: get the file again, and do "
            "not save it from a spreadsheet"
        )
    return video_id


def category_name(text: str) -> str:
    """A category's name as an annotation line can hold it."""
    return one_line(text).replace("&", "and")


def checked_category(text: str, where: str) -> str:
    """The name of a clip's category as an annotation line can hold it.

    Raises:
        DataError: It is reserved for clips of no category.
    """
    name = category_name(text)
    if name.casefold() == BACKGROUND.casefold():
        raise DataError(f"{where}: got the category {text!r}, which means no event to dmin: give it another name")
    return name


def checked_events(value: Any, where: str) -> tuple[bool, ...]:
    """Event or not, second by second, from a list of ten 0 and 1, from a list of one such list, or from a text of one.

    Raises:
        DataError: It is neither.
    """
    try:
        numbers = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        numbers = None
    if isinstance(numbers, list) and len(numbers) == 1:  # as a comment in a public loader of VGGSound-AVEL has it
        (numbers,) = numbers
    if not isinstance(numbers, list) or len(numbers) != SECONDS or any(number not in (0, 1) for number in numbers):
        raise DataError(f"{where}: got the label {value!r:.80}, must be {SECONDS} times 0 or 1, a second each")
    return tuple(number == 1 for number in numbers)


def label_of(entries: Mapping[str, Any], video_id: str, path: Path) -> Mapping[str, Any]:
    """A clip's entry in a file of labels.

    Raises:
        DataError: There is none, or it holds no label.
    """
    entry = entries.get(video_id)
    if not isinstance(entry, Mapping) or "label" not in entry:
        raise DataError(f"{path} has no label of {video_id}, which the table names: take both files from one release")
    return entry


def once(video_id: str, seen: dict[str, str], where: str) -> None:
    """Note a clip's place.

    Raises:
        DataError: It has one already.
    """
    if video_id in seen:
        raise DataError(f"{where}: {video_id} stands in {seen[video_id]}, too: keep one, each clip is in one split")
    seen[video_id] = where


def without_row(entries: Mapping[str, Any], clips: Sequence[BenchmarkClip], table: Path) -> tuple[str, ...]:
    """A note on labels of clips that the table does not name; none if there are none."""
    left = len(entries) - len(clips)
    return (f"{left} clips have labels and no row in {table.name}, and are left out",) if left else ()
