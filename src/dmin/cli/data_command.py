"""`dmin data`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape
from rich.table import Table

from dmin.cli.console import Console
from dmin.cli.options import refuse_missing

if TYPE_CHECKING:
    from dmin.lab.ave.check import AveFacts
    from dmin.lab.ave.release import Task

HELP = """Check a copy of the AVE data set: what is there, what is missing and where to get it, whether the files agree,
and what to know before training on it. Exit status 1 if they contradict each other. Example: dmin data check AVE"""
STOPPED = "nothing was changed; the same command checks again"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", type=str, choices=["check"], help="what to do")
    parser.add_argument("folder", type=Path, help="where AVE's files are, or the folder above data/")


def check(args: Namespace) -> None:
    """Refuse a folder that does not exist."""
    refuse_missing(args.folder)


def run(args: Namespace, console: Console) -> int:
    """Check."""
    from dmin.lab.ave.check import check_release

    facts = check_release(args.folder)
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
