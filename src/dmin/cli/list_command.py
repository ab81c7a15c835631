"""`dmin list`."""

from __future__ import annotations

from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace
from rich.table import Table

from dmin.cli.console import Console

HELP = """List what dmin brings: backbones (with source and licence), presets (recipes of `dmin train`), or systems
(networks and variants, with paper, size and where their specification comes from).
Example: dmin list systems"""


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("what", type=str, choices=list(_TABLES), help="what to list")


def run(args: Namespace, console: Console) -> int:
    """List."""
    for table in _TABLES[args.what]():
        console.table(table)
    return 0


def _backbones() -> list[Table]:
    from dmin import backbones

    table = Table(title="Backbones")
    for name in ("name", "modality", "output", "input", "licence", "source"):
        table.add_column(name)
    for card in backbones.cards().values():
        shape = " x ".join(map(str, card.output_shape))
        table.add_row(card.name, card.modality, shape, card.input, card.licence, card.source)
    return [table]


def _presets() -> list[Table]:
    from dmin.presets import presets

    table = Table(title="Presets")
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    for preset in presets().values():
        table.add_row(preset.name, preset.words)
    return [table]


def _systems() -> list[Table]:
    from dmin.models import systems
    from dmin.paper.sizes import parameters_of
    from dmin.presets import kinds, variants

    whole = Table(title="Systems", caption="Parameters in thousands, for the features and the 28 categories of AVE.")
    for name in ("name", "system", "paper", "year", "task", "for", "parameters", "specification"):
        whole.add_column(name, no_wrap=name == "name", justify="right" if name == "parameters" else "left")
    for system in sorted(systems().values(), key=lambda system: (system.task, system.year, system.name)):
        sizes = dict.fromkeys(f"{parameters_of(system.name, kind) / 1000:,.0f}" for kind in kinds(system))
        words = (system.title, system.paper, str(system.year), system.task, ", ".join(kinds(system)))
        source = system.source + (f"; {system.mark}" if system.mark else "")
        whole.add_row(system.name, *words, " / ".join(sizes), source)
    slots = Table(title="Variants: dmin train STORE --preset PRESET --preset VARIANT")
    for name in ("name", "what it is", "parameters", "specification"):
        slots.add_column(name, no_wrap=name == "name", justify="right" if name == "parameters" else "left")
    for variant in variants().values():
        sizes = dict.fromkeys(f"{parameters_of('dmin', kind, variant.name) / 1000:,.0f}" for kind in ("full", "weak"))
        slots.add_row(variant.name, variant.words, " / ".join(sizes), variant.source)
    return [whole, slots]


_TABLES = {"backbones": _backbones, "presets": _presets, "systems": _systems}
