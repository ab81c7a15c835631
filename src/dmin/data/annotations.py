"""Annotation lines in AVE's form, ``category&video id&quality&start&end``, and the seconds' labels they mean."""

from __future__ import annotations

import codecs
import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmin.errors import DataError, unknown_name
from dmin.files import write_atomically

SPLITS = ("train", "val", "test")
"""The three splits, in the order in which shares are given."""
BACKGROUND = "Background"
"""Reserved: stands where a clip has nothing of any category."""
LINE = "category&video id&quality&start&end"
"""The form of an annotation line; start and end are seconds."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One line of an annotation file: an event, or, if it ends where it starts, the lack of one."""

    category: str
    """Name of the category."""
    video_id: str
    """Id of the clip."""
    quality: str
    """AVE's third field, always "good" in the released file; dmin keeps it and does not use it."""
    start_seconds: float
    """Start of the event."""
    end_seconds: float
    """End of the event (exclusive)."""

    def __str__(self) -> str:
        start, end = (f"{value:.6f}".rstrip("0").rstrip(".") for value in (self.start_seconds, self.end_seconds))
        return f"{self.category}&{self.video_id}&{self.quality}&{start}&{end}"


def read_annotations(path: str | Path) -> list[Annotation]:
    """Read an annotation file; a header line, blank lines, a byte order mark and Windows line ends do no harm.

    Warns if two categories differ only by case or spaces, or if one differs by a letter from a more frequent one.

    Raises:
        DataError: The file cannot be read, or lines are no annotations: the message names the file and the first row.
    """
    path = Path(path)
    rows = read_rows(path)
    if rows and is_header(rows[0][1]):
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path} has no annotation: write one event per line, as {LINE}")
    if rows[0][1][0] in "{[":
        raise DataError(f"{path} is JSON: write one event per line, as {LINE}")
    annotations: list[Annotation] = []
    errors: list[DataError] = []
    for row, text in rows:
        try:
            annotations.append(parse_line(text, path, row))
        except DataError as error:
            errors.append(error)
    if errors:
        more = f" ({len(errors) - 1} more of {len(rows)} rows cannot be read either)" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}")
    _warn_of_near_names(annotations, path)
    return annotations


def write_annotations(path: str | Path, annotations: Iterable[Annotation]) -> None:
    """Write an annotation file without a header line, as AVE's released one.

    Raises:
        DataError: A category or an id would not survive the round trip (it holds ``&`` or a line break, or is empty).
        StoreWriteError: The file cannot be written.
    """
    path = Path(path)
    text = ""
    for row, annotation in enumerate(annotations, start=1):
        line = str(annotation)
        back = parse_line(line, path, row)
        if (back.category, back.video_id) != (annotation.category, annotation.video_id) or "\n" in line:
            raise DataError(
                f"{path}, row {row}: {line!r} needs a category and an id without line breaks or outer spaces"
            )
        text += f"{line}\n"
    write_atomically(path, text.encode())


def categories(annotations: Iterable[Annotation]) -> tuple[str, ...]:
    """Categories in order of first appearance, without the reserved "Background"; a category's index is its place here.

    Example:
        >>> lines = [("Cat", 0.0), ("Background", 0.0), ("Dog", 3.0), ("Cat", 4.0)]
        >>> categories(Annotation(name, "id", "good", 0.0, end) for name, end in lines)
        ('Cat', 'Dog')
    """
    return tuple(dict.fromkeys(line.category for line in annotations if line.category != BACKGROUND))


def segment_labels(lines: Sequence[Annotation], categories: Sequence[str], segments: int) -> NDArray[np.int64]:
    """Label each second of a clip with its category's index, or C = ``len(categories)`` for background.

    A second belongs to an event that covers at least half of it; with whole seconds that is start <= t < end. Where
    two categories overlap, the one that covers more of the second wins, and the one whose line is first if they tie.

    Args:
        lines: All annotations of one clip.
        categories: Names in order of their index.
        segments: T, the clip's number of seconds.

    Returns:
        Labels [T] in 0..C.

    Raises:
        DataError: A line has a category that is not among ``categories``.

    Example:
        >>> dog = Annotation("Dog", "id", "good", 1.0, 2.5)
        >>> segment_labels([dog], ["Cat", "Dog"], 4)
        array([2, 1, 1, 2])
    """
    present: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in lines:
        if line.category == BACKGROUND:
            continue
        if line.category not in categories:
            raise DataError(f"clip {line.video_id}: {unknown_name('category', line.category, categories)}")
        present[line.category].append((line.start_seconds, line.end_seconds))
    background = np.full(segments, len(categories), dtype=np.int64)
    if not present:
        return background
    covered = np.stack([_coverage(intervals, segments) for intervals in present.values()])  # [categories present, T]
    indices = np.array([categories.index(name) for name in present], dtype=np.int64)
    best = covered.argmax(0)  # [T]; of equals the first
    return np.where(covered.max(0) >= 0.5, indices[best], background)


