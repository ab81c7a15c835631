"""`dmin evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import ClosedUnitInterval

from dmin.cli.console import Console
from dmin.cli.evaluate_tables import groups_table, matching_table, metrics_table
from dmin.cli.options import add_device, add_remote_code, add_revision, refuse_missing
from dmin.data.annotations import SPLITS
from dmin.progress import Progress

if TYPE_CHECKING:
    from dmin.models.settings import InferenceSettings

HELP = """Score a model on a split, with 95 % intervals, beside the priors that look at nothing: a model of events,
or one that finds sounds in pictures or pictures in sounds (then beside a linear CCA of their features, too).
DATA is a feature store, or a data-set folder with videos (features of the split are then extracted into OUT/store).
Example: dmin evaluate runs/mine store --split test --out runs/mine/test"""
STOPPED = "the figures are not complete; the same command scores again, from the features that are extracted already"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=str, help="starter, a folder of `dmin train`, or a hub id")
    add_revision(parser)
    add_remote_code(parser)
    parser.add_argument("data", type=Path, help="feature store or data-set folder")
    parser.add_argument("--split", type=str, choices=list(SPLITS), default="test", help="which clips of the data")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder of metrics.json and pictures")
    parser.add_argument(
        "--threshold",
        type=ClosedUnitInterval | None,
        default=None,
        help="relevance from which a second counts as event; default: the model's own; event localizers only",
    )
    parser.add_argument(
        "--missing-audio",
        type=Literal["error", "silence"],
        default="error",
        help="what to do with a video without sound, where DATA has videos: refuse it, or take it as silent",
    )
    add_device(parser)


def check(args: Namespace) -> None:
    """Refuse data that do not exist."""
    refuse_missing(args.data)


def run(args: Namespace, console: Console) -> int:
    """Evaluate whichever network it is."""
    from dmin.inference.loading import folder_of
    from dmin.models.settings import MatcherSettings

    folder = folder_of(args.model, args.revision)
    matches = (folder / MatcherSettings.FILE).is_file()
    return _matching(folder, args, console) if matches else _localization(args, console)


def _localization(args: Namespace, console: Console) -> int:
    from dataclasses import replace

    from dmin.evaluation import evaluate
    from dmin.inference import Localizer
    from dmin.report.figures import save_scores

    localizer = Localizer.from_pretrained(args.model, device=args.device, revision=args.revision)
    if args.threshold is not None:
        localizer.settings = replace(localizer.settings, threshold=args.threshold)
    with console.progress() as progress:
        store = _store(args, localizer.settings, progress, localizer.categories)
        report = evaluate(localizer, store, args.split, progress=progress)
    report.save(args.out)
    save_scores(report, args.out)
    console.table(metrics_table(report))
    if report.groups is not None:
        console.table(groups_table(report.groups))
    console.result(f"-> {args.out / 'metrics.json'}, confusion.png, categories.png")
    return 0


def _matching(folder: Path, args: Namespace, console: Console) -> int:
    from dmin.device import device_of
    from dmin.errors import ModelError
    from dmin.evaluation import evaluate_matching
    from dmin.inference.loading import named
    from dmin.models import MatchingModel
    from dmin.models.settings import MatcherSettings
    from dmin.models.systems import load_network
    from dmin.report.figures import save_matches

    if args.threshold is not None:
        raise ModelError(
            f"got --threshold {args.threshold:g} for {args.model}, which matches and takes its best window whatever "
            "the score: leave --threshold out, it is for event localizers"
        )
    model, settings = load_network(folder, MatchingModel).to(device_of(args.device)), MatcherSettings.load(folder)
    with console.progress() as progress:
        store = _store(args, settings, progress)
        name = named(args.model, args.revision)
        report = evaluate_matching(model, settings, store, args.split, name=name, progress=progress)
    report.save(args.out)
    save_matches(report, args.out)
    console.table(matching_table(report))
    console.result(f"-> {args.out / 'metrics.json'}, offsets.png, lengths.png")
    return 0


def _store(args: Namespace, settings: InferenceSettings, progress: Progress, known: Sequence[str] = ()) -> Path:
    """The feature store that was given, or one made of the data set that was given.

    A model of events must know the categories of the data; ``known`` are those it knows.
    """
    if (args.data / "features").is_dir():
        return Path(args.data)
    import warnings

    from dmin.data.folder_check import check_folder, check_times
    from dmin.evaluation import require_known
    from dmin.features import extract

    store = Path(args.out) / "store"
    checked = check_folder(args.data)
    if known:
        require_known(checked.data.categories, known)
    extract(
        args.data,
        store,
        ids=checked.data.split(args.split),
        visual=settings.visual,
        audio=settings.audio,
        missing_audio=args.missing_audio,
        device=args.device,
        pooled=settings.pooled,
        fast=settings.fast,
        progress=progress,
    ).require_all()
    for sentence in (*checked.warnings, *check_times(store)):
        warnings.warn(sentence, stacklevel=2)
    return store
