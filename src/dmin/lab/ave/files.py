"""The files of AVE's release: which there are, where each comes from, and reading the HDF5 ones.

Rows of HDF5 files are counted from 0: row i belongs to the i-th annotation. Lines of text files are counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import SPLITS
from dmin.errors import DataError, require

if TYPE_CHECKING:
    import h5py

SEGMENTS = 10
"""Seconds of each of AVE's clips."""
CATEGORIES = (
    "Church bell", "Male speech, man speaking", "Bark", "Fixed-wing aircraft, airplane", "Race car, auto racing",
    "Female speech, woman speaking", "Helicopter", "Violin, fiddle", "Flute", "Ukulele", "Frying (food)", "Truck",
    "Shofar", "Motorcycle", "Acoustic guitar", "Train horn", "Clock", "Banjo", "Goat", "Baby cry, infant cry", "Bus",
    "Chainsaw", "Cat", "Horse", "Toilet flush", "Rodents, rats, mice", "Accordion", "Mandolin",
)  # fmt: skip
"""AVE's categories in order of first appearance in `Annotations.txt`, which is that of the label files."""
SUBFOLDERS = ("", "data", "AVE_Dataset", "data/AVE_Dataset", "splits")
"""Sub-folders in which a file is searched, in this order, within the folder that a user names."""
VIDEO_FOLDERS = ("AVE", "videos", "AVE_Dataset/AVE", "data/AVE", "data/AVE_Dataset/AVE")
"""Sub-folders in which the videos are searched, likewise."""
PROJECT = "AVE's project page, https://sites.google.com/view/audiovisualresearch"
CODE = "the folder data/ of https://github.com/YapengTian/AVE-ECCV18"
DOWNLOADS = "the links in the README of https://github.com/YapengTian/AVE-ECCV18"
Shape = tuple[int | None, ...]
"""Lengths of a dataset's axes; None where any length will do."""


@dataclass(frozen=True)
class AveFile:
    """One file of the release."""

    name: str
    what: str
    home: str
    """Its source, in words."""
    key: str = "avadataset"
    """The dataset's name within an HDF5 file."""


FILES = {
    file.name: file
    for file in (
        AveFile("Annotations.txt", "one event per line", PROJECT),
        *(AveFile(f"{split}Set.txt", f"annotation lines of the {split} split", PROJECT) for split in SPLITS),
        *(AveFile(f"{split}_order.h5", f"rows of the {split} split", CODE, "order") for split in SPLITS),
        *(AveFile(f"{split}_order_match.h5", f"the same, for matching ({split})", CODE, "order") for split in SPLITS),
        AveFile("labels.h5", "a category or background a second", "nowhere needed: derived from Annotations.txt"),
        AveFile("labels_closs.h5", "event or not a second", CODE),
        AveFile("mil_labels.h5", "a category per clip", CODE),
        AveFile("labels_noisy.h5", "labels of the background clips", CODE),
        AveFile("audio_feature.h5", "VGGish features", DOWNLOADS),
        AveFile("visual_feature.h5", "VGG-19 maps", DOWNLOADS),
        AveFile("visual_feature_vec.h5", "VGG-19 maps, averaged over regions", DOWNLOADS),
        AveFile("audio_feature_noisy.h5", "VGGish features of the background clips", CODE),
        AveFile("visual_feature_noisy.h5", "VGG-19 maps of the background clips", DOWNLOADS),
    )
}
"""All files that are known, by name."""


def find_file(folder: Path, name: str) -> Path | None:
    """Find a file in a folder or its usual subfolders; None if it is in none of them."""
    # The README of DMIN's released code spells the audio file so.
    names = (name, "audio_features.h5") if name == "audio_feature.h5" else (name,)
    paths = (folder / subfolder / name for subfolder in SUBFOLDERS for name in names)
    return next((path for path in paths if path.is_file()), None)


def require_file(folder: Path, name: str) -> Path:
    """Find a file that is needed.

    Raises:
        DataError: It is not there; the message says where to get it.
    """
    if (path := find_file(folder, name)) is None:
        places = ", ".join(subfolder for subfolder in SUBFOLDERS if subfolder)
        raise DataError(f"no {name} in {folder} or its subfolders {places}: get it from {FILES[name].home}")
    return path


