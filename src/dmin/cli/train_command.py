"""`dmin train`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from jsonargparse import ActionConfigFile, ArgumentParser, Namespace

from dmin.cli.console import Console

HELP = """Train a network on a feature store, choosing the best epoch on the validation split.
Leaves a run folder that `dmin localize --model RUN` and `dmin evaluate RUN` take; killed, it goes on when run again.
Example: dmin train store --preset small --out runs/mine --epochs 30 --model.width 128"""


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments; the recipe's come from the dataclass of the task that ``words`` name."""
    from dmin.recipe import presets

    parser.add_argument("store", type=Path, help="folder that `dmin extract` made of a data set")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument(
        "--preset",
        "--config",
        action=_Recipe,
        help=f"a recipe: one of {', '.join(presets())}, or a YAML file of your own; flags override it",
    )
    parser.add_class_arguments(_kind(words))


def _kind(words: Sequence[str]) -> Any:
    """The kind of recipe that is asked for: what it has to offer depends on its task, which the preset says."""
    from dmin.errors import ModelError, unknown_name
    from dmin.recipe import RECIPES, read_recipe

    task = "localization"
    if name := _last(words, "--preset", "--config"):
        task = read_recipe(_recipe_file(name)).get("task", task)
    task = _last(words, "--task") or task
    if task not in RECIPES:
        raise ModelError(unknown_name("task", task, RECIPES))
    return RECIPES[task]


def _last(words: Sequence[str], *flags: str) -> str:
    """The last value that was typed for a flag, as ``--flag value`` or ``--flag=value``; "" if there is none."""
    values = [
        word.partition("=")[2] or following
        for word, following in zip(words, [*words[1:], ""], strict=True)
        if word.partition("=")[0] in flags
    ]
    return values[-1] if values else ""


def _recipe_file(name: str) -> Path:
    """A configuration file, by its path or by the name of one that comes with dmin."""
    from dmin.recipe import preset, presets

    return preset(name) if name in presets() or not Path(name).is_file() else Path(name)


class _Recipe(ActionConfigFile):
    """A configuration file, or the name of one that comes with dmin."""

    def __call__(self, parser: Any, config: Any, value: Any, option: str | None = None) -> None:
        super().__call__(  # type: ignore[no-untyped-call]  # the library is not typed here
            parser, config, str(_recipe_file(str(value))), option
        )


def run(args: Namespace, console: Console) -> int:
    """Train."""
    from dmin.recipe import RECIPES
    from dmin.training import fit

    kind = RECIPES[args.task]
    recipe = kind(**{field.name: getattr(args, field.name) for field in fields(kind)})
    with console.progress() as progress:
        report = fit(args.store, args.out, recipe, progress=progress)
    accuracy = report.validation_accuracy
    kept = f"last epoch ({report.epochs}), unchecked"
    if accuracy is not None:
        kept = f"best epoch {report.best_epoch} of {report.epochs}: validation accuracy {accuracy:.3f}"
    threshold = "" if report.threshold is None else f", threshold {report.threshold:.3f}"
    console.result(f"{kept}{threshold} -> {report.run}")
    return 0
