"""`dmin data`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt

from dmin.cli.console import Console
from dmin.cli.data_tables import category_table, file_homes, file_table, import_table, split_table, statistics_tables
from dmin.cli.options import refuse_missing
from dmin.errors import DataError

if TYPE_CHECKING:
    from dmin.data.statistics import DataStatistics

HELP = """Bring labels into a folder that `dmin extract` takes, fetch, check or count a data set.
import: CSV and TSV (columns video, start, end, label), Audacity, ELAN, WebVTT, SubRip, Label Studio, VIA 3,
ActivityNet, and answers of `dmin localize`; or the table and the labels of OV-AVEBench or VGGSound-AVEL, whose splits
are kept. Videos are linked, not copied. A file without labels means: no event.
get: a data set by name (ave) from the Hugging Face hub, then check it; stopped, the same command goes on.
check: of AVE, what is there, what is missing and where to get it, whether the files agree; of OV-AVEBench and
VGGSound-AVEL, whether table and labels agree, and their figures. Exit status 1 if they contradict.
stats: of a data-set folder or a feature store, lengths, clips and seconds by category and split, background, and what
two splits share.
Example: dmin data import labels/*.eaf --videos videos --out my-data"""
STOPPED = "get goes on where it was; of an import, remove the folder that was begun; the same command starts again"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", type=str, choices=list(_ACTIONS), help="what to do")
    parser.add_argument(
        "paths",
        nargs="+",
        type=str,
        help="import: files of labels; get: ave; check: the folder of AVE, or the folder or the files of a benchmark; "
        "stats: a data-set folder or a feature store",
    )
    for name, (actions, kind, words) in _FLAGS.items():
        parser.add_argument(_flag(name), dest=name, type=kind, default=None, help=f"{', '.join(actions)}: {words}")


_FLAGS: Mapping[str, tuple[tuple[str, ...], Any, str]] = {
    "videos": (("import",), Path | None, "the folder with the videos, or above"),
    "out": (("import", "get"), Path | None, "the folder to make"),
    "group_by": (
        ("import",),
        str | None,
        "a regular expression on names of videos, e.g. '^[^_]+'; those of one match are in one split",
    ),
    "on_overlap": (
        ("import",),
        Literal["first", "longest", "error"] | None,
        "of two events of different categories at one time, keep the first or the longest whole, or refuse (error); "
        "default: first",
    ),
    "split_shares": (("import",), tuple[float, float, float] | None, "train, val, test; default: [0.7,0.15,0.15]"),
    "seed": (("import",), NonNegativeInt | None, "of the order in which videos are dealt; default: 0"),
    "repository": (("get",), str | None, "another repository, owner/name"),
    "revision": (("get",), str | None, "branch, tag or commit; default: its main branch"),
    "json": (("stats",), Path | None, "a file for all figures"),
}
"""Flags by the names of their values: the actions that they go with, their types and help."""


def _flag(name: str) -> str:
    return "--from" if name == "repository" else f"--{name.replace('_', '-')}"


def check(args: Namespace) -> None:
    """Refuse flags of other actions, paths that do not exist, and what an action lacks."""
    for name, (actions, *_) in _FLAGS.items():
        if getattr(args, name) is not None and args.action not in actions:
            raise DataError(f"{_flag(name)} goes with {' and '.join(actions)}: leave it out of {args.action}")
    if args.out is not None and (file := next(filter(Path.is_file, (args.out, *args.out.parents)), None)):
        raise DataError(f"--out is {args.out}, and {file} is a file: give a folder")
    if args.action != "import" and len(args.paths) != 1 and not (args.action == "check" and _files(args, meant=True)):
        kind = "names" if args.action == "get" else "folders"
        raise DataError(f"got {len(args.paths)} {kind}: give one at a time")
    if args.action == "get":
        if args.out is None:
            raise DataError("--out must be given: the folder for the data set")
        return
    refuse_missing(*args.paths)
    if args.action == "import":
        _check_import(args)


def _check_import(args: Namespace) -> None:
    from dmin.data.importing import ImportOptions

    names = [field.name for field in fields(ImportOptions) if getattr(args, field.name) is not None]
    args.options = ImportOptions(**{name: getattr(args, name) for name in names})
    benchmark = _files(args)
    if args.out is None or (args.videos is None and not benchmark):
        raise DataError("--videos and --out must be given: the folder with the videos, and the one to make")
    if benchmark and args.options != ImportOptions():
        raise DataError(
            "these files have splits of their own and one event at a time: leave out --group-by, --on-overlap, "
            "--split-shares and --seed"
        )
    if args.videos is not None:
        refuse_missing(args.videos)


def _files(args: Namespace, *, meant: bool = False) -> list[Path]:
    """The files of a benchmark, if the paths are of one."""
    from dmin.lab.benchmarks.reading import files_of_benchmark

    return files_of_benchmark(args.paths, meant=meant)


def run(args: Namespace, console: Console) -> int:
    """Do what was asked."""
    return _ACTIONS[args.action](args, console)


def _import(args: Namespace, console: Console) -> int:
    from dmin.data.importing import import_labels
    from dmin.lab.benchmarks.reading import import_benchmark

    if files := _files(args):
        report = import_benchmark(files, args.videos, args.out)
    else:
        report = import_labels(args.paths, args.videos, args.out, args.options)
    console.table(import_table(report))
    for note in report.notes:
        console.result(f"- {note}")
    follows = f"extract {report.folder} --out STORE" if args.videos else f"stats {report.folder}"
    console.result(f"next: dmin {'' if args.videos else 'data '}{follows}")
    return 0


def _get(args: Namespace, console: Console) -> int:
    from dmin.lab.benchmarks.getting import fetch, find_offer, unpack

    offer = find_offer(args.paths[0], args.repository, args.revision)
    licence = offer.licence or "none stated"
    console.note(f"{offer.repository} at {offer.commit[:12]}; licence, as its card states it: {licence}")
    fetch(offer, args.out, bars=not console.quiet and sys.stderr.isatty())
    for archive in unpack(args.out):
        console.note(f"unpacked {archive.name}; it stays, so that the same command does not fetch it again")
    return _check_ave(args.out, console)


def _check(args: Namespace, console: Console) -> int:
    if files := _files(args, meant=True):
        return _check_benchmark(files, console)
    return _check_ave(Path(args.paths[0]), console)


def _check_benchmark(files: Sequence[Path], console: Console) -> int:
    from dmin.data.statistics import count
    from dmin.lab.benchmarks.clips import SECONDS
    from dmin.lab.benchmarks.reading import read_benchmark

    benchmark = read_benchmark(files)
    lengths = {clip.video_id: float(SECONDS) for clip in benchmark.clips}
    splits = {name: ids for name, ids in benchmark.splits.items() if ids}
    _show_statistics(count(benchmark.name, benchmark.annotations, splits, lengths), console)
    for note in benchmark.notes:
        console.result(f"- {note}")
    console.result("What is there agrees.")
    return 0


def _check_ave(folder: Path, console: Console) -> int:
    from dmin.lab.ave.check import check_release

    facts = check_release(folder)
    homes = file_homes(facts)
    console.table(file_table(facts, homes))
    for home, number in homes.items():
        console.result(f"({number}) {home}")
    for task in dict.fromkeys(split.task for split in facts.splits):
        console.table(split_table(facts, task))
    if facts.splits:
        console.table(category_table(facts))
    for note in facts.notes:
        console.result(f"- {note}")
    for sentence in facts.contradictions:
        console.error(sentence)
    if not facts.contradictions:
        console.result("What is there agrees.")
    return 1 if facts.contradictions else 0


def _stats(args: Namespace, console: Console) -> int:
    from dmin.data.statistics import describe

    with console.progress() as progress:
        statistics = describe(args.paths[0], progress)
    _show_statistics(statistics, console)
    if args.json is not None:
        statistics.save(args.json)
        console.result(f"-> {args.json}")
    return 0


def _show_statistics(statistics: DataStatistics, console: Console) -> None:
    from dmin.data.statistics import pairs_of_splits

    for table in statistics_tables(statistics):
        console.table(table)
    for (first, second), number in pairs_of_splits(statistics.shared).items():
        example = next(each for each in statistics.shared if first in each.clips and second in each.clips)
        console.result(
            f"- {number} recordings are in {first} and in {second}, by their ids (first: {example.recording})"
        )
    for twin in (statistics.twins or ())[:_SHOWN_TWINS]:
        console.result(
            f"- {twin.first_id} ({twin.first_split}) and {twin.second_id} ({twin.second_split}) have nearly the same "
            f"features: cosine {twin.similarity:.4f}"
        )
    if (more := len(statistics.twins or ()) - _SHOWN_TWINS) > 0:
        console.result(f"- {more} more pairs have nearly the same features: --json FILE lists them all")


_SHOWN_TWINS = 10
_ACTIONS = {"import": _import, "get": _get, "check": _check, "stats": _stats}
