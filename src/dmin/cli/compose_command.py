"""`dmin compose`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt, PositiveInt

from dmin.cli.console import Console

HELP = """Make an AVE-like data set: 10-s MP4 files, annotations and splits whose truth is known to the second.
Banks: scenes (drawn by code, needs nothing), folder (your pictures/CATEGORY/* and sounds/CATEGORY/*), stamps (Debian's
tuxpaint-stamps-default). Stopped, the same command goes on. Example: dmin compose --clips 200 --out clips"""
STOPPED = "finished videos are kept; the same command makes the others"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    from dmin.lab.compose.banks import BANKS
    from dmin.lab.compose.script import ComposeSettings

    parser.add_argument("--bank", type=str, choices=list(BANKS), default="scenes", help="scenes, folder or stamps")
    parser.add_argument("--folder", type=Path | None, default=None, help="where the files of the bank are")
    parser.add_argument("--clips", type=PositiveInt, default=200, help="how many clips")
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--seed", type=NonNegativeInt, default=0, help="another seed, other clips")
    parser.add_argument("--workers", type=PositiveInt | None, default=None, help="processes; default: one per core")
    parser.add_class_arguments(ComposeSettings)


def check(args: Namespace) -> None:
    """Refuse settings that cannot be, and fewer clips than the splits need."""
    from dmin.lab.compose.deal import require_clips
    from dmin.lab.compose.script import ComposeSettings

    args.settings = ComposeSettings(**{field.name: getattr(args, field.name) for field in fields(ComposeSettings)})
    require_clips(args.clips, args.settings)


def run(args: Namespace, console: Console) -> int:
    """Compose."""
    from dmin.lab.compose.banks import open_bank
    from dmin.lab.compose.compose import compose

    bank = open_bank(args.bank, args.folder)
    console.note(f"bank {args.bank}: {', '.join(bank.categories)}")
    with console.progress() as progress:
        report = compose(
            bank,
            args.clips,
            args.out,
            seed=args.seed,
            workers=args.workers,
            settings=args.settings,
            progress=progress,
        )
    console.result(
        f"{report.made} clips made, {report.reused} there already, {report.event_share:.0%} of seconds are event "
        f"-> {report.folder}"
    )
    return 0
