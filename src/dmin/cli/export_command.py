"""`dmin export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from dmin.cli.console import Console
from dmin.cli.options import add_remote_code, add_revision

HELP = """Write a model of events as an ONNX file, which ONNX Runtime runs without torch or dmin.
It takes features of any length (visual [1, T, H, W, D_v], audio [1, T, D_a]) and gives relevance, category scores and,
where the network has it, the attention of every region. It is written only if ONNX Runtime answers as torch does.
Example: dmin export runs/mine --out mine.onnx"""
STOPPED = "no file was written; the same command starts again"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=str, help="starter, a folder of `dmin train`, or a hub id")
    add_revision(parser)
    add_remote_code(parser)
    parser.add_argument("--out", type=Path, default=Path("model.onnx"), help="the file")


def run(args: Namespace, console: Console) -> int:
    """Export."""
    from dmin.publish.export import CHECKED_SECONDS, LARGEST_DIFFERENCE, export_onnx

    console.note("export and check, which takes up to a minute")
    exported = export_onnx(args.model, args.out, revision=args.revision)
    *others, last = CHECKED_SECONDS
    console.result(
        f"largest difference from torch on clips of {', '.join(map(str, others))} and {last} s: "
        f"{exported.difference:.1e} (allowed: {LARGEST_DIFFERENCE:.0e})"
    )
    console.result(f"{', '.join(exported.outputs)} -> {exported.path} ({exported.path.stat().st_size / 1e6:.1f} MB)")
    return 0
