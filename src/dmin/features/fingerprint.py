"""Fingerprints of files, which tell if features were made of the file that is there now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dmin.errors import DataError
from dmin.features.index import Entry
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


def stamp(path: Path) -> str:
    """A file's size and time of change: while they stay, so does its fingerprint. Empty if it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size}-{found.st_mtime_ns}"


def made_from(store: FeatureStore, sources: Mapping[str, str]) -> set[str]:
    """Ids of the clips whose features are in the store, whole, and were made from sources of these fingerprints."""
    entries = store.entries(sources)
    return {video_id for video_id, entry in entries if _is_of(store, video_id, entry, sources[video_id])}


def current(store: FeatureStore, videos: Mapping[str, Path]) -> set[str]:
    """Ids of the videos whose features are in the store, whole, and were made from the very files that are there now.

    Reads only files whose size or time has changed since; those that turn out to be the same are noted in the store.
    """
    found: set[str] = set()
    moved: list[tuple[str, Entry]] = []
    for video_id, entry in store.entries(videos):
        path = videos[video_id]
        now = stamp(path)
        if not now or now not in entry.stamps:
            source = fingerprint(path)
            if not _is_of(store, video_id, entry, source):
                continue
            moved.append((video_id, replace(entry, source=source, stamps=(now,))))
        found.add(video_id)
    store.note(moved)
    return found


def _is_of(store: FeatureStore, video_id: str, entry: Entry, source: str) -> bool:
    if entry.source is not None:
        return bool(source) and entry.source == source
    try:
        return bool(source) and store.source(video_id) == source
    except DataError:  # damaged: do it again
        return False
