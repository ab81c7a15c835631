"""All that can be decoded, as a `Recording`."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from av.container import InputContainer

from dmin.errors import MediaError
from dmin.media.live import Live
from dmin.media.recording import Recording

Source = str | Path | BinaryIO | InputContainer | Recording
"""A file, an open file, what PyAV has opened, or one of them that is probed already.

What cannot be read again from its start (a container of PyAV, a file object that cannot seek) is read once, as it
comes: see `Live`.
"""


def recording_of(source: Source) -> Recording:
    """Look through a source, unless that is done. An open file keeps its footage, as it may be closed later on.

    Raises:
        MediaError: It cannot be read, or is neither video nor sound.
    """
    if isinstance(source, Recording):
        return source
    if isinstance(source, str | Path):
        return Recording(source)
    if isinstance(source, InputContainer):
        return Live(source)
    if not hasattr(source, "seekable"):
        kind = type(source).__name__
        raise MediaError(f"a video cannot be {kind}: give a path, a file open for reading bytes, or av.open(...)")
    if not source.seekable():
        return Live(source)
    return Recording(source, keeps_footage=True)
