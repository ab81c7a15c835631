"""Figures of a data set: lengths, clips and seconds of each category and split, background, clips that splits share."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import BACKGROUND, Annotation, categories, segment_labels
from dmin.data.clips import CategoryCount, count_labels
from dmin.data.folder import DataFolder
from dmin.data.twins import Twin, find_twins
from dmin.errors import DminError
from dmin.features import FeatureStore
from dmin.files import write_file
from dmin.media import probe
from dmin.progress import Progress, silent
from dmin.results.events import dumps


@dataclass(frozen=True)
class Lengths:
    """Lengths of clips."""

    shortest_seconds: float
    median_seconds: float
    longest_seconds: float


@dataclass(frozen=True)
class SplitStatistics:
    """One split."""

    clips: int
    without_event: int
    """Clips without an event."""
    lengths: Lengths | None
    """Of the clips whose length is known; None if there are none."""
    unknown_length: int
    """Clips without a video that can be read, or without features; of them, events are counted, background is not."""
    seconds: int
    """Of the clips of known length."""
    background_seconds: int
    categories: Mapping[str, CategoryCount]
    """Clips and seconds by category, the reserved "Background" last; of all clips, but background's seconds only of
    those of known length."""

    @property
    def background_share(self) -> float | None:
        """Share of seconds without an event, in clips of known length."""
        return self.background_seconds / self.seconds if self.seconds else None


@dataclass(frozen=True)
class SharedRecording:
    """Clips of several splits that were cut from one recording, or are one clip, by their ids."""

    recording: str
    clips: Mapping[str, tuple[str, ...]]
    """Ids by the name of the split."""


@dataclass(frozen=True)
class DataStatistics:
    """All figures of a data set."""

    data: str
    categories: tuple[str, ...]
    splits: Mapping[str, SplitStatistics]
    shared: tuple[SharedRecording, ...]
    twins: tuple[Twin, ...] | None
    """Clips of two splits whose features are nearly the same; None if there are no features."""

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, as in the JSON file."""
        data = asdict(self)
        for name, split in self.splits.items():
            data["splits"][name]["background_share"] = split.background_share
        return data

    def save(self, file: Path) -> None:
        """Write a JSON file.

        Raises:
            DminError: It cannot be written.
        """
        write_file(file, dumps(self.to_dict()).encode())


def describe(folder: str | Path, progress: Progress = silent) -> DataStatistics:
    """Count what is in a data-set folder or a feature store.

    Lengths are those of the features in a store, and of the videos elsewhere.

    Raises:
        DataError: It is neither, or its annotations and splits cannot be read.
    """
    data = DataFolder.open(folder)
    ids = [video_id for split in data.splits.values() for video_id in split]
    if (Path(folder) / "features").is_dir():
        store = FeatureStore.open(folder)
        lengths = {video_id: entry.duration_seconds for video_id, entry in store.entries(ids)}
        return count(str(folder), data.annotations, data.splits, lengths, find_twins(store, data.splits, progress))
    lengths = {}
    for done, video_id in enumerate(ids, start=1):
        if video_id in data.videos and (seconds := _length_seconds(data.videos[video_id])) is not None:
            lengths[video_id] = seconds
        progress("lengths", done, len(ids))
    return count(str(folder), data.annotations, data.splits, lengths, None)


def count(
    name: str,
    annotations: Sequence[Annotation],
    splits: Mapping[str, Sequence[str]],
    lengths_seconds: Mapping[str, float],
    twins: tuple[Twin, ...] | None = None,
) -> DataStatistics:
    """Figures of annotations and splits.

    Args:
        name: Of the data.
        annotations: All lines.
        splits: Ids by the name of the split.
        lengths_seconds: Lengths of the clips as far as they are known, by id.
        twins: What `find_twins` found.
    """
    names = categories(annotations)
    lines: dict[str, list[Annotation]] = defaultdict(list)
    for line in annotations:
        lines[line.video_id].append(line)
    counted = {split: _split(ids, lines, names, lengths_seconds) for split, ids in splits.items()}
    return DataStatistics(name, names, counted, _shared(splits), twins)


def recording_of(video_id: str) -> str:
    """The recording that a clip was cut from, as far as its id tells: ids of YouTube may have seconds behind them.

    Example:
        >>> [recording_of(name) for name in ("4YdbENYcIyE_23_33", "4YdbENYcIyE_000160", "a~2", "b_1")]
        ['4YdbENYcIyE', '4YdbENYcIyE', 'a', 'b_1']
    """
    video_id = re.sub(r"~\d+$", "", video_id)  # stores of AVE have an entry for each row of one video
    stamped = re.fullmatch(r"([A-Za-z0-9_-]{11})(_\d+){1,2}", video_id)
    return stamped[1] if stamped else video_id


def _length_seconds(path: Path) -> float | None:
    try:
        return probe(path).duration_seconds
    except DminError:
        return None


def _split(
    ids: Sequence[str], lines: Mapping[str, list[Annotation]], names: Sequence[str], lengths: Mapping[str, float]
) -> SplitStatistics:
    labels: dict[str, NDArray[np.int64]] = {}
    for video_id in ids:
        of_clip = lines[video_id]
        # Of unknown length: as far as its events reach. Known ones are rounded half up, as everywhere.
        length = lengths.get(video_id, math.ceil(max(line.end_seconds for line in of_clip)))
        labels[video_id] = segment_labels(of_clip, names, max(1, math.floor(length + 0.5)))
    known = [video_id for video_id in ids if video_id in lengths]
    seconds = [lengths[video_id] for video_id in known]
    counts = count_labels(labels.values(), names)
    background = sum(int((labels[video_id] == len(names)).sum()) for video_id in known)
    counts[BACKGROUND] = replace(counts[BACKGROUND], seconds=background)
    return SplitStatistics(
        clips=len(ids),
        without_event=counts[BACKGROUND].clips,
        lengths=Lengths(min(seconds), median(seconds), max(seconds)) if seconds else None,
        unknown_length=len(ids) - len(known),
        seconds=sum(len(labels[video_id]) for video_id in known),
        background_seconds=background,
        categories=counts,
    )


def _shared(splits: Mapping[str, Sequence[str]]) -> tuple[SharedRecording, ...]:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for split, ids in splits.items():
        for video_id in ids:
            found[recording_of(video_id)][split].append(video_id)
    return tuple(
        SharedRecording(recording, {split: tuple(ids) for split, ids in by_split.items()})
        for recording, by_split in found.items()
        if len(by_split) > 1
    )


def pairs_of_splits(shared: Sequence[SharedRecording]) -> dict[tuple[str, str], int]:
    """Number of recordings that two splits share, by the splits' names."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for each in shared:
        for pair in combinations(each.clips, 2):
            counts[pair] += 1
    return dict(counts)
