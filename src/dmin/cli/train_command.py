"""`dmin train`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ActionConfigFile, ArgumentParser, Namespace

from dmin.cli.console import Console

HELP = """Train a network on a feature store, choosing the best epoch on the validation split.
Leaves a run folder that `dmin localize --model RUN` and `dmin evaluate RUN` take; a killed run goes on where it stopped.
Example: dmin train store --preset small --out runs/mine --epochs 30 --model.width 128"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments; the recipe's come from its dataclass."""
    from dmin.recipe import TrainConfig, presets

    parser.add_argument("store", type=Path, help="folder that `dmin extract` made of a data set")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--preset", type=str | None, help=f"a recipe that comes with dmin: {', '.join(presets())}")
    parser.add_argument("--config", action=ActionConfigFile, help="a recipe of your own (YAML); flags override it")
    parser.add_class_arguments(TrainConfig, None)


def run(args: Namespace, console: Console) -> int:
    """Train."""
    from dmin.training import fit

    config = recipe_of(args)
    with console.progress() as progress:
        report = fit(args.store, args.out, config, progress=progress)
    console.result(
        f"best epoch {report.best_epoch} of {report.epochs}: validation segment accuracy "
        f"{report.validation_accuracy:.3f}, threshold {report.threshold:.3f} -> {report.run}"
    )
    return 0
