"""Files that appear whole or not at all, whoever else is writing and whenever the process is killed."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmin.errors import DataError, DminError

_STALE_SECONDS = 3600.0
"""Temporary files of this age were left by a killed process."""


class StoreWriteError(DataError):
    """The store cannot be written: disk full, read-only, or no permission. No later write will do better."""


def write_atomically(path: Path, content: bytes, temporary_in: Path | None = None) -> None:
    """Write a file beside its place, then move it there: it is whole or not there at all.

    Args:
        path: Its place.
        content: What to write.
        temporary_in: Folder above its own where the file is written first; its own folder is made if need be.

    Raises:
        StoreWriteError: Disk full, read-only, no permission. Nothing half-written is left.
    """
    try:
        temporary = _write_temporary((temporary_in or path.parent) / path.name, content)
        try:
            if temporary_in is not None:
                path.parent.mkdir(exist_ok=True)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreWriteError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """The path of a new file, which is moved to another's place once it is written; after an error nothing is left."""
    temporary = _temporary_name(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_name(path: Path) -> Path:
    # Not tempfile's: its files are readable by their owner alone, and a store is often shared.
    return path.with_name(f".{uuid.uuid4().hex}.tmp")


def _write_temporary(path: Path, content: bytes) -> Path:
    temporary = _temporary_name(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
    except BaseException:  # a key press too must leave nothing behind
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def write_once(path: Path, content: str) -> None:
    """Write a file unless another process does so first; either way a whole file is there afterwards."""
    temporary = _write_temporary(path, content.encode())
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links: the last writer wins, and all of them compare afterwards
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_stale(folder: Path, older_than_seconds: float = _STALE_SECONDS) -> None:
    """Remove temporary files that killed processes left behind; young ones may belong to a living one."""
    for file in folder.glob(".*.tmp"):
        try:
            if time.time() - file.stat().st_mtime >= older_than_seconds:
                file.unlink()
        except FileNotFoundError:  # another process was faster
            continue


def readable(name: str) -> str:
    r"""A name as UTF-8 can hold it: the bytes that are not UTF-8, to Python surrogates, become replacement characters.

    Example:
        >>> print(ascii(readable("caf\udce9.mp4")))
        'caf\ufffd.mp4'
    """
    return re.sub(r"[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", name)


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; missing parent folders are created.

    Raises:
        DminError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DminError(f"cannot create the folder {path.parent}: {error.strerror}") from error
    write_atomically(path, content)
