"""Published data sets told by the header of their table, and brought into the folder that `dmin extract` takes."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dmin.data.folder import few
from dmin.data.importing import ImportReport, count_videos, refuse_filled, videos_by_id, write_data_folder
from dmin.errors import DataError
from dmin.lab.ave.files import find_file
from dmin.lab.benchmarks import ov_avebench, vggsound_avel
from dmin.lab.benchmarks.clips import Benchmark

_STAMPED = re.compile(r"([A-Za-z0-9_-]{11})_(\d{1,6})(?:_\d{1,6})?")
"""A video's name with the second at which VGGSound cut it out of its recording."""


@dataclass(frozen=True)
class _Kind:
    columns: tuple[str, ...]
    """Of its table, in this order."""
    read: Callable[..., Benchmark]
    has_categories: bool
    """A text file of the categories may stand beside the other two."""


_LABELS = (".json", ".zip", ".pkl", ".pickle")
"""Endings of files of labels; all but the first are there to be refused with the right words."""
KINDS = {
    "OV-AVEBench": _Kind(ov_avebench.COLUMNS, ov_avebench.read_ov_avebench, False),
    "VGGSound-AVEL": _Kind(vggsound_avel.COLUMNS, vggsound_avel.read_vggsound_avel, True),
}
"""All published data sets that are known here."""


def files_of_benchmark(paths: Iterable[str | Path], *, meant: bool = False) -> list[Path]:
    """The files that were named, or those of the folder that was; none if no table of a known data set is among them.

    Args:
        paths: Files, or a folder.
        meant: Take any CSV or JSON file for one of a published data set, unless AVE's annotations are there.

    Example:
        >>> files_of_benchmark(["labels.eaf"])
        []
    """
    named = [Path(path) for path in paths]
    files = sorted(file for file in named[0].iterdir() if file.is_file()) if named[0].is_dir() else named
    guessed = meant and find_file(named[0], "Annotations.txt") is None
    found = any(_kind_of(file) or (guessed and file.suffix.lower() in (".csv", ".json")) for file in files)
    return files if found else []


def read_benchmark(files: Sequence[Path]) -> Benchmark:
    """Read a published data set.

    Args:
        files: Its table (CSV), its labels (JSON) and, of VGGSound-AVEL, perhaps its categories (text).

    Raises:
        DataError: A file is missing or there are several; or they cannot be read, or contradict each other.
    """
    tables = [file for file in files if _kind_of(file)]
    name = _kind_of(tables[0]) if tables else None
    if name is None:
        heads = " or ".join(",".join(kind.columns) for kind in KINDS.values())
        raise DataError(
            f"got {few([file.name for file in files])}, without the table of a known data set: give a CSV file in "
            f"UTF-8 whose first line is {heads}; or, of AVE, the folder with its Annotations.txt"
        )
    texts = [file for file in files if file.suffix.lower() == ".txt"] if KINDS[name].has_categories else []
    labels = [file for file in files if file not in tables and file not in texts and file.suffix.lower() in _LABELS]
    kinds = (
        (tables, "one table (CSV)"),
        (labels, "one file of labels (JSON)"),
        (texts, "one list of categories (text)"),
    )
    for found, words in kinds:
        if len(found) > 1 or not (found or found is texts):
            names = f": {', '.join(file.name for file in found)}" if found else ""
            raise DataError(f"{name} needs {words}, got {len(found)}{names}: name the files that belong together")
    return KINDS[name].read(tables[0], labels[0], *texts[:1])


def import_benchmark(files: Sequence[Path], videos: Path | None, out: str | Path) -> ImportReport:
    """Make a data-set folder of a published data set; its splits are kept, its videos are linked.

    Args:
        files: See `read_benchmark`.
        videos: The folder with the videos, and folders below: ``<id>.mp4``, ``<id>_<second>.mp4`` or
            ``<id>_<first second>_<last second>.mp4``. Clips without one are left out. None: labels and splits alone.
        out: A new folder.

    Raises:
        DataError: As `read_benchmark`; or no video is of one of the clips, or the folder is not empty.
        StoreWriteError: A file cannot be written.
    """
    refuse_filled(out := Path(out))
    benchmark = read_benchmark(files)
    notes = list(benchmark.notes)
    there: dict[str, Path] = {}
    if videos is not None:
        there = _videos(videos, benchmark, notes)
        kept = tuple(clip for clip in benchmark.clips if clip.video_id in there)
        if left := len(benchmark.clips) - len(kept):
            notes.append(f"{left} of {len(benchmark.clips)} clips have no video in {videos}, and are left out")
        benchmark = replace(benchmark, clips=kept)
    write_data_folder(out, benchmark.annotations, benchmark.splits, there, benchmark.seen)
    categories = {clip.video_id: {clip.category} if any(clip.events) else set() for clip in benchmark.clips}
    return ImportReport(out, count_videos(categories, benchmark.splits), tuple(notes))


def _kind_of(file: Path) -> str | None:
    """The data set whose table a file is."""
    if file.suffix.lower() != ".csv":
        return None
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            head = tuple(name.strip() for name in next(csv.reader(opened), []))
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    return next((name for name, kind in KINDS.items() if head == kind.columns), None)


def _videos(folder: Path, benchmark: Benchmark, notes: list[str]) -> dict[str, Path]:
    """The video of each clip that has one, by the clip's id."""
    ids = {clip.video_id for clip in benchmark.clips}
    named = videos_by_id(folder)
    found = {video_id: path for video_id, path in named.items() if video_id in ids}
    cuts: dict[str, dict[int, Path]] = {}
    for name, path in named.items():
        if (stamp := _STAMPED.fullmatch(name)) and stamp[1] in ids - found.keys():
            cuts.setdefault(stamp[1], {})[int(stamp[2])] = path
    several = [video_id for video_id, by_second in cuts.items() if len(by_second) > 1]
    if several:
        fate = (
            "the later one is taken"
            if benchmark.takes_later
            else "both are left out, as it is not known which is meant"
        )
        notes.append(f"{len(several)} clips have several videos from one recording ({several[0]} is one): {fate}")
    for video_id, by_second in cuts.items():
        if len(by_second) == 1 or benchmark.takes_later:
            found[video_id] = by_second[max(by_second)]
    if not found:
        raise DataError(
            f"none of the {len(named)} videos in {folder} is of one of the {len(ids)} clips of {benchmark.name}: name "
            "them ID.mp4 or ID_SECOND.mp4 (frames and sounds in files of their own are no videos)"
        )
    return found
