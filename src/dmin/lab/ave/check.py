"""Checks a copy of AVE: its files, contradictions between them, and known pitfalls, counted from the files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmin.errors import DataError
from dmin.features.sources import videos_in
from dmin.lab.ave.files import (
    FILES,
    SEGMENTS,
    VIDEO_FOLDERS,
    AveFile,
    find_file,
    open_dataset,
    shape_of,
)
from dmin.lab.ave.release import TASKS, AveRelease, Task


@dataclass(frozen=True)
class FileFacts:
    """One file of the release, there or not."""

    file: AveFile
    path: Path | None
    """None if it is missing."""
    shape: tuple[int, ...] | None
    """Of its dataset; None for text, and where it cannot be read."""


@dataclass(frozen=True)
class SplitFacts:
    """Contents of one split of one task."""

    task: Task
    name: str
    clips: int
    without_event: tuple[int, ...]
    """Rows without any event."""
    full_length: int
    """Clips whose event fills all ten seconds; in matching every answer is right there."""
    background_share: float
    """Share of seconds without an event: what "background" everywhere scores, and what a perfect clip classifier that
    never says background misses."""
    commonest_category: tuple[str, float]
    """The category that scores most when said everywhere, and what it scores."""
    clips_by_category: tuple[int, ...] = field(repr=False)
    """[C], by the annotations' category."""
    matching: Mapping[str, float] | None
    """In matching splits: what answers score that know only the length of the query; None in the others."""


@dataclass(frozen=True)
class AveFacts:
    """All that `dmin data check` prints."""

    folder: Path
    files: tuple[FileFacts, ...] = field(repr=False)
    video_folder: Path | None
    """Folder of the videos; None if there are none."""
    video_count: int
    categories: tuple[str, ...]
    splits: tuple[SplitFacts, ...]
    notes: tuple[str, ...]
    """Known pitfalls, one sentence each."""
    contradictions: tuple[str, ...]
    """Contradictions, one sentence each."""


def check_release(folder: str | Path) -> AveFacts:
    """Look through a copy of AVE, in whatever subset it is.

    Raises:
        DataError: There are no annotations, or they cannot be read.
    """
    folder = Path(folder)
    release = AveRelease.open(folder)
    videos = find_video_folder(folder)
    contradictions = [*release.contradictions(), *_wrong_shapes(folder, len(release.rows))]
    orders: dict[tuple[Task, str], NDArray[np.int64]] = {}
    for task in TASKS:
        try:
            orders |= {(task, split): order for split, order in release.splits(task).items()}
        except DataError:
            continue  # is among the contradictions
    return AveFacts(
        folder,
        found_files(folder),
        videos,
        len(videos_in(videos)) if videos else 0,
        release.categories,
        tuple(_split(release, task, name, orders) for task, name in orders),
        tuple(_notes(release, orders)),
        tuple(contradictions),
    )


def found_files(folder: Path) -> tuple[FileFacts, ...]:
    """All files of the release, there or not."""
    facts = []
    for name, file in FILES.items():
        path = find_file(folder, name)
        shape = shape_of(path) if path is not None and name.endswith(".h5") else None
        facts.append(FileFacts(file, path, shape))
    return tuple(facts)


def find_video_folder(folder: Path) -> Path | None:
    """Find the folder of AVE's videos; None if there is none with a video in it."""
    candidates = (folder / name for name in VIDEO_FOLDERS)
    return next((path for path in candidates if path.is_dir() and videos_in(path)), None)


def _wrong_shapes(folder: Path, rows: int) -> list[str]:
    """Feature files that do not have the rows of the annotations, or that cannot be opened."""
    shapes = {
        "audio_feature.h5": (rows, SEGMENTS, None),
        "visual_feature.h5": (rows, SEGMENTS, None, None, None),
        "visual_feature_vec.h5": (rows, SEGMENTS, None),
        "audio_feature_noisy.h5": (None, SEGMENTS, None),
        "visual_feature_noisy.h5": (None, SEGMENTS, None, None, None),
    }
    wrong = []
    for name, shape in shapes.items():
        path = find_file(folder, name)
        try:
            if path is not None:
                with open_dataset(path, shape):
                    pass
        except DataError as error:
            wrong.append(str(error))
    noisy = {name: shape_of(path) for name in FILES if "noisy" in name and (path := find_file(folder, name))}
    lengths = {name: shape[0] for name, shape in noisy.items() if shape}
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{name} {length}" for name, length in lengths.items())
        wrong.append(f"the files of the background clips differ in their number of rows: {words}; get them anew")
    return wrong


