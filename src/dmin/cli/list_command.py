"""`dmin list`."""

from __future__ import annotations

from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace
from rich.table import Table

from dmin.cli.console import Console

HELP = """List what dmin brings: backbones (with source and licence) or presets (recipes of `dmin train`).
Example: dmin list backbones"""


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("what", type=str, choices=["backbones", "presets"], help="what to list")


def run(args: Namespace, console: Console) -> int:
    """List."""
    console.table(_backbones() if args.what == "backbones" else _presets())
    return 0


def _backbones() -> Table:
    from dmin import backbones

    table = Table(title="Backbones")
    for name in ("name", "modality", "output", "input", "licence", "source"):
        table.add_column(name)
    for card in backbones.cards().values():
        shape = " x ".join(map(str, card.output_shape))
        table.add_row(card.name, card.modality, shape, card.input, card.licence, card.source)
    return table


def _presets() -> Table:
    from dmin.recipe import presets

    table = Table(title="Presets")
    table.add_column("name")
    table.add_column("what it is")
    for name, path in presets().items():
        first = path.read_text("utf-8").splitlines()[0]
        table.add_row(name, first.removeprefix("# "))
    return table
