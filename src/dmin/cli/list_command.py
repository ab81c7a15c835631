"""`dmin list`."""

from __future__ import annotations

from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape
from rich.table import Table

from dmin.cli.console import Console
from dmin.errors import DataError, ModelError

HELP = """List what dmin brings: backbones (with source and licence), formats (of `dmin localize --formats`), presets
(recipes of `dmin train`), or systems (networks and variants, with paper, size and source of their specification).
With --search, backbones are networks of timm, of which `dmin extract --visual timm:NAME` takes any.
Example: dmin list systems"""
STOPPED = "nothing was changed; the same command lists again"


_SIZED = "Parameters are for the features and the 28 categories of AVE."


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("what", type=str, choices=list(_TABLES), help="what to list")
    words = "with backbones: networks of timm whose names hold WORD; * and ? stand for other letters"
    parser.add_argument("--search", metavar="WORD", type=str | None, default=None, help=words)


def check(args: Namespace) -> None:
    """Refuse a search in what has no names to search."""
    if args.search is not None and args.what != "backbones":
        raise DataError(f"--search goes with backbones, got {args.what}: leave it out")


def run(args: Namespace, console: Console) -> int:
    """List."""
    for table in _TABLES[args.what]() if args.search is None else [_found(args.search)]:
        console.table(table)
    return 0


def _found(word: str) -> Table:
    """Networks of timm by a part of their names."""
    from dmin.backbones.timm_names import search

    table = Table(title=f"Networks of timm: {word}")
    for name in ("name", "input", "licence of timm's card"):
        table.add_column(name, no_wrap=name == "name")
    for network in search(word):
        table.add_row(network.name, network.input, network.licence)
    if not table.rows:
        raise ModelError(f"timm has no network with weights whose name holds {word!r}: try a shorter word")
    return table


def _backbones() -> list[Table]:
    from dmin import backbones

    table = Table(title="Backbones")
    for name in ("name", "modality", "output", "input", "licence", "source"):
        table.add_column(name)
    for card in backbones.cards().values():
        shape = " x ".join(map(str, card.output_shape))
        table.add_row(card.name, card.modality, shape, card.input, card.licence, card.source)
    return [table]


def _formats() -> list[Table]:
    from dmin.results.formats import FORMATS

    table = Table(title="Formats")
    for name in ("name", "files", "what it is"):
        table.add_column(name)
    for form in FORMATS.values():
        table.add_row(form.name, form.suffix, form.words)
    return [table]


def _presets() -> list[Table]:
    from dmin.training.presets import presets

    table = Table(title="Presets")
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    for preset in presets().values():
        table.add_row(preset.name, preset.words)
    return [table]


def _systems() -> list[Table]:
    from dmin.layers.inter_modality import INTER_MODALITY
    from dmin.layers.visual_attention import VISUAL_ATTENTION
    from dmin.models import systems
    from dmin.training.presets import variants

    whole = _stanzas("Systems", _SIZED)
    for system in sorted(systems().values(), key=lambda system: (system.task, system.year, system.name)):
        source = system.source + (f"; {system.mark}" if system.mark else "")
        lines = (
            f"{system.title} ({system.year}): {system.task}, {' and '.join(system.kinds)}",
            f"paper: {system.paper}",
            f"parameters: {_sizes(system.name, system.kinds)}",
            f"specification: {source}",
        )
        whole.add_row(system.name, escape("\n".join(lines)))
    names = _stanzas("Slots of DMIN: dmin train STORE --preset PRESET --SLOT NAME")
    for slot, registry in (("visual_attention", VISUAL_ATTENTION), ("inter_modality", INTER_MODALITY)):
        names.add_row(f"model.{slot}.name", ", ".join(registry))
    slots = _stanzas("Variants of DMIN: dmin train STORE --preset PRESET --preset VARIANT", _SIZED)
    for variant in variants().values():
        sizes = _sizes("dmin", ("full", "weak"), variant.name)
        about = f"{variant.words}\nparameters: {sizes}\nspecification: {variant.source}"
        slots.add_row(variant.name, escape(about))
    return [whole, names, slots]


def _sizes(system: str, kinds: Sequence[str], variant: str | None = None) -> str:
    """Parameters of each kind, once where they are equal."""
    from dmin.lab.paper.grid import parameters_of

    return " / ".join(dict.fromkeys(f"{parameters_of(system, kind, variant):,}" for kind in kinds))


def _stanzas(title: str, caption: str | None = None) -> Table:
    """A name, and lines about it, that can be read in any terminal."""
    table = Table(title=title, caption=caption, box=None, show_header=False, padding=(0, 2, 1, 0))
    table.add_column("name", no_wrap=True, style="bold")
    table.add_column("about")
    return table


_TABLES = {"backbones": _backbones, "formats": _formats, "presets": _presets, "systems": _systems}