def _split(
    release: AveRelease, task: Task, name: str, orders: Mapping[tuple[Task, str], NDArray[np.int64]]
) -> SplitFacts:
    order, background = orders[task, name], len(release.categories)
    labels = release.labels[order]  # [K, T]
    seconds = np.bincount(labels.ravel(), minlength=background + 1)
    events = (labels < background).sum(1)  # [K] seconds
    best = int(seconds[:background].argmax())
    clips = np.bincount(release.clip_labels[order], minlength=background + 1)[:background]
    train = orders.get((task, "train"), order)
    return SplitFacts(
        task,
        name,
        len(order),
        tuple(sorted(order[events == 0].tolist())),
        int((events == SEGMENTS).sum()),
        float(seconds[background] / seconds.sum()),
        (release.categories[best], float(seconds[best] / seconds.sum())),
        tuple(clips.tolist()),
        _matching_priors(release, order, train) if task == "matching" else None,
    )


def _matching_priors(release: AveRelease, order: NDArray[np.int64], train: NDArray[np.int64]) -> dict[str, float]:
    """Scores in matching of answers that know only the query's length L; over clips with an event."""
    relevant = release.labels < len(release.categories)  # [N, T]
    lengths, starts = relevant.sum(1), relevant.argmax(1)
    usual: dict[int, Counter[int]] = defaultdict(Counter)
    for row in train[lengths[train] > 0]:
        usual[int(lengths[row])][int(starts[row])] += 1
    rows = order[lengths[order] > 0]
    length, start = lengths[rows], starts[rows]
    guess = np.array([usual[n].most_common(1)[0][0] if usual[n] else 0 for n in length.tolist()])
    answers = {
        "window at random": 1 / (SEGMENTS + 1 - length),
        "first window": start == 0,
        "last window": start + length == SEGMENTS,
        "training's commonest window of its length": start == guess,
    }
    return {name: float(np.mean(right)) if len(rows) else 0.0 for name, right in answers.items()}


def _notes(release: AveRelease, orders: Mapping[tuple[Task, str], NDArray[np.int64]]) -> list[str]:
    owners = {
        task: {row: split for (other, split), order in orders.items() if other == task for row in order.tolist()}
        for task in TASKS
    }
    return [
        f"{len(release.rows)} rows, {len(release.categories)} categories; rows of HDF5 files are counted from 0: "
        "row i belongs to the i-th annotation",
        *_note_empty(release, owners),
        *_note_repeats(release, owners),
        *_note_categories(release, orders),
        *_note_overlap(owners),
    ]


def _note_empty(release: AveRelease, owners: Mapping[Task, Mapping[int, str]]) -> list[str]:
    notes = []
    for row in np.flatnonzero((release.labels == len(release.categories)).all(1)).tolist():
        places = [f"the {task} {rows[row]} split" for task, rows in owners.items() if row in rows]
        stands = f" and stands in {' and in '.join(places)}" if places else ""
        notes.append(f"row {row}, {release.where(row)}, has no event{stands}")
    return notes if len(notes) <= 5 else [*notes[:5], f"{len(notes) - 5} more rows have no event"]


def _note_repeats(release: AveRelease, owners: Mapping[Task, Mapping[int, str]]) -> list[str]:
    rows_of: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(release.rows):
        rows_of[row.video_id].append(index)
    repeats = [rows for rows in rows_of.values() if len(rows) > 1]
    if not repeats:
        return []
    across = ", ".join(
        f"{sum(len({split[row] for row in rows if row in split}) > 1 for rows in repeats)} of them in several "
        f"{task} splits"
        for task, split in owners.items()
        if split
    )
    several = sum(len({release.rows[row].category for row in rows}) > 1 for rows in repeats)
    return [
        f"{len(rows_of)} videos: {len(repeats)} ids repeat ({several} with another category each time)"
        + (f", {across}: the same video on both sides" if across else "")
    ]


def _note_categories(release: AveRelease, orders: Mapping[tuple[Task, str], NDArray[np.int64]]) -> list[str]:
    notes = []
    for (task, split), order in orders.items():
        present = len(set(release.clip_labels[order].tolist()) - {len(release.categories)})
        if present < len(release.categories):
            notes.append(f"the {task} {split} split has {present} of {len(release.categories)} categories")
    for task in TASKS:
        if (task, "train") not in orders:
            continue
        trained = set(release.clip_labels[orders[task, "train"]].tolist())
        for (other, split), order in orders.items():
            clips = release.clip_labels[order]
            strange = sorted(set(clips.tolist()) - trained)
            if other == task and strange:
                names = ", ".join(repr((*release.categories, "Background")[category]) for category in strange)
                count = int(np.isin(clips, strange).sum())
                notes.append(f"{count} clips of the {task} {split} split are of {names}, which training lacks")
    return notes


def _note_overlap(owners: Mapping[Task, Mapping[int, str]]) -> list[str]:
    """Rows that one task trains on and the other tests."""
    localization, matching = owners["localization"], owners["matching"]
    shared = sum(split == "test" and localization.get(row) == "train" for row, split in matching.items())
    words = f"{shared} clips of the matching test split are in the localization training split"
    return [f"{words}: do not start a matching network from a localization one"] if shared else []
