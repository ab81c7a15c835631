"""A video or sound file that is probed once, however often it is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dmin.media.info import MediaInfo, probe
from dmin.media.pictures import pictures_in
from dmin.media.sound import sound_in
from dmin.results.footage import Footage


class Recording:
    """A video or sound file that was looked through: `decode` and all that decodes takes it in place of a path.

    Args:
        source: The file, or one that is open for reading bytes and can seek.
        keeps_footage: Keep a few frames and the spectrogram while features are computed, for a picture of it.

    Raises:
        MediaError: It is not there, cannot be read, is encrypted, or is neither video nor sound.
    """

    info: MediaInfo
    name: str
    """The path as given, or a name for what is no file."""
    keeps_footage: bool
    footage: Footage | None = None
    """Footage of all of it; None until it has been kept."""

    def __init__(self, source: str | Path | BinaryIO, *, keeps_footage: bool = False) -> None:
        file = None if isinstance(source, str | Path) else source
        self.name = str(source) if file is None else name_of(file)
        self.info = probe(self.name, file)
        self.keeps_footage = keeps_footage

    @property
    def path(self) -> Path:
        """The file, or the name of what is no file."""
        return self.info.path

    @property
    def duration_seconds(self) -> float:
        """Its length."""
        return self.info.duration_seconds

    def pictures(self, near_seconds: float = 0.0) -> Iterator[tuple[float, Any]]:
        """Decoded pictures with their timestamps, in order; those that are over before a time may be left out."""
        return pictures_in(self.info, near_seconds)

    def sound(self, near_seconds: float = 0.0) -> Iterator[Any]:
        """Decoded pieces of sound, in order; those that are over before a time may be left out."""
        return sound_in(self.info, near_seconds)

    def lasts(self, seconds: float) -> bool:
        """True if it goes on until then, to the millisecond: timestamps are not more exact than that."""
        return round(self.duration_seconds, 3) >= seconds


def name_of(file: BinaryIO) -> str:
    """The name of an open file; one in memory is called by its kind.

    Example:
        >>> import io
        >>> name_of(io.BytesIO())
        '<BytesIO>'
    """
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"
