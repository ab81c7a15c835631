"""Fingerprints of files, which tell if features were made of the file that is there now."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from dmin.errors import DataError
from dmin.features.store import FeatureStore

_FINGERPRINT_BYTES = 65_536
"""Read from each end of a file to tell whether it has changed."""


def fingerprint(path: Path) -> str:
    """A hash of a file's size and both its ends; empty if it cannot be read, which the extraction will report."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            head = file.read(_FINGERPRINT_BYTES)
            file.seek(max(size - _FINGERPRINT_BYTES, 0))
            return hashlib.sha256(b"%d" % size + head + file.read(_FINGERPRINT_BYTES)).hexdigest()[:32]
    except OSError:
        return ""


def is_current(store: FeatureStore, video_id: str, source: str) -> bool:
    """True if the store has whole features of the very file whose fingerprint is ``source``."""
    if video_id not in store:
        return False
    try:
        return bool(source) and store.source(video_id) == source
    except DataError:  # damaged: do it again
        return False
