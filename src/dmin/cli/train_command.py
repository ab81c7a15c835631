"""`dmin train`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jsonargparse import ActionConfigFile, ArgumentParser, Namespace
from rich.markup import escape
from rich.table import Table

from dmin.cli.console import Console
from dmin.cli.options import refuse_missing
from dmin.errors import DataError

HELP = """Train a network on a feature store, choosing the best epoch on the validation split.
Leaves a run folder that `dmin localize --model RUN` and `dmin evaluate RUN` take; killed, it goes on when run again.
A preset may be laid over another one: --preset small --preset agva is the small DMIN with AGVA in AGTA's place.
Example: dmin train store --preset small --out runs/mine --epochs 30 --model.width 128"""
_PRESET_FLAGS = ("--preset", "--config")
STOPPED = "finished epochs are kept; the same command goes on after the last of them"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments; the recipe's come from the dataclasses of what ``words`` ask for."""
    refuse_missing(*(word for word in words[:1] if not word.startswith("-")))  # before torch is imported
    from dmin.training.recipe import RECIPES, system_of

    parser.add_argument("store", type=Path, help="folder that `dmin extract` made of a data set")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument(
        *_PRESET_FLAGS,
        action=_Recipe,
        help="a recipe: one of `dmin list presets`, or a YAML file of your own; may be given several times, flags "
        "override it",
    )
    asked = _asked(words)
    system = system_of(asked)
    parser.add_class_arguments(RECIPES[system.task], skip={"model"})
    parser.add_class_arguments(system.network.config_type, "model")
    if "system" in asked:  # its card's options; flags and presets override them
        kind = asked.get("model", {}).get("direction" if system.task == "matching" else "supervision", system.kinds[0])
        parser.set_defaults(_plain(system.options(kind, scheduled=True)))


def _asked(words: Sequence[str]) -> dict[str, Any]:
    """Merge the presets and flags that decide the kind of recipe: its fields depend on the task and the network."""
    from dmin.models.systems import merged
    from dmin.training.presets import options_of

    typed = {name: values[-1] for name in ("system", "task") if (values := _values(words, f"--{name}"))}
    kind = {name: values[-1] for name in ("supervision", "direction") if (values := _values(words, f"--model.{name}"))}
    layers = [options_of(name) for name in _values(words, *_PRESET_FLAGS)]
    return merged(*layers, typed, {"model": kind})


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Flat names, as the parser has them, and no tuples."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": given for inner, given in _plain(value).items()}
        else:
            flat[name] = list(value) if isinstance(value, tuple) else value
    return flat


def _values(words: Sequence[str], *flags: str) -> list[str]:
    """The values that were typed for a flag, as ``--flag value`` or ``--flag=value``, in order."""
    return [
        word.partition("=")[2] or following
        for word, following in zip_longest(words, words[1:], fillvalue="")
        if word.partition("=")[0] in flags
    ]


def ordered(words: Sequence[str]) -> list[str]:
    """Put presets before all flags, which override them wherever they stand, and the request to print after them.

    Example:
        >>> ordered(["store", "--epochs", "1", "--preset", "small"])
        ['--preset', 'small', 'store', '--epochs', '1']
    """
    presets: list[str] = []
    others: list[str] = []
    for word, before in zip(words, ["", *words], strict=False):
        named = word.partition("=")[0] in _PRESET_FLAGS or before in _PRESET_FLAGS
        (presets if named else others).append(word)
    printing = [word for word in others if word.startswith("--print-config")]
    return [*presets, *(word for word in others if word not in printing), *printing]


class _Recipe(ActionConfigFile):
    """A configuration file, or the name of a preset."""

    def __call__(self, parser: Any, config: Any, value: Any, option: str | None = None) -> None:
        import yaml

        from dmin.training.presets import options_of

        text = yaml.safe_dump(json.loads(json.dumps(dict(options_of(str(value))))))
        super().__call__(parser, config, text, option)  # type: ignore[no-untyped-call]  # the library is not typed here


def check(args: Namespace) -> None:
    """Refuse a recipe that cannot be."""
    from dmin.training.recipe import RECIPES

    kind = RECIPES[args.task]
    args.recipe = kind(**{field.name: getattr(args, field.name) for field in fields(kind)})


def run(args: Namespace, console: Console) -> int:
    """Train."""
    from dmin.data.folder_check import check_times
    from dmin.report.figures import save_curves
    from dmin.training.fit import fit
    from dmin.training.resuming import is_first

    console.quiet |= not is_first()  # of several processes that train together
    _show_clips(args.store, console)
    for sentence in check_times(args.store):
        warnings.warn(sentence, stacklevel=2)
    with console.logged(), console.progress() as progress:
        report = fit(args.store, args.out, args.recipe, progress=progress)
    accuracy = report.validation_accuracy
    kept = f"last epoch ({report.epochs}), unchecked"
    if accuracy is not None:
        of = " of clips" if getattr(args.recipe, "select", "segment") == "clip" else ""
        kept = f"best epoch {report.best_epoch} of {report.epochs}: validation accuracy{of} {accuracy:.3f}"
    threshold = "" if report.threshold is None else f", threshold {report.threshold:.3f}"
    if is_first():
        save_curves(report.run)
        console.result(f"{kept}{threshold} -> {report.run}")
    return 0


def _show_clips(store: Path, console: Console) -> None:
    """Say how many clips and seconds of each category are in each split."""
    from dmin.data.annotations import BACKGROUND
    from dmin.data.clips import ClipDataset, count_categories

    train = ClipDataset(store, "train")
    splits = {"train": count_categories(train)}
    for name in [name for name in train.folder.splits if name != "train"]:
        try:
            splits[name] = count_categories(ClipDataset(store, name))
        except DataError as error:  # training needs no other split
            warnings.warn(str(error), stacklevel=2)
    table = Table(title=f"Clips and seconds in {store}", title_justify="left")
    table.add_column("category")
    for name in splits:
        table.add_column(name, justify="right")
        table.add_column("seconds", justify="right")
    for category in next(iter(splits.values())):
        counts = [splits[name][category] for name in splits]
        cells = [f"{number:,}" for count in counts for number in (count.clips, count.seconds)]
        table.add_row("no event" if category == BACKGROUND else escape(category), *cells)
    console.note(table)
