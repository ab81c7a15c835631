"""`dmin demo`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt, PositiveInt

from dmin.cli.console import Console

HELP = """Make videos, extract features, train a network, score held-out videos, localize one of them, and write a page
with all of it. Takes a few minutes on two cores; a second run uses what is there. Example: dmin demo --out dmin-demo"""
STOPPED = "finished videos, features and epochs are kept; the same command goes on from there"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--out", type=Path, default=Path("dmin-demo"), help="folder of everything")
    parser.add_argument("--clips", type=PositiveInt, default=160, help="how many videos to make")
    parser.add_argument("--epochs", type=PositiveInt, default=30, help="how long to train")
    parser.add_argument("--seed", type=NonNegativeInt, default=0, help="of videos and training")
    parser.add_argument("--workers", type=PositiveInt, default=2, help="processes")


def check(args: Namespace) -> None:
    """Refuse fewer clips than the splits need."""
    from dmin.lab.compose.deal import require_clips
    from dmin.lab.compose.script import ComposeSettings

    require_clips(args.clips, ComposeSettings())


def run(args: Namespace, console: Console) -> int:
    """Run the demo."""
    from dmin.cli.evaluate_tables import metrics_table
    from dmin.lab.compose.demo import run_demo

    with console.progress() as progress:
        report = run_demo(
            args.out,
            clips=args.clips,
            epochs=args.epochs,
            seed=args.seed,
            workers=args.workers,
            narrate=console.step,
            progress=progress,
        )
    console.table(metrics_table(report.metrics))
    for event in report.events:
        console.result(
            f"{Path(report.events.video).name}: {event.category} from {event.start_seconds:.0f} to "
            f"{event.end_seconds:.0f} s (score {event.score:.2f})"
        )
    console.result(f"picture: {report.picture}\npage:    {report.page}")
    return 0
