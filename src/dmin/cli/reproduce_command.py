"""`dmin reproduce`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt
from rich.box import SIMPLE_HEAD
from rich.table import Table

from dmin.cli.console import Console
from dmin.cli.options import add_device, add_remote_code
from dmin.errors import DataError, unknown_name
from dmin.shard import Shard

if TYPE_CHECKING:
    from dmin.lab.paper.material import SourceOptions
    from dmin.lab.paper.reproduce import RunOptions
    from dmin.lab.paper.results import Reproduction

HELP = """Run a table of the paper (table1 to table6): train and score its rows under one protocol, and set ours beside
the paper's numbers, with intervals; or draw a figure (fig7 to fig10) of systems trained the same way.
Data: a folder of AVE (released features, or videos), a feature store, or the word composed for clips that are made
here. Writes TABLE.json, .md, .png and .html into OUT, each run into OUT/runs. Stopped, the same command goes on; more
--seeds add to it; --shard 1/3, 2/3 and 3/3 are run on three machines, and --merge makes one table of their JSON files.
Example: dmin reproduce table1 --rows avel dmin --data composed --seeds 3 --out tables"""
STOPPED = "finished runs are kept; the same command goes on, in a run that was stopped after its last finished epoch"
_FAST = {"clips": 40, "epochs": 1}
"""Of --fast: enough to see that all rows run, too little to compare anything."""
_WHOLE = {"ours, %", "95 % interval", "weights", "MIL pooling"}
"""Columns whose entries are never broken into lines."""
_ROOM_FOR_POOLING = ("seeds", "ms a step")
"""Columns that 80 letters have no room for beside the pooling; the files have them all."""
_LEAST_NAME = 16
"""Letters of a system's name that stand in a line, however narrow the terminal is."""


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("what", type=str, help="table1 to table6, or fig7 to fig10")
    parser.add_argument("--out", type=Path, required=True, help="folder of everything")
    parser.add_argument(
        "--rows",
        nargs="+",
        type=str,
        default=[],
        help="rows by their keys, or other systems of `dmin list systems`; default: all of the paper's",
    )
    parser.add_argument(
        "--data", type=str, default="composed", help="a folder of AVE, a feature store, or composed (the default)"
    )
    parser.add_argument("--seeds", type=PositiveInt, default=1, help="how many runs of each row and column")
    parser.add_argument("--shard", type=str, default="1/1", help="i/n: only every n-th run, from the i-th")
    parser.add_argument(
        "--merge", nargs="+", type=Path, default=[], help="JSON files of a table: merge them, and run nothing"
    )
    parser.add_argument("--fast", action="store_true", help="one epoch on 40 composed clips: do all rows run?")
    parser.add_argument(
        "--preset-family",
        type=str | None,
        default=None,
        help="paper, official, small or brief; default: paper for AVE, small for other clips",
    )
    parser.add_argument(
        "--epochs", type=PositiveInt | None, default=None, help="of all runs; default: each preset's own"
    )
    parser.add_argument("--clips", type=PositiveInt | None, default=None, help="composed: how many; default: 160")
    parser.add_argument("--bank", type=str | None, default=None, help="composed: scenes (default), folder or stamps")
    parser.add_argument("--folder", type=Path | None, default=None, help="composed: where the files of the bank are")
    parser.add_argument("--visual", type=str, default="lite0", help="visual backbone, for videos")
    parser.add_argument("--audio", type=str, default="sfx", help="audio backbone, for videos")
    add_remote_code(parser)
    parser.add_argument("--workers", type=PositiveInt, default=2, help="processes, for clips and videos")
    add_device(parser)
    parser.add_argument("--clip", nargs="+", type=str, default=[], help="figures: clips by id; default: by a rule")
    parser.add_argument(
        "--videos", type=Path | None, default=None, help="figures of a feature store: folder of its clips' videos"
    )