@contextmanager
def open_dataset(path: Path, shape: Shape) -> Iterator[h5py.Dataset]:
    """Open the dataset of one of AVE's HDF5 files without reading it.

    Args:
        path: The file; its name tells the dataset's key.
        shape: What the dataset's shape must be.

    Raises:
        DataError: It is no HDF5 file, lacks the key, does not hold numbers, or has another shape.
    """
    h5py, key = require("h5py", "ave"), _key(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} is not an HDF5 file, or it is cut off: {_cure(path)}") from error
    with file:
        dataset = file.get(key)
        if not isinstance(dataset, h5py.Dataset):
            raise DataError(
                f"{path} has no dataset {key!r}, it has {', '.join(map(repr, file)) or 'none at all'}: "
                f"get the released file from {_home(path)}"
            )
        found = tuple(dataset.shape or ())
        fits = len(found) == len(shape) and all(
            want is None or got == want for got, want in zip(found, shape, strict=True)
        )
        if not fits or dataset.dtype.kind not in "fiub":
            wanted = ", ".join("any" if length is None else str(length) for length in shape)
            raise DataError(
                f"{path}: {key!r} is {list(found)} of {dataset.dtype}, must be numbers [{wanted}]: "
                "its rows must be those of Annotations.txt; take both files from one release"
            )
        yield dataset


def shape_of(path: Path) -> tuple[int, ...] | None:
    """Shape of the dataset of one of AVE's HDF5 files; None if it cannot be told."""
    try:
        with require("h5py", "ave").File(path, "r") as file:
            return tuple(file[_key(path)].shape)
    except (OSError, KeyError, AttributeError):
        return None


def read_dataset(path: Path, shape: Shape) -> NDArray[Any]:
    """Read a whole dataset, for the small files; see `open_dataset`.

    Raises:
        DataError: As `open_dataset`, or it cannot be read.
    """
    with open_dataset(path, shape) as dataset:
        try:
            values: NDArray[Any] = dataset[()]
        except OSError as error:
            raise DataError(f"{path} is damaged: {_cure(path)}") from error
        return values


def read_row(dataset: h5py.Dataset, path: Path, row: int) -> NDArray[Any]:
    """Read one row of a large file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        values: NDArray[Any] = dataset[row]
    except OSError as error:
        raise DataError(f"{path}, row {row}: cannot be read: {_cure(path)}") from error
    return values


def read_order(path: Path, rows: int) -> NDArray[np.int64]:
    """Read the rows [K] of a split.

    Args:
        path: The file.
        rows: Number of annotations: what stands in the file must be below it.

    Raises:
        DataError: As `open_dataset`; or a number is out of range, not whole, or there twice.
    """
    values = read_dataset(path, (None,))
    bad = np.flatnonzero(~((values >= 0) & (values < rows) & (values == np.round(values))))
    if len(bad):
        raise DataError(
            f"{path}, row {bad[0]}: got {values[bad[0]]}, must be a whole number from 0 to {rows - 1}, "
            f"as there are {rows} annotations: take both files from one release"
        )
    order = values.astype(np.int64)
    first: dict[int, int] = {}
    for place, row in enumerate(order.tolist()):
        if row in first:
            raise DataError(
                f"{path}, row {place}: {row} stands in row {first[row]} too: a split names each annotation once"
            )
        first[row] = place
    return order


def read_one_hot(path: Path, shape: Shape) -> tuple[NDArray[np.int64], int]:
    """Read one-hot labels.

    Returns:
        Indices of the ones, of the dataset's shape without its last axis, and that axis's length.

    Raises:
        DataError: As `open_dataset`, or a row has not exactly a single 1 among zeros.
    """
    values = read_dataset(path, shape)
    bad = np.argwhere(((values != 0) & (values != 1)).any(-1) | (values.sum(-1) != 1))
    if len(bad):
        raise DataError(
            f"{path}, row {bad[0][0]}: got {values[tuple(bad[0])].tolist()}, must be a single 1 among zeros: "
            f"{_cure(path)}"
        )
    return values.argmax(-1).astype(np.int64), values.shape[-1]


def _key(path: Path) -> str:
    return FILES[path.name].key if path.name in FILES else "avadataset"


def _cure(path: Path) -> str:
    """Advice for a file that cannot be read."""
    if path.name == "labels.h5":
        return "it is not needed, remove it"
    return f"download it again from {_home(path)}"


def _home(path: Path) -> str:
    return FILES[path.name].home if path.name in FILES else DOWNLOADS
