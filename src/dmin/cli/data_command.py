"""`dmin data`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt
from rich.markup import escape
from rich.table import Table

from dmin.cli.console import Console
from dmin.cli.options import refuse_missing
from dmin.data.annotations import BACKGROUND
from dmin.errors import DataError

if TYPE_CHECKING:
    from dmin.lab.ave.check import AveFacts
    from dmin.lab.ave.release import Task

HELP = """Bring labels of other tools into a folder that `dmin extract` takes, or check a copy of the AVE data set.
import: CSV and TSV (columns video, start, end, label), Audacity, ELAN, WebVTT, SubRip, Label Studio, VIA 3,
ActivityNet, and answers of `dmin localize`. Videos are linked, not copied. A file without labels means: no event.
check: what is there, what is missing and where to get it, whether the files agree. Exit status 1 if they contradict.
Example: dmin data import labels/*.eaf --videos videos --out my-data"""
STOPPED = "remove the folder that was begun; the same command starts again"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", type=str, choices=["import", "check"], help="what to do")
    parser.add_argument("paths", nargs="+", type=str, help="import: files of labels; check: the folder of AVE")
    parser.add_argument("--videos", type=Path | None, default=None, help="import: the folder with the videos, or above")
    parser.add_argument("--out", type=Path | None, default=None, help="import: the folder to make")
    parser.add_argument(
        "--group-by",
        type=str | None,
        default=None,
        help="import: a regular expression on names of videos, e.g. '^[^_]+'; those of one match are in one split",
    )
    parser.add_argument(
        "--on-overlap",
        type=Literal["first", "longest", "error"],
        default="first",
        help="import: which of two events of different categories at one time is kept whole, or refuse",
    )
    parser.add_argument(
        "--split-shares", type=tuple[float, float, float], default=(0.7, 0.15, 0.15), help="import: train, val, test"
    )
    parser.add_argument("--seed", type=NonNegativeInt, default=0, help="import: of the order in which videos are dealt")


def check(args: Namespace) -> None:
    """Refuse paths that do not exist, and an import without videos or a place to go to."""
    refuse_missing(*args.paths)
    if args.action == "check":
        if len(args.paths) != 1:
            raise DataError(f"got {len(args.paths)} folders: check one at a time")
        return
    if args.videos is None or args.out is None:
        raise DataError("--videos and --out must be given: the folder with the videos, and the one to make")
    refuse_missing(args.videos)
    from dmin.data.importing import ImportOptions

    args.options = ImportOptions(args.group_by, args.on_overlap, args.split_shares, args.seed)


def run(args: Namespace, console: Console) -> int:
    """Import or check."""
    return _check(args.paths[0], console) if args.action == "check" else _import(args, console)


def _import(args: Namespace, console: Console) -> int:
    from dmin.data.importing import import_labels

    report = import_labels(args.paths, args.videos, args.out, args.options)
    table = Table(title=f"Videos in {report.folder}", title_justify="left")
    table.add_column("category")
    for split in next(iter(report.counts.values())):
        table.add_column(split, justify="right")
    for category, counts in report.counts.items():
        table.add_row("no event" if category == BACKGROUND else escape(category), *map(str, counts.values()))
    console.table(table)
    for note in report.notes:
        console.result(f"- {note}")
    console.result(f"next: dmin extract {report.folder} --out STORE")
    return 0


def _check(folder: str, console: Console) -> int:
    from dmin.lab.ave.check import check_release

    facts = check_release(Path(folder))
    homes = _homes(facts)
    console.table(_files(facts, homes))
    for home, number in homes.items():
        console.result(f"({number}) {home}")
    for task in dict.fromkeys(split.task for split in facts.splits):
        console.table(_splits(facts, task))
    if facts.splits:
        console.table(_categories(facts))
    for note in facts.notes:
        console.result(f"- {note}")
    for sentence in facts.contradictions:
        console.error(sentence)
    if not facts.contradictions:
        console.result("What is there agrees.")
    return 1 if facts.contradictions else 0


def _homes(facts: AveFacts) -> dict[str, int]:
    """Number the sources of missing files."""
    from dmin.lab.ave.files import PROJECT

    homes = [file.file.home for file in facts.files if file.path is None]
    homes += [PROJECT] if facts.video_folder is None else []
    return {home: number for number, home in enumerate(dict.fromkeys(homes), start=1)}


def _files(facts: AveFacts, homes: dict[str, int]) -> Table:
    from dmin.lab.ave.files import PROJECT

    table = Table(title=f"AVE in {escape(str(facts.folder))}")
    table.add_column("file", no_wrap=True)
    for name in ("what it is", "where", "shape"):
        table.add_column(name, overflow="fold")
    for file in facts.files:
        path = file.path
        place = f"missing ({homes[file.file.home]})" if path is None else str(path.parent.relative_to(facts.folder))
        shape = "" if file.shape is None else " x ".join(map(str, file.shape))
        table.add_row(file.file.name, file.file.what, escape(place), shape)
    place, count = f"missing ({homes.get(PROJECT)})", ""
    if facts.video_folder is not None:
        place, count = str(facts.video_folder.relative_to(facts.folder)), str(facts.video_count)
    table.add_row("<video id>.mp4", "videos", escape(place), count)
    return table


def _splits(facts: AveFacts, task: Task) -> Table:
    splits = [split for split in facts.splits if split.task == task]
    table = Table(title=f"{task.capitalize()} splits")
    table.add_column("measure", overflow="fold")
    for split in splits:
        table.add_column(split.name, justify="right")
    rows = {
        "clips": [str(split.clips) for split in splits],
        "  without an event": [str(len(split.without_event)) for split in splits],
        "  filled by their event": [str(split.full_length) for split in splits],
        "seconds of background": [_percent(split.background_share) for split in splits],
    }
    if task == "localization":
        rows |= {
            "prior: all background": [_percent(split.background_share) for split in splits],
            "prior: right category in every second": [_percent(1 - split.background_share) for split in splits],
            "prior: commonest category in every second": [_percent(split.commonest_category[1]) for split in splits],
        }
    for name in next((split.matching for split in splits if split.matching), {}):
        rows[f"prior: {name}"] = [_percent((split.matching or {})[name]) for split in splits]
    for name, values in rows.items():
        table.add_row(name, *values)
    return table


def _categories(facts: AveFacts) -> Table:
    table = Table(title="Clips of each category")
    table.add_column("category", overflow="fold")
    for split in facts.splits:
        table.add_column(f"{'match' if split.task == 'matching' else ''}\n{split.name}", justify="right")
    for index, name in enumerate(facts.categories):
        table.add_row(escape(name), *(str(split.clips_by_category[index]) for split in facts.splits))
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