def check(args: Namespace) -> None:
    """Refuse an unknown table, figure, row, family, bank or backbone, and what does not go together."""
    from dmin.lab.paper.figures import FIGURES
    from dmin.lab.paper.grid import GRIDS, rows_of

    if args.what not in {**GRIDS, **FIGURES}:
        raise DataError(unknown_name("table or figure", args.what, [*GRIDS, *FIGURES]))
    rows_of(FIGURES[args.what].table if args.what in FIGURES else args.what, args.rows)
    args.options, args.source = _options(args), _source(args)


def run(args: Namespace, console: Console) -> int:
    """Reproduce."""
    from dmin.lab.paper.figures import FIGURES

    if args.what in FIGURES:
        return _figure(args, console)
    from dmin.lab.paper import reproduce as table
    from dmin.lab.paper.results import merge

    if args.merge:
        from dmin.lab.paper.page import write_merged

        reproduction = merge(args.merge)
        if reproduction.table != args.what:
            raise DataError(f"{args.merge[0]} is of {reproduction.table}: give `dmin reproduce {reproduction.table}`")
        write_merged(reproduction, args.out)
    else:
        with console.progress() as progress:
            reproduction = table.reproduce(args.what, args.data, args.out, args.options, args.source, progress)
    _print(reproduction, console)
    console.result(f"{reproduction.setting.remark}\n-> {args.out / args.what}.json, .md, .png and .html")
    return 0


def _figure(args: Namespace, console: Console) -> int:
    from dmin.lab.paper.figures import FigureOptions, draw

    options = FigureOptions(args.clip, args.videos, args.options)
    with console.progress() as progress:
        drawn = draw(args.what, args.data, args.out, options, args.source, progress)
    for picture in drawn:
        console.result(f"{picture.words}\n-> {picture.path}")
    return 0


def _options(args: Namespace) -> RunOptions:
    from dmin.lab.paper.reproduce import RunOptions

    changed: dict[str, Any] = {"device": args.device}
    epochs = args.epochs if args.epochs is not None or not args.fast else _FAST["epochs"]
    if epochs is not None:
        changed["epochs"] = epochs
    return RunOptions(args.rows, args.seeds, args.preset_family, changed, Shard.read(args.shard))


def _source(args: Namespace) -> SourceOptions:
    """Collect the options of feature extraction; those of composed clips must not be given with other data."""
    from dmin.lab.paper.material import COMPOSED, SourceOptions

    of_clips = {name: getattr(args, name) for name in ("clips", "bank", "folder")}
    given = {name: value for name, value in of_clips.items() if value is not None}
    if given and args.data != COMPOSED:
        flags = ", ".join(f"--{name}" for name in given)
        raise DataError(f"got {flags} with --data {args.data}: leave out what is for --data {COMPOSED} only")
    if args.fast and args.data == COMPOSED:
        given.setdefault("clips", _FAST["clips"])
    return SourceOptions(**given, visual=args.visual, audio=args.audio, workers=args.workers)


def _print(reproduction: Reproduction, console: Console) -> None:
    from dmin.lab.paper import words

    for lines in [*words.comparison(reproduction), words.priors(reproduction)]:
        title = f"{reproduction.table}: {lines.title}"
        table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)  # fits 80 columns
        left_out = _ROOM_FOR_POOLING if "MIL pooling" in lines.headings else ()
        shown = [index for index, heading in enumerate(lines.headings) if heading not in left_out]
        for index in shown:
            heading = lines.headings[index]
            words_in_lines = heading.replace(" (", "\n(")
            least = None if index else _LEAST_NAME
            table.add_column(words_in_lines, no_wrap=heading in _WHOLE, min_width=least)
        for index, row in enumerate(lines.rows):
            table.add_row(*(row[i] for i in shown), style="bold" if index == lines.bold else None)
        console.table(table)
    console.result(f"{words.setting(reproduction)}.")
    for paragraph in (*words.marks(reproduction), *words.order_words(reproduction)):
        console.result(paragraph)
