"""Finds the videos in a folder, and their ids."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dmin.errors import DataError

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts", ".3gp", ".ogv",
)  # fmt: skip
"""Files in a folder that count as videos; files that are named one by one may end in anything."""


def find_videos(source: str | Path | Iterable[str | Path]) -> dict[str, Path]:
    """Find videos by id, the file's name without its suffix, in order of the ids.

    Args:
        source: A data-set folder (its ``videos/`` is read), a plain folder of videos, one video, or several videos.
            Files that are named one by one are taken as they are, whether they exist or not: reading them will tell.

    Raises:
        DataError: A folder is not there or cannot be read, there is no video, or two videos share an id.

    Example:
        >>> find_videos(["holiday/sea.mp4", "dog.mov"])
        {'dog': PosixPath('dog.mov'), 'sea': PosixPath('holiday/sea.mp4')}
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        files = videos_in(path / "videos" if (path / "videos").is_dir() else path) if path.is_dir() else [path]
    else:
        files = [Path(file) for file in source]
    if not files:
        raise DataError(f"no video in {source}: known suffixes are {', '.join(VIDEO_SUFFIXES)}")
    videos: dict[str, Path] = {}
    for file in sorted(files, key=lambda file: (file.stem, str(file))):
        if file.stem in videos:
            raise DataError(
                f"two videos share the id {file.stem!r}: {videos[file.stem]} and {file}; rename one of them"
            )
        videos[file.stem] = file
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
            found += videos_in(here)
            pending += [entry for entry in here.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
        except DataError:
            found.append(here)
    return sorted(found)


def videos_in(folder: Path) -> list[Path]:
    """List the videos that lie directly in a folder; hidden files are none.

    Raises:
        DataError: The folder cannot be read.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {error.strerror}") from error
    return [file for file in entries if _is_video(file)]


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in VIDEO_SUFFIXES and not file.name.startswith(".") and not file.is_dir()
