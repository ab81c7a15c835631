"""AVE's release as one thing: the rows of `Annotations.txt`, to which everything else refers by number.

AVE annotates some videos more than once, so a video's id does not name a row. Each row gets an id of its own here: the
video's for its first row, ``<video id>~2``, ``~3`` for the next ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import (
    BACKGROUND,
    SPLITS,
    Annotation,
    categories,
    is_header,
    parse_line,
    read_annotations,
    read_rows,
    segment_labels,
)
from dmin.errors import DataError, unknown_name
from dmin.lab.ave.files import CODE, SEGMENTS, find_file, read_dataset, read_one_hot, read_order, require_file

Task = Literal["localization", "matching"]
TASKS: tuple[Task, ...] = ("localization", "matching")


@dataclass(frozen=True)
class AveRelease:
    """The annotations of AVE, and what can be read or derived with them. N rows, T = 10 seconds, C categories."""

    folder: Path
    file: Path
    """Folder in which `Annotations.txt` was found."""
    rows: tuple[Annotation, ...] = field(repr=False)
    lines: tuple[int, ...] = field(repr=False)
    """Line of the file in which each row stands, from 1."""

    @classmethod
    def open(cls, folder: str | Path) -> AveRelease:
        """Read the annotations that lie in a folder or its usual subfolders.

        Raises:
            DataError: There are none, or a line is not an annotation within ten seconds: the message names it.
        """
        folder = Path(folder)
        file = require_file(folder, "Annotations.txt")
        rows = tuple(read_annotations(file))
        lines = tuple(line for line, _ in read_rows(file))[-len(rows) :]  # without a header's
        for row, line in zip(rows, lines, strict=True):
            if row.end_seconds > SEGMENTS:
                raise DataError(
                    f"{file}, row {line}: got {str(row)!r}, which ends after {SEGMENTS} s: AVE's clips have "
                    f"{SEGMENTS}; correct the line, or lay longer videos out as `docs/tutorial.md` shows"
                )
        return cls(folder, file, rows, lines)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """An id for each row, different from all others [N]."""
        return unique_ids([row.video_id for row in self.rows])

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The C categories in order of first appearance, which is the order of the label files."""
        return categories(self.rows)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Label of each second [N, T], derived from the annotations: 0..C - 1, or C for background."""
        return np.stack([segment_labels([row], self.categories, SEGMENTS) for row in self.rows])

    @cached_property
    def clip_labels(self) -> NDArray[np.int64]:
        """Category of each row [N], whether or not it has an event; C only for the reserved "Background"."""
        index = {name: i for i, name in enumerate(self.categories)} | {BACKGROUND: len(self.categories)}
        return np.array([index[row.category] for row in self.rows], dtype=np.int64)

    def where(self, row: int) -> str:
        """A row in words: its number, its line and what stands there."""
        return f"{str(self.rows[row])!r} (line {self.lines[row]} of {self.file.name})"

    def order(self, split: str, task: Task = "localization") -> NDArray[np.int64] | None:
        """Rows [K] of a split, or None if no file says.

        For localization the HDF5 order is taken; without it AVE's ``trainSet.txt`` (``valSet``, ``testSet``), or
        ``splits/train.txt``, with annotation lines or video ids.

        Raises:
            DataError: The file is damaged, or names what `Annotations.txt` does not hold.
        """
        name = f"{split}_order.h5" if task == "localization" else f"{split}_order_match.h5"
        if (path := find_file(self.folder, name)) is not None:
            return read_order(path, len(self.rows))
        text = self.set_file(split) if task == "localization" else None
        return None if text is None else self.read_set(text)

    def splits(self, task: Task = "localization") -> Mapping[str, NDArray[np.int64]]:
        """Rows by split, as far as there are files.

        Raises:
            DataError: As `order`, or a row stands in two splits.
        """
        found = {split: order for split in SPLITS if (order := self.order(split, task)) is not None}
        owner: dict[int, str] = {}
        for split, order in found.items():
            if shared := [row for row in order.tolist() if row in owner]:
                raise DataError(
                    f"{self.folder}, {task} splits: row {shared[0]}, {self.where(shared[0])}, stands in "
                    f"{owner[shared[0]]} and {split} ({len(shared)} such): take all order files from {CODE}"
                )
            owner |= dict.fromkeys(order.tolist(), split)
        return found

    def set_file(self, split: str) -> Path | None:
        """The text file of a split, if there is one."""
        return find_file(self.folder, f"{split}Set.txt") or find_file(self.folder, f"{split}.txt")

    def read_set(self, path: Path) -> NDArray[np.int64]:
        """Rows [K] that a text file names, by annotation lines or by video ids (all rows of the video then).

        Raises:
            DataError: A line is malformed, or `Annotations.txt` does not hold it.
        """
        by_line: dict[tuple[object, ...], list[int]] = {}
        by_id: dict[str, list[int]] = {}
        for index, row in enumerate(self.rows):
            by_line.setdefault(_key(row), []).append(index)
            by_id.setdefault(row.video_id, []).append(index)
        found: list[int] = []
        for number, text in read_rows(path):
            if is_header(text):
                continue
            where = f"{path}, row {number}: got {text!r}"
            if "&" not in text:
                if text not in by_id:
                    raise DataError(f"{where}, a video id that {self.file} does not hold: add its line, or remove it")
                found += by_id[text]
                continue
            line = parse_line(text, path, number)
            if line.category not in (*self.categories, BACKGROUND):
                raise DataError(f"{path}, row {number}: {unknown_name('category', line.category, self.categories)}")
            if _key(line) not in by_line:
                raise DataError(f"{where}, which is no line of {self.file}: correct the one or the other")
            found += by_line[_key(line)]
        if not found:
            raise DataError(f"{path} is empty: get it anew, or remove it")
        return np.array(list(dict.fromkeys(found)), dtype=np.int64)

    def contradictions(self) -> Iterator[str]:
        """Compare everything that is there with the annotations: one sentence for each file that does not agree."""
        checks: list[Callable[[], object]] = [*self._label_checks()]
        checks += [partial(self.splits, task) for task in TASKS]
        checks += [partial(self._check_set, split) for split in SPLITS]
        said: set[str] = set()
        for check in checks:
            try:
                check()
            except DataError as error:
                if str(error) not in said:  # a damaged order is met twice
                    yield str(error)
                said.add(str(error))

    def require_agreement(self) -> None:
        """Make sure that the label files, as far as there are any, say what the annotations say.

        Raises:
            DataError: One does not; the message names the file and the first row.
        """
        for check in self._label_checks():
            check()

    def _label_checks(self) -> tuple[Callable[[], None], ...]:
        return self._check_seconds, self._check_relevance, self._check_clips, self._check_noisy

    def _check_seconds(self) -> None:
        if (path := find_file(self.folder, "labels.h5")) is None:
            return
        index, width = read_one_hot(path, (len(self.rows), SEGMENTS, None))
        self._check_width(path, index.min(1), width)  # background has the highest index
        self._compare(path, index, self.labels)

    def _check_relevance(self) -> None:
        if (path := find_file(self.folder, "labels_closs.h5")) is None:
            return
        relevance = read_dataset(path, (len(self.rows), SEGMENTS))
        self._compare(path, relevance, self.labels < len(self.categories), ("background", "event"))

    def _check_clips(self) -> None:
        if (path := find_file(self.folder, "mil_labels.h5")) is None:
            return
        index, width = read_one_hot(path, (len(self.rows), None))
        self._check_width(path, index, width)
        self._compare(path, index, self.clip_labels)

    def _check_noisy(self) -> None:
        if (path := find_file(self.folder, "labels_noisy.h5")) is None:
            return
        index, width = read_one_hot(path, (None, None))
        if len(bad := np.flatnonzero(index != width - 1)):
            raise DataError(f"{path}, row {bad[0]}: says category {index[bad[0]]}, must be background ({width - 1})")

    def _check_set(self, split: str) -> None:
        """Compare the text file of a split with its HDF5 order."""
        text, file = self.set_file(split), find_file(self.folder, f"{split}_order.h5")
        if text is None or file is None:
            return
        rows, order = set(self.read_set(text).tolist()), set(read_order(file, len(self.rows)).tolist())
        if different := sorted(rows ^ order):
            row = different[0]
            holder, other = (text, file) if row in rows else (file, text)
            raise DataError(
                f"{holder} names row {row}, {self.where(row)}, and {other} does not ({len(different)} rows differ): "
                "remove the file that is wrong"
            )

    def _check_width(self, path: Path, index: NDArray[np.int64], width: int) -> None:
        """Compare the number of categories; a misspelt one is found by the column that its row has."""
        if width == len(self.categories) + 1:
            return
        known = set()
        for column in range(width - 1):
            names = [self.rows[row].category for row in np.flatnonzero(index == column)]
            known |= {max(set(names), key=names.count)} if names else set()
        strange = [row for row, line in enumerate(self.rows) if line.category not in known | {BACKGROUND}]
        if width <= len(self.categories) and strange:
            name = unknown_name("category", self.rows[strange[0]].category, known)
            raise DataError(f"{self.file}, row {self.lines[strange[0]]}: {name}; {path} has {width - 1} categories")
        raise DataError(
            f"{path} has {width} columns, must be {len(self.categories) + 1}: the {len(self.categories)} categories "
            f"of {self.file} and background; take both files from one release"
        )

    def _compare(
        self, path: Path, said: NDArray[Any], derived: NDArray[Any], names: Sequence[str] | None = None
    ) -> None:
        """Raise for the first row of ``said`` that is not what was derived."""
        different = said != derived
        if not different.any():
            return
        names = names or (*self.categories, BACKGROUND.lower())
        place = tuple(np.argwhere(different)[0])
        count = np.count_nonzero(different.reshape(len(different), -1).any(1))
        second = f" in second {place[1]}" if len(place) > 1 else ""
        value = said[place]
        word = names[int(value)] if value in range(len(names)) else str(value)
        raise DataError(
            f"{path}, row {place[0]}: says {word!r}{second}, but {self.where(int(place[0]))} says "
            f"{names[int(derived[place])]!r} ({count} of {len(said)} rows differ): take both files from one "
            "release, or remove the label file, which is then derived"
        )


def unique_ids(video_ids: Sequence[str]) -> tuple[str, ...]:
    """Make ids that repeat different.

    Example:
        >>> unique_ids(["a", "b", "a", "a"])
        ('a', 'b', 'a~2', 'a~3')
    """
    taken = set(video_ids)
    seen: set[str] = set()
    ids = []
    for video_id in video_ids:
        name, count = video_id, 1
        while name in seen or (count > 1 and name in taken):
            count += 1
            name = f"{video_id}~{count}"
        seen.add(name)
        ids.append(name)
    return tuple(ids)


def _key(line: Annotation) -> tuple[object, ...]:
    return line.category, line.video_id, line.start_seconds, line.end_seconds