def _coverage(intervals: Sequence[tuple[float, float]], segments: int) -> NDArray[np.float64]:
    """Share [T] of each second that lies in the union of the intervals."""
    seconds = np.arange(segments, dtype=np.float64)
    covered, reached = np.zeros(segments), 0.0
    for start, end in sorted(intervals):
        begin = max(start, reached)
        if end > begin:
            covered += np.clip(np.minimum(end, seconds + 1) - np.maximum(begin, seconds), 0.0, 1.0)
            reached = end
    return covered.round(9)  # so that 3.2 to 3.7 is half a second


def read_rows(path: Path) -> list[tuple[int, str]]:
    """Read the lines of a text file that are not blank, stripped, with their row numbers from 1.

    Raises:
        DataError: The file cannot be read, or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        is_utf16 = path.read_bytes()[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        found = "is UTF-16 text" if is_utf16 else f"is not UTF-8 text ({error.reason} at byte {error.start})"
        raise DataError(f"{path} {found}: save it as UTF-8") from error
    return [(row, line.strip()) for row, line in enumerate(text.split("\n"), start=1) if line.strip()]


def is_header(text: str) -> bool:
    """True if a row names its fields, as some copies of AVE do, instead of holding an annotation."""
    parts = text.lower().split("&")
    return len(parts) == 5 and "start" in parts[3] and "end" in parts[4]


def parse_line(text: str, path: Path, row: int) -> Annotation:
    """Read one annotation line.

    Raises:
        DataError: It is not one; the message names file and row.
    """
    parts = [part.strip() for part in text.split("&")]
    where = f"{path}, row {row}: got {text!r}"
    if len(parts) == 1 and (separator := _foreign_separator(text)) is not None:
        raise DataError(f"{where}, fields between {separator}: put & between them, as {LINE}")
    if len(parts) != 5:
        raise DataError(f"{where}, {len(parts)} field{'s' * (len(parts) != 1)} instead of 5: write {LINE}")
    category, video_id, quality, *times = parts
    if not category or not video_id:
        raise DataError(f"{where}, without {'a video id' if category else 'a category'}: write {LINE}")
    try:
        start, end = map(float, times)
    except ValueError as error:
        raise DataError(f"{where}, where start or end is not a number: write seconds, e.g. 3 or 3.5") from error
    if not (math.isfinite(start) and math.isfinite(end)) or start < 0 or start > end:
        raise DataError(f"{where}, start {times[0]} and end {times[1]}: must be seconds with 0 <= start <= end")
    return Annotation(category, video_id, quality, start, end)


def _foreign_separator(text: str) -> str | None:
    """The character that another format puts between fields, in words; None if there is none."""
    separators = {"\t": "tabs", ";": "semicolons", ",": "commas"}
    return next((words for character, words in separators.items() if text.count(character) >= 2), None)


def _warn_of_near_names(annotations: Sequence[Annotation], path: Path) -> None:
    counts = Counter(annotation.category for annotation in annotations)
    seen: dict[str, str] = {"background": BACKGROUND}
    for name in sorted(counts):
        other = seen.setdefault("".join(name.split()).casefold(), name)
        if other != name:
            warnings.warn(
                f"{path}: {other!r} and {name!r} count as two categories; if they are one, spell them alike",
                stacklevel=3,
            )
    for name, count in counts.items():
        for other in (other for other in counts if counts[other] > count and _differ_by_a_letter(name, other)):
            warnings.warn(
                f"{path}: {name!r} ({count} line{'s' * (count != 1)}) differs by one letter from {other!r} "
                f"({counts[other]} lines); if they are one category, spell them alike",
                stacklevel=3,
            )


def _differ_by_a_letter(one: str, other: str) -> bool:
    """True for names that are alike but for one letter, which is another, too much or missing."""
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    if short == long or len(long) - len(short) > 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[same:] == long[same + 1 :] or short[same + 1 :] == long[same + 1 :]
