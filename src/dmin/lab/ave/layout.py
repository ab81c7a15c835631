"""The annotations and splits of a store that is made of AVE: an entry per row.

Every row of `Annotations.txt` becomes an entry, under the ids of `AveRelease.ids`, with its own annotation line, as AVE
counts it: where a video is annotated twice, each entry takes the seconds of the other event for background.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dmin.data.annotations import Annotation, write_annotations
from dmin.data.folder import write_split
from dmin.errors import DataError
from dmin.lab.ave.files import CODE, PROJECT
from dmin.lab.ave.release import AveRelease, Task


@dataclass(frozen=True)
class StoreLayout:
    """Files of the store beside the features."""

    annotations: tuple[Annotation, ...]
    splits: dict[str, tuple[str, ...]]
    """Ids by the name of the split."""

    @classmethod
    def of(cls, release: AveRelease, task: Task) -> StoreLayout:
        """The layout of a release's rows.

        Raises:
            DataError: There are no splits, or they are damaged.
        """
        splits = {name: tuple(release.ids[row] for row in order) for name, order in release.splits(task).items()}
        if not splits:
            name = "{train,val,test}_order.h5" if task == "localization" else "{train,val,test}_order_match.h5"
            also = f", or trainSet.txt, valSet.txt and testSet.txt from {PROJECT}" if task == "localization" else ""
            raise DataError(f"no split in {release.folder}: get {name} from {CODE}{also}")
        lines = tuple(replace(row, video_id=i) for i, row in zip(release.ids, release.rows, strict=True))
        return cls(lines, splits)

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids that stand in a split."""
        return tuple(video_id for ids in self.splits.values() for video_id in ids)

    def check(self, folder: Path) -> None:
        """Make sure that a folder does not hold another layout.

        Raises:
            DataError: The store has other annotations or splits.
        """
        texts = {"Annotations.txt": "".join(f"{line}\n" for line in self.annotations)}
        texts |= {f"splits/{name}.txt": "".join(f"{i}\n" for i in ids) for name, ids in self.splits.items()}
        for name, text in texts.items():
            if (path := folder / name).is_file() and path.read_bytes() != text.encode():
                raise DataError(
                    f"{path} is there and differs from what would be written: give another folder for another task or "
                    "another copy of AVE, or remove that file"
                )

    def write(self, folder: Path) -> None:
        """Write the annotations and splits into a store.

        Raises:
            DataError: The store has other annotations or splits.
            StoreWriteError: They cannot be written.
        """
        self.check(folder)
        (folder / "splits").mkdir(parents=True, exist_ok=True)
        write_annotations(folder / "Annotations.txt", self.annotations)
        for name, ids in self.splits.items():
            write_split(folder / "splits" / f"{name}.txt", ids)
