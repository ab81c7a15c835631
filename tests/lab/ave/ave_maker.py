"""A copy of AVE of eight clips, in the files and shapes of the release, for tests of what reads it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

CATEGORIES = ("Bell", "Dog", "Rain")
ROWS = (
    ("Bell", "a", 0, 10),
    ("Bell", "b", 2, 5),
    ("Dog", "c", 0, 0),  # no event
    ("Dog", "a", 5, 10),  # the video of row 0 again, in another split
    ("Dog", "-d", 0, 10),
    ("Rain", "e", 3, 6),
    ("Rain", "f", 0, 10),
    ("Bell", "g", 1, 9),
)
ORDERS = {"train": (6, 0, 2, 5), "val": (1, 4), "test": (3, 7)}
MATCH_ORDERS = {"train": (0, 1, 3, 4, 6), "val": (2,), "test": (5, 7)}
NOISY = 2


def lines() -> list[str]:
    return [f"{category}&{video_id}&good&{start}&{end}" for category, video_id, start, end in ROWS]


def write_h5(path: Path, values: object, key: str = "avadataset") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file[key] = np.asarray(values)
    return path


def labels() -> np.ndarray:
    """Labels [N, T] written out second by second."""
    table = np.full((len(ROWS), 10), len(CATEGORIES))
    for row, (category, _, start, end) in enumerate(ROWS):
        for second in range(start, end):
            table[row, second] = CATEGORIES.index(category)
    return table


def features() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    maps = generator.random((len(ROWS), 10, 2, 2, 6))
    return {
        "audio_feature.h5": generator.random((len(ROWS), 10, 4)).astype(np.float32),
        "visual_feature.h5": maps,
        "visual_feature_vec.h5": maps.mean((2, 3)),
        "audio_feature_noisy.h5": generator.random((NOISY, 10, 4)),
        "visual_feature_noisy.h5": generator.random((NOISY, 10, 2, 2, 6)),
    }


def make_release(folder: Path) -> Path:
    """Write every file of the release but videos and sets into ``folder/data``; returns ``folder``."""
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "Annotations.txt").write_text("".join(f"{line}\n" for line in lines()))
    for split in ORDERS:
        write_h5(data / f"{split}_order.h5", ORDERS[split], "order")
        write_h5(data / f"{split}_order_match.h5", MATCH_ORDERS[split], "order")
    one_hot = np.eye(len(CATEGORIES) + 1, dtype=np.float32)
    write_h5(data / "labels.h5", one_hot[labels()])
    write_h5(data / "labels_closs.h5", (labels() < len(CATEGORIES)).astype(np.float32))
    write_h5(data / "mil_labels.h5", one_hot[[CATEGORIES.index(row[0]) for row in ROWS]])
    write_h5(data / "labels_noisy.h5", one_hot[[len(CATEGORIES)] * NOISY])
    for name, values in features().items():
        write_h5(data / name, values)
    return folder


def write_sets(folder: Path) -> None:
    """Write the splits as the videos' archive has them: whole annotation lines."""
    for split, order in ORDERS.items():
        (folder / f"{split}Set.txt").write_text("".join(f"{lines()[row]}\n" for row in order))
