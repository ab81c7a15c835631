"""`dmin reproduce`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace
from rich.table import Table

from dmin.cli.console import Console
from dmin.errors import DataError

if TYPE_CHECKING:
    from dmin.paper.material import SourceOptions
    from dmin.paper.results import Reproduction

HELP = """Run a table of the paper: train and score its rows, and set ours beside the paper's numbers, with intervals.
Data: a folder of AVE (released features, or videos), or the word composed for clips that are made here. Writes
TABLE.json and index.html into OUT, each run into OUT/runs. Stopped, the same command goes on; more --seeds add to it.
Example: dmin reproduce table1 --rows dmin --data composed --seeds 3 --out table1"""


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("table", type=str, help="table1 (event localization) or table2 (cross-modality localization)")
    parser.add_argument("--rows", nargs="+", type=str, default=[], help="rows by their keys; default: all that can run")
    parser.add_argument("--data", type=str, required=True, help="a folder of AVE, or the word composed")
    parser.add_argument("--out", type=Path, required=True, help="folder of everything")
    parser.add_argument("--seeds", type=int, default=1, help="how many runs of each row and column")
    parser.add_argument(
        "--preset-family",
        type=str | None,
        default=None,
        help="paper, official or small; default: paper for AVE, small for composed clips",
    )
    parser.add_argument("--epochs", type=int | None, default=None, help="of all runs; default: each preset's own")
    parser.add_argument("--clips", type=int | None, default=None, help="composed: how many; default: 160")
    parser.add_argument("--bank", type=str | None, default=None, help="composed: scenes (default), folder or stamps")
    parser.add_argument("--folder", type=Path | None, default=None, help="composed: where the files of the bank are")
    parser.add_argument("--visual", type=str, default="lite0", help="visual backbone, for videos")
    parser.add_argument("--audio", type=str, default="sfx", help="audio backbone, for videos")
    parser.add_argument("--workers", type=int, default=2, help="processes, for clips and videos")
    parser.add_argument("--accelerator", type=str, default="auto", help="where to train: auto, cpu, gpu or mps")


def run(args: Namespace, console: Console) -> int:
    """Reproduce."""
    from dmin.paper.grid import grid_of
    from dmin.paper.reproduce import reproduce

    rows = args.rows or grid_of(args.table).rows
    options: dict[str, Any] = {"accelerator": args.accelerator}
    if args.epochs is not None:
        options["epochs"] = args.epochs
    with console.progress() as progress:
        reproduction = reproduce(
            args.table,
            rows,
            args.data,
            args.out,
            seeds=args.seeds,
            preset_family=args.preset_family,
            recipe_options=options,
            source=_source(args),
            progress=progress,
        )
    console.table(_comparison(reproduction))
    console.result(f"{reproduction.remark}\n-> {args.out / args.table}.json, {args.out / 'index.html'}")
    return 0


def _source(args: Namespace) -> SourceOptions:
    """How features come about; what is for composed clips must not be given with AVE."""
    from dmin.paper.material import COMPOSED, SourceOptions

    of_clips = {name: getattr(args, name) for name in ("clips", "bank", "folder")}
    given = {name: value for name, value in of_clips.items() if value is not None}
    if given and args.data != COMPOSED:
        flags = ", ".join(f"--{name}" for name in given)
        raise DataError(f"got {flags} with --data {args.data}: leave out what is for --data {COMPOSED} only")
    return SourceOptions(**given, visual=args.visual, audio=args.audio, workers=args.workers)


def _comparison(reproduction: Reproduction) -> Table:
    from dmin.paper import words

    lines = words.comparison(reproduction)
    table = Table(
        title=f"{reproduction.table}: {reproduction.data}",
        caption=f"{reproduction.measure}; {words.intervals(reproduction.columns)}",
    )
    for heading in lines.headings:
        table.add_column(heading, no_wrap=heading in {"column", "95 % interval"})
    for row in lines.rows:
        table.add_row(*row)
    return table
