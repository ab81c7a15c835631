"""AVE's released HDF5 features to a feature store, row by row: the maps take gigabytes and are never loaded whole."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from dmin.data.annotations import BACKGROUND, Annotation
from dmin.errors import DataError
from dmin.features import (
    ClipFeatures,
    ExtractionReport,
    Failure,
    FeatureStore,
    Settings,
    StoreWriteError,
)
from dmin.features.fingerprint import fingerprint, made_from
from dmin.lab.ave.files import (
    DOWNLOADS,
    FILES,
    SEGMENTS,
    find_file,
    open_dataset,
    read_row,
    require_file,
)
from dmin.lab.ave.layout import StoreLayout
from dmin.lab.ave.release import AveRelease, Task
from dmin.progress import Progress, silent
from dmin.shard import WHOLE, Shard

if TYPE_CHECKING:
    import h5py

RELEASED = Settings("ave-vgg19", "released", "ave-vggish", "released", 16.0, 16_000)
"""Settings of the released maps and audio features: no backbone of dmin makes the same, so nothing else mixes."""
RELEASED_VECTORS = replace(RELEASED, visual="ave-vgg19-mean")
"""The same, with maps averaged over their regions."""


@dataclass(frozen=True)
class _Entry:
    """One row of a pair of feature files."""

    video_id: str
    visual: Path
    audio: Path
    row: int
    source: str
    """Fingerprint of both files and the row."""


def store_released(
    folder: str | Path,
    store_folder: str | Path,
    *,
    task: Task = "localization",
    noisy: bool = False,
    pooled: bool = False,
    shard: Shard = WHOLE,
    progress: Progress = silent,
) -> ExtractionReport:
    """Write AVE's released HDF5 features into a feature store, row by row: memory stays at one row.

    What is in the store already is reused: to resume, run the same call again.

    Args:
        folder: Where `Annotations.txt`, the orders and the feature files are, or a folder above ``data/``.
        store_folder: A new folder, or the store of a stopped call.
        task: "matching" takes the ``*_order_match.h5``, and `visual_feature_vec.h5` if it is there.
        noisy: Append the background clips of the ``*_noisy.h5`` to the training split, as weak supervision does.
        pooled: Store maps averaged over their regions.
        shard: Does one of several parts.
        progress: Called with the step "extract" after each row.

    Raises:
        DataError: Files are missing, damaged, or contradict each other; the message names file, row and remedy.
        StoreWriteError: The disk is full, or the store cannot be written. What is in the store stays good.
    """
    folder = Path(folder)
    release = AveRelease.open(folder)
    release.require_agreement()
    layout = StoreLayout.of(release, task)
    visual, audio = _visual_file(folder, task), require_file(folder, "audio_feature.h5")
    rows = {video_id: row for row, video_id in enumerate(release.ids)}
    entries = _entries({video_id: rows[video_id] for video_id in layout.ids}, visual, audio)
    if noisy:
        extra = _noisy_entries(folder, visual)
        lines = tuple(Annotation(BACKGROUND, entry.video_id, "good", 0.0, 0.0) for entry in extra)
        train = layout.splits.get("train", ()) + tuple(entry.video_id for entry in extra)
        layout = StoreLayout(layout.annotations + lines, {**layout.splits, "train": train})
        entries += extra
    with ExitStack() as stack:
        datasets = {
            path: stack.enter_context(open_dataset(path, _shape(path, len(rows))))
            for path in dict.fromkeys(path for entry in entries for path in (entry.visual, entry.audio))
        }
        settings = RELEASED if datasets[visual].ndim == 5 else RELEASED_VECTORS
        store = FeatureStore.create(store_folder, replace(settings, pooled=pooled))
        layout.write(store.folder)
        return _copy(shard.part(entries), datasets, store, progress)


def _visual_file(folder: Path, task: Task) -> Path:
    """The maps for localization, the averaged vectors for matching; the other ones, with a warning, if need be."""
    names = ["visual_feature.h5", "visual_feature_vec.h5"]
    best, other = names if task == "localization" else reversed(names)
    if (path := find_file(folder, best)) is not None:
        return path
    if (path := find_file(folder, other)) is None:
        raise DataError(f"no {best} in {folder} or its subfolders: get it from {FILES[best].home}")
    if task == "localization":
        warnings.warn(
            f"no {best} in {folder}, so {path} is taken: maps of one region, on which attention over regions has "
            f"nothing to choose; get the maps from {DOWNLOADS}",
            stacklevel=3,
        )
    return path


def _shape(path: Path, rows: int) -> tuple[int | None, ...]:
    maps = path.name in ("visual_feature.h5", "visual_feature_noisy.h5")
    first = None if "noisy" in path.name else rows
    return (first, SEGMENTS, None, None, None) if maps else (first, SEGMENTS, None)


def _entries(rows: dict[str, int], visual: Path, audio: Path) -> list[_Entry]:
    files = f"{fingerprint(visual)}+{fingerprint(audio)}"
    return [_Entry(video_id, visual, audio, row, f"{files}, row {row}") for video_id, row in rows.items()]


def _noisy_entries(folder: Path, visual: Path) -> list[_Entry]:
    """The background clips, which have no ids of their own."""
    if visual.name != "visual_feature.h5":
        raise DataError(f"the background clips are released as maps only, and {visual} has none: leave noisy out")
    maps, audio = require_file(folder, "visual_feature_noisy.h5"), require_file(folder, "audio_feature_noisy.h5")
    with open_dataset(audio, _shape(audio, 0)) as vectors, open_dataset(maps, _shape(maps, 0)) as pictures:
        if len(vectors) != len(pictures):
            raise DataError(
                f"{maps} has {len(pictures)} rows, {audio} has {len(vectors)}: take both files from one release"
            )
        return _entries({f"noisy{row:03d}": row for row in range(len(vectors))}, maps, audio)


def _copy(
    entries: list[_Entry], datasets: dict[Path, h5py.Dataset], store: FeatureStore, progress: Progress
) -> ExtractionReport:
    reused = made_from(store, {entry.video_id: entry.source for entry in entries})
    pending = [entry for entry in entries if entry.video_id not in reused]
    done: list[str] = []
    failed: list[Failure] = []
    progress("extract", len(reused), len(entries))
    for entry in sorted(pending, key=lambda entry: entry.row):  # in the order of the disk
        try:
            store.write(entry.video_id, _features(entry, datasets), entry.source)
            done.append(entry.video_id)
        except StoreWriteError as error:
            raise StoreWriteError(
                f"{error}; stopped with {len(reused) + len(done)} of {len(entries)} rows in the store, which stay "
                "good: make room or choose another folder, and run the same again to go on"
            ) from error
        except DataError as error:
            failed.append(Failure(entry.video_id, str(error)))
        progress("extract", len(reused) + len(done) + len(failed), len(entries))
    return ExtractionReport(tuple(sorted(done)), tuple(sorted(reused)), tuple(failed))


def _features(entry: _Entry, datasets: dict[Path, h5py.Dataset]) -> ClipFeatures:
    """One row as features: visual [T, H, W, D_v], audio [T, D_a]."""
    visual = _finite(read_row(datasets[entry.visual], entry.visual, entry.row), entry.visual, entry.row)
    audio = _finite(read_row(datasets[entry.audio], entry.audio, entry.row), entry.audio, entry.row)
    maps = visual[:, None, None] if visual.ndim == 2 else visual
    return ClipFeatures(torch.from_numpy(maps), torch.from_numpy(audio), float(SEGMENTS))


def _finite(values: NDArray[Any], path: Path, row: int) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = values.astype(np.float32)
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0.0) > np.finfo(np.float16).max:
        raise DataError(
            f"{path}, row {row}: holds numbers that are not finite, or too large for float16: download it again from "
            f"{DOWNLOADS}"
        )
    return numbers
