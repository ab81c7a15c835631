"""The figures of `dmin data` as rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from dmin.data.annotations import BACKGROUND

if TYPE_CHECKING:
    from dmin.data.importing import ImportReport
    from dmin.data.statistics import DataStatistics, SplitStatistics
    from dmin.lab.ave.check import AveFacts
    from dmin.lab.ave.release import Task


def import_table(report: ImportReport) -> Table:
    """Number of videos with an event of each category, by split."""
    table = Table(title=f"Videos in {escape(str(report.folder))}", title_justify="left")
    table.add_column("category")
    for split in next(iter(report.counts.values())):
        table.add_column(split, justify="right")
    for category, counts in report.counts.items():
        table.add_row("no event" if category == BACKGROUND else escape(category), *map(str, counts.values()))
    return table


def statistics_tables(statistics: DataStatistics) -> tuple[Table, Table]:
    """Splits, and clips and seconds of each category."""
    splits = statistics.splits
    rows = Table(title=escape(statistics.data), title_justify="left")
    rows.add_column("measure")
    for name in splits:
        rows.add_column(name, justify="right")
    for words, values in _split_rows(splits.values()).items():
        rows.add_row(words, *values)
    categories = Table(title="Clips / seconds of each category", title_justify="left")
    categories.add_column("category", overflow="fold")
    for name in splits:
        categories.add_column(name, justify="right")
    for category in (*statistics.categories, BACKGROUND):
        counts = [split.categories[category] for split in splits.values()]
        words = "no event" if category == BACKGROUND else escape(category)
        categories.add_row(words, *(f"{each.clips} / {each.seconds}" for each in counts))
    return rows, categories


def _split_rows(splits: Iterable[SplitStatistics]) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for split in splits:
        lengths, share = split.lengths, split.background_share
        span = "" if lengths is None else f"{lengths.shortest_seconds:.1f} to {lengths.longest_seconds:.1f}"
        for words, value in {
            "clips": str(split.clips),
            "  without an event": str(split.without_event),
            "  of unknown length": str(split.unknown_length),
            "length, s": span,
            "  median, s": "" if lengths is None else f"{lengths.median_seconds:.1f}",
            "seconds": str(split.seconds),
            "  background": "" if share is None else _percent(share),
        }.items():
            rows.setdefault(words, []).append(value)
    return rows


def file_homes(facts: AveFacts) -> dict[str, int]:
    """Number the sources of missing files of AVE."""
    from dmin.lab.ave.files import PROJECT

    homes = [file.file.home for file in facts.files if file.path is None]
    homes += [PROJECT] if facts.video_folder is None else []
    return {home: number for number, home in enumerate(dict.fromkeys(homes), start=1)}


def file_table(facts: AveFacts, homes: dict[str, int]) -> Table:
    """The files of AVE, there or not."""
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


def split_table(facts: AveFacts, task: Task) -> Table:
    """The splits of AVE for a task, with priors."""
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


def category_table(facts: AveFacts) -> Table:
    """Clips of each category of AVE."""
    table = Table(title="Clips of each category")
    table.add_column("category", overflow="fold")
    for split in facts.splits:
        table.add_column(f"{'match' if split.task == 'matching' else ''}\n{split.name}", justify="right")
    for index, name in enumerate(facts.categories):
        table.add_row(escape(name), *(str(split.clips_by_category[index]) for split in facts.splits))
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
