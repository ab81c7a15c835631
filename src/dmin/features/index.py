"""An index of a feature store: what is known of its clips without opening their files.

```
STORE/index/<writer>.tsv    one line per clip: id, seconds, duration, bytes, source, stamp; texts are percent-encoded
```

Each process appends to a file of its own, so writers need no lock. A clip's line is written before its file of features
appears, and it counts only for a file of the size that it names. So a crash between the two, or somebody who deletes
or replaces files, leaves no wrong answer; a clip without a line that counts is looked up in its own file.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from dmin.files import StoreWriteError, write_atomically

_WRITER = uuid.uuid4().hex[:16]
_MANY_FILES = 256
"""From so many on, files that nobody writes to any more are merged into one."""
_IDLE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one clip without reading its features."""

    seconds: int
    """T, rows of its features."""
    duration_seconds: float
    size_bytes: int
    """Size of its file of features."""
    source: str | None
    """Fingerprint of the video; empty if none was given, None if lines of the index contradict each other."""
    stamps: tuple[str, ...] = ()
    """Sizes and times of files that had this fingerprint (see `dmin.features.fingerprint.stamp`)."""


class Index:
    """The index in one folder.

    Example:
        >>> import tempfile
        >>> index = Index(Path(tempfile.mkdtemp()))
        >>> index.add([("sea", Entry(10, 10.0, 512, "abc"))])
        >>> fitting(index.read(["sea"])["sea"], 512)
        Entry(seconds=10, duration_seconds=10.0, size_bytes=512, source='abc', stamps=())
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, entries: Iterable[tuple[str, Entry]]) -> None:
        """Append a line for each stamp of each entry, to this process's own file.

        Raises:
            StoreWriteError: Disk full, read-only, no permission.
        """
        lines = b"".join(_line(video_id, entry) for video_id, entry in entries)
        path = self.folder / f"{_WRITER}-{os.getpid()}.tsv"
        try:
            self.folder.mkdir(exist_ok=True)
            with path.open("ab") as file:
                file.write(lines)
        except OSError as error:
            raise StoreWriteError(f"cannot write {path}: {error.strerror}") from error

    def read(self, wanted: Container[str]) -> dict[str, bytes]:
        """Lines of the wanted clips by id, unparsed: there may be a million; see `fitting`."""
        found: dict[str, bytes] = {}
        for file in self._files():
            for line in _lines(file):
                name, _, rest = line.partition(b"\t")
                video_id = name.decode("ascii", "replace")
                if "%" in video_id:
                    video_id = unquote(video_id, errors="surrogateescape")
                if video_id in wanted:
                    before = found.get(video_id)
                    found[video_id] = rest if before is None else before + rest
        return found

    def merge(self) -> None:
        """Make one file of many that nobody has written to for an hour; a line that is lost meanwhile does no harm.

        Raises:
            StoreWriteError: Disk full, read-only, no permission.
        """
        idle = [file for file in self._files() if time.time() - _changed_at(file) >= _IDLE_SECONDS]
        if len(idle) < _MANY_FILES:
            return
        lines = dict.fromkeys(line for file in idle for line in _lines(file))
        write_atomically(self.folder / f"{uuid.uuid4().hex}.tsv", b"".join(lines))
        for file in idle:
            file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.tsv"))


def fitting(lines: bytes, size_bytes: int) -> Entry | None:
    """The entry of a clip for a file of this size; None if no line fits, or those that fit contradict each other."""
    entries = [entry for line in lines.splitlines() if (entry := _entry(line)) and entry.size_bytes == size_bytes]
    if len(entries) == 1:
        return entries[0]
    if len({(entry.seconds, entry.duration_seconds) for entry in entries}) != 1:
        return None
    if len({entry.source for entry in entries}) > 1:
        return replace(entries[0], source=None, stamps=())
    return replace(entries[0], stamps=tuple(stamp for entry in entries for stamp in entry.stamps))


def _line(video_id: str, entry: Entry) -> bytes:
    name, source = (quote(text, safe=" /", errors="surrogateescape") for text in (video_id, entry.source or ""))
    facts = f"{name}\t{entry.seconds}\t{entry.duration_seconds!r}\t{entry.size_bytes}\t{source}"
    return "".join(f"{facts}\t{stamp}\n" for stamp in entry.stamps or ("",)).encode()


def _entry(line: bytes) -> Entry | None:
    """What a line says after its id; None if it is damaged."""
    try:
        seconds, duration, size, source, stamp = line.decode("ascii").split("\t")
        source = unquote(source) if "%" in source else source
        return Entry(int(seconds), float(duration), int(size), source, (stamp,) if stamp else ())
    except ValueError:
        return None


def _lines(file: Path) -> Iterator[bytes]:
    """Whole lines of a file; the last one may be just being written, or be cut off by a crash."""
    with suppress(FileNotFoundError), file.open("rb") as lines:  # another process has merged it
        yield from (line for line in lines if line.endswith(b"\n"))


def _changed_at(file: Path) -> float:
    """Time of a file's last change; now if it is gone."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return time.time()
