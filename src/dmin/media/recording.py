"""A video or sound file that is probed once, however often it is used."""

from __future__ import annotations

from pathlib import Path

from dmin.media.info import probe
from dmin.results.footage import Footage


class Recording:
    """A video or sound file that was looked through: `decode` and all that decodes takes it in place of a path.

    Args:
        path: The file.
        keeps_footage: Keep a few frames and the spectrogram while features are computed, for a picture of it.

    Raises:
        MediaError: It is not there, cannot be read, is encrypted, or is neither video nor sound.
    """

    def __init__(self, path: str | Path, *, keeps_footage: bool = False) -> None:
        self.info = probe(path)
        self.path = self.info.path
        self.keeps_footage = keeps_footage
        self.footage: Footage | None = None
        """Footage of all of it; None until it has been kept."""


Source = str | Path | Recording
"""A file, or one that is probed already."""
