"""Mistakes of a data-set folder, told before its videos are decoded, and those that only its clips' lengths show."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from dmin.data.annotations import Annotation
from dmin.data.folder import DataFolder, few, like
from dmin.errors import DataError
from dmin.features import FeatureStore, find_videos
from dmin.files import write_atomically

WARNINGS_FILE = "warnings.txt"
"""Of a feature store: the warnings of its data set, one a line."""
_ROUNDING_SECONDS = 0.5
"""An event may end so much later than its clip, which is seldom as long as it claims."""


@dataclass(frozen=True)
class CheckedFolder:
    """A data set whose clips all have their videos."""

    data: DataFolder
    warnings: tuple[str, ...]
    """One sentence each."""


def check_folder(folder: Path) -> CheckedFolder:
    """Read annotations and splits and compare them with the names of the videos.

    Raises:
        DataError: They cannot be read, contradict each other, or name clips in a split that have no video.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = DataFolder.open(folder)
    videos = find_videos(folder)
    wanted = dict.fromkeys(video_id for ids in data.splits.values() for video_id in ids)
    if missing := [video_id for video_id in wanted if video_id not in videos]:
        names = [f"{video_id!r}{like(video_id, videos)}" for video_id in missing]
        raise DataError(
            f"{few(names)}: {len(missing)} of {len(wanted)} clips in the splits of {folder} have no video there: "
            "correct the ids, add the videos, or take the lines out of the split"
        )
    found = [str(warning.message) for warning in caught]
    if unnamed := [video_id for video_id in videos if video_id not in data.lines]:
        found.append(
            f"{few([str(videos[video_id]) for video_id in unnamed])}: no line of {folder / 'Annotations.txt'} names "
            f"{'it' if len(unnamed) == 1 else 'them'}, so no split has {'it' if len(unnamed) == 1 else 'them'}"
        )
    return CheckedFolder(data, tuple(found))


def check_times(store_folder: Path) -> tuple[str, ...]:
    """Compare the annotations of a feature store with the lengths of its clips.

    Returns:
        Warnings, a sentence each.
    """
    store, data = FeatureStore.open(store_folder), DataFolder.open(store_folder)
    lengths = {video_id: entry.duration_seconds for video_id, entry in store.entries(data.lines)}
    late = [
        line
        for line in data.annotations
        if line.end_seconds > lengths.get(line.video_id, line.end_seconds) + _ROUNDING_SECONDS
    ]
    if not late:
        return ()
    first = late[0]
    cure = "correct these lines, what lies behind the end counts for nothing"
    if all(_is_in_milliseconds(line, lengths[line.video_id]) for line in late):
        cure = "the times look like milliseconds, write seconds"
    return (
        f"{data.source / 'Annotations.txt'}: {len(late)} of {len(data.annotations)} events end after their clips "
        f"(first: {str(first)!r} of a clip of {lengths[first.video_id]:.1f} s): {cure}",
    )


def write_warnings(store_folder: Path, found: tuple[str, ...]) -> None:
    """Keep warnings in a store; without any, remove those of an earlier extraction.

    Raises:
        StoreWriteError: They cannot be written.
    """
    path = store_folder / WARNINGS_FILE
    if found:
        write_atomically(path, "".join(f"{sentence}\n" for sentence in found).encode())
    else:
        path.unlink(missing_ok=True)


def _is_in_milliseconds(line: Annotation, length_seconds: float) -> bool:
    return line.end_seconds >= 100 and line.end_seconds / 1000 <= length_seconds + _ROUNDING_SECONDS
