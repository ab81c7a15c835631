"""How every file of a report reaches the disk. Apart from style.py, so that writing text loads no matplotlib."""

from __future__ import annotations

from pathlib import Path

from dmin.errors import DminError
from dmin.features.atomic import write_atomically


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
