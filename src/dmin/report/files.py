"""How every text of a report reaches the disk. Apart from style.py, so that writing text loads no matplotlib."""

from __future__ import annotations

import re
from pathlib import Path

from dmin.errors import DminError
from dmin.features.atomic import write_atomically


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
