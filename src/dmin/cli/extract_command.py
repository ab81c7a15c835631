"""`dmin extract`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from dmin.cli.console import Console
from dmin.cli.device import check_device
from dmin.errors import DataError

HELP = """Compute the features of videos into a store, once. Give video files, a folder of videos, or a data-set folder
(videos/, Annotations.txt, splits/), which makes a store that `dmin train` can use. Stopped, the same command goes on.
Example: dmin extract clips --out store --workers 2"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("source", nargs="+", type=str, help="a data-set folder, a folder of videos, or video files")
    parser.add_argument("--out", type=Path, required=True, help="the feature store")
    parser.add_argument("--visual", type=str, default="lite0", help="visual backbone, see `dmin list backbones`")
    parser.add_argument("--audio", type=str, default="sfx", help="audio backbone")
    parser.add_argument("--missing-audio", type=str, default="error", choices=["error", "silence"])
    parser.add_argument("--workers", type=int, default=1, help="processes, each with its own backbones")
    parser.add_argument("--shard", type=str, default="1/1", help="i/n: do the i-th of n parts, one a machine")
    parser.add_argument("--device", type=str | None, default=None, help="cpu or cuda; default: cuda where there is one")


def run(args: Namespace, console: Console) -> int:
    """Extract; a bad video never stops the rest."""
    from dmin.features import extract

    check_device(args.device)
    source = args.source[0] if len(args.source) == 1 else args.source
    with console.progress() as progress:
        report = extract(
            source,
            args.out,
            visual=args.visual,
            audio=args.audio,
            missing_audio=args.missing_audio,
            workers=args.workers,
            shard=_shard(args.shard),
            device=args.device,
            progress=progress,
        )
    console.result(
        f"{len(report.done)} extracted, {len(report.reused)} there already, {len(report.failed)} failed -> {args.out}"
    )
    for failure in report.failed:
        console.error(failure.reason if failure.video in failure.reason else str(failure))
    return 1 if report.failed else 0


def _shard(text: str) -> tuple[int, int]:
    try:
        part, parts = map(int, text.split("/"))
    except ValueError as error:
        raise DataError(f"--shard is {text!r}: must be i/n, e.g. 1/4 for the first of four parts") from error
    return part, parts
