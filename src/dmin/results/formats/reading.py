"""Labels that other tools export, read for a data set: `READERS` has a function for each kind of file.

A reader takes the text of a file and gives its `Label`s. Readers stand beside the writers of their format.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dmin.errors import DataError, DminError


@dataclass(frozen=True)
class Label:
    """Something that a person marked in a video."""

    video: str | None
    """Name of the video as the file has it; None where the label file stands for one video of its own name."""
    start_seconds: float
    end_seconds: float
    category: str


Reader = Callable[[str], list[Label]]


@dataclass(frozen=True)
class _Kind:
    words: str
    suffixes: tuple[str, ...]
    fits: Callable[[str], bool]
    read: Reader


READERS: list[_Kind] = []
"""All kinds of files that are read; of several that fit, the first one reads."""


def reads(words: str, *suffixes: str, fits: Callable[[str], bool] = lambda text: True) -> Callable[[Reader], Reader]:
    """Decorate a reader to make its kind of file known.

    A reader may fail in any way on a file that is not of its kind; what it can say better, it says as a `DataError`.

    Args:
        words: The kind of file, for messages.
        suffixes: Endings of such files.
        fits: Tells such a file by its text from others of the same ending.
    """

    def keep(read: Reader) -> Reader:
        READERS.append(_Kind(words, suffixes, fits, read))
        return read

    return keep


def read_labels(path: Path) -> list[Label]:
    """Read a file of labels; its ending and its content say of which tool it is.

    Raises:
        DataError: The file cannot be read, or is of no known kind; the message names the row.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}): save it as UTF-8") from error
    suffix = path.suffix.lower()
    kinds = [kind for kind in READERS if suffix in kind.suffixes]
    if not kinds:
        known = ", ".join(sorted({suffix for kind in READERS for suffix in kind.suffixes}))
        raise DataError(f"{path} is of no kind that is read here: give a file that ends in {known}")
    fitting = [kind for kind in kinds if kind.fits(text)]
    if not fitting:
        raise DataError(f"{path} holds no labels of a tool that is known here: see docs/import.md")
    try:
        return fitting[0].read(text)
    except DminError as error:
        raise DataError(f"{path}, {error}") from error
    except Exception as error:  # a file may break a reader in ways that nobody has foreseen
        words = f"which is no {fitting[0].words} ({type(error).__name__}: {error}): export it again"
        raise DataError(f"{path}, {words}") from error


def seconds_of(text: str) -> float:
    """A time as people and tools write it: seconds, or minutes or hours before them; the comma may be the point.

    Example:
        >>> seconds_of("3.5"), seconds_of("1:02,5"), seconds_of("01:00:00.000")
        (3.5, 62.5, 3600.0)

    Raises:
        DataError: It is none.
    """
    if not re.fullmatch(r"\s*(\d+:){0,2}\d+([.,]\d*)?\s*", text):
        raise DataError(f"{text!r} is no time: give seconds (3.5) or hours, minutes and seconds (0:01:02.5)")
    seconds = 0.0
    for part in text.strip().split(":"):
        seconds = 60 * seconds + float(part.replace(",", "."))
    return seconds
