"""Finds the videos in a folder and below it, and their ids."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dmin.errors import DataError

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts", ".3gp", ".ogv",
)  # fmt: skip
"""Files in a folder that count as videos; files that are named one by one may end in anything."""


def find_videos(source: str | Path | Iterable[str | Path]) -> dict[str, Path]:
    """Find videos by id, in order of the ids: their path within the folder, without the suffix.

    Args:
        source: A data-set folder (its ``videos/`` is read), a plain folder of videos, one video, or several videos.
            Folders are read with all folders below. Files that are named one by one are taken as they are, whether
            they exist or not: reading them will tell; their id is the file's name without its suffix.

    Raises:
        DataError: A folder is not there or cannot be read, there is no video, or two videos share an id.

    Example:
        >>> find_videos(["holiday/sea.mp4", "dog.mov"])
        {'dog': PosixPath('dog.mov'), 'sea': PosixPath('holiday/sea.mp4')}
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        folder = path / "videos" if (path / "videos").is_dir() else path
        videos = videos_by_id(folder) if path.is_dir() else {path.stem: path}
    else:
        videos = _by_id((file.stem, file) for file in map(Path, source))
    if not videos:
        raise DataError(f"no video in {source}: known suffixes are {', '.join(VIDEO_SUFFIXES)}")
    return videos


def videos_by_id(folder: Path) -> dict[str, Path]:
    """Videos in a folder and below it, by their path within it without the suffix; there may be none.

    Raises:
        DataError: The folder cannot be read, or two videos share an id.
    """
    found = videos_below(folder)
    if found == [folder]:
        videos_in(folder)  # says why it cannot be read
    above = len(folder.parts)
    return _by_id(("/".join((*file.parts[above:-1], file.stem)), file) for file in found)


def _by_id(found: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    videos: dict[str, Path] = {}
    for video_id, file in sorted(found):
        if video_id in videos:
            raise DataError(f"two videos share the id {video_id!r}: {videos[video_id]} and {file}; rename one of them")
        videos[video_id] = file
    return videos


def videos_below(folder: Path) -> list[Path]:
    """List the videos in a folder and in its sub-folders; hidden files and folders are left out.

    A folder that cannot be read is in the list itself: reading it as a video will tell.
    """
    found: list[Path] = []
    pending, known = [folder], set[Path]()
    while pending:
        here = pending.pop()
        if here.resolve() in known:  # links may form a loop
            continue
        known.add(here.resolve())
        try:
            listed = _list(here)
        except DataError:
            found.append(here)
        else:
            found += listed.videos
            pending += listed.folders
    return sorted(found, key=lambda file: file.parts)  # compares a million faster than paths do


def videos_in(folder: Path) -> list[Path]:
    """List the videos that lie directly in a folder; hidden files are none.

    Raises:
        DataError: The folder cannot be read.
    """
    return sorted(_list(folder).videos)


@dataclass(frozen=True)
class _Listed:
    """What lies directly in a folder and is not hidden."""

    videos: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)


def _list(folder: Path) -> _Listed:
    listed = _Listed()
    try:
        with os.scandir(folder) as entries:  # knows what is a folder without asking once per file
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    listed.folders.append(folder / entry.name)
                elif entry.name.lower().endswith(VIDEO_SUFFIXES):
                    listed.videos.append(folder / entry.name)
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {error.strerror}") from error
    return listed
