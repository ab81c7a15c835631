"""`dmin evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from rich.table import Table

from dmin.cli.console import Console
from dmin.cli.device import check_device

if TYPE_CHECKING:
    from dmin.evaluation import LocalizationReport

HELP = """Score a model on a split, with 95 % intervals, beside the priors that look at nothing.
DATA is a feature store, or a data-set folder with videos (features are then extracted into OUT/store).
Example: dmin evaluate runs/mine store --split test --out runs/mine/test"""


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=str, help="starter, a folder of `dmin train`, or a hub id")
    parser.add_argument("data", type=Path, help="feature store or data-set folder")
    parser.add_argument("--split", type=str, default="test", help="train, val or test")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder of metrics.json and pictures")
    parser.add_argument("--threshold", type=float | None, default=None, help="0..1; default: the model's own")
    parser.add_argument("--device", type=str, default="cpu", help="cpu, cuda or mps")


def run(args: Namespace, console: Console) -> int:
    """Evaluate."""
    from dataclasses import replace

    from dmin.evaluation import evaluate
    from dmin.inference import Localizer

    check_device(args.device)
    localizer = Localizer.from_pretrained(args.model, device=args.device)
    if args.threshold is not None:
        localizer.settings = replace(localizer.settings, threshold=args.threshold)
    with console.progress() as progress:
        store = args.data
        if not (store / "features").is_dir():
            from dmin.features import extract

            store = args.out / "store"
            settings = localizer.settings
            extract(args.data, store, visual=settings.visual, audio=settings.audio, progress=progress).require_all()
        report = evaluate(localizer, store, args.split, progress=progress)
    report.save(args.out)
    console.table(metrics_table(report))
    console.result(f"-> {args.out / 'metrics.json'}, confusion.png, categories.png")
    return 0


def metrics_table(report: LocalizationReport) -> Table:
    """The figures of a report as rows."""
    table = Table(title=f"{report.model} on {report.split}: {report.clips} clips, {report.seconds} seconds")
    table.add_column("measure")
    table.add_column("value [95 % interval]")
    table.add_row("segment accuracy", str(report.segment_accuracy))
    table.add_row("  prior: all background", f"{report.priors.all_background:.3f}")
    table.add_row("  prior: right category in every second", f"{report.priors.every_second_is_event:.3f}")
    table.add_row("category, given an event", str(report.category_accuracy_given_event))
    table.add_row("event / background F1", f"{report.relevance_f1:.3f}")
    for iou, value in report.event_f1.items():
        table.add_row(f"whole events, F1 at IoU {iou}", f"{value:.3f}")
    if report.false_event_seconds is not None:
        table.add_row("false events on clips of no category", str(report.false_event_seconds))
    return table
