"""`dmin extract`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jsonargparse import ArgumentParser, Namespace

from dmin.cli.console import Console
from dmin.cli.options import add_device, add_fast, add_remote_code, add_shard, add_workers, cluster_of, refuse_missing
from dmin.errors import DataError
from dmin.shard import Shard

if TYPE_CHECKING:
    from dmin.features import ExtractionReport
    from dmin.progress import Progress

HELP = """Compute the features of videos into a store, once. Give video files, a folder of videos, or a data-set folder
(videos/, Annotations.txt, splits/), which makes a store that `dmin train` can use; or a copy of AVE, by --ave its
videos, by --from-ave-h5 its released features. Folders below are read too: the id of videos/day1/a.mp4 is day1/a.
Stopped, the same command goes on, and reads only videos that have changed.
Example: dmin extract clips --out store --workers 2"""
_NAMES = "one of `dmin list backbones`"
STOPPED = "finished videos are in the store; the same command does the others"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "source", nargs="*", default=[], type=str, help="a data-set folder, a folder of videos, or video files"
    )
    parser.add_argument("--ave", type=Path | None, default=None, help="instead: AVE's videos, annotations and splits")
    parser.add_argument("--from-ave-h5", type=Path | None, default=None, help="instead: AVE's released feature files")
    parser.add_argument("--match", action="store_true", help="with AVE: the splits of cross-modality matching")
    parser.add_argument("--noisy", action="store_true", help="with --from-ave-h5: train on the background clips too")
    parser.add_argument("--out", type=Path, required=True, help="the feature store")
    parser.add_argument(
        "--visual", type=str, default="lite0", help=f"visual backbone: {_NAMES}, timm:NAME, hf:OWNER/NAME"
    )
    parser.add_argument("--audio", type=str, default="sfx", help=f"audio backbone: {_NAMES}, hf:OWNER/NAME")
    parser.add_argument(
        "--missing-audio",
        type=Literal["error", "silence"],
        default="error",
        help="what to do with a video without sound: refuse it, or take it as silent",
    )
    parser.add_argument(
        "--pooled",
        action="store_true",
        help="store maps averaged over their regions: with lite0 and sfx a clip of ten seconds takes 46 kB instead of "
        "1.3 MB, but only systems that do not look at regions can be trained (all of matching; avsdn; dmin with "
        "--preset no-agta)",
    )
    add_fast(parser)
    add_workers(parser)
    add_shard(parser)
    add_device(parser)
    add_remote_code(parser)


def check(args: Namespace) -> None:
    """Refuse what does not go together, a part that does not exist, and backbones that nobody knows."""
    given = [bool(args.source), args.ave is not None, args.from_ave_h5 is not None]
    if sum(given) != 1:
        raise DataError(f"got {sum(given)} sources: give videos or folders, or --ave DIR, or --from-ave-h5 DIR")
    if args.fast and args.from_ave_h5 is not None:
        raise DataError("--fast is for videos, and the features of --from-ave-h5 are there already: leave it out")
    if (args.match and args.source) or (args.noisy and args.from_ave_h5 is None):
        raise DataError("--match goes with --ave or --from-ave-h5, --noisy with --from-ave-h5: leave it out")
    if args.engine == "ray" and args.from_ave_h5 is not None:
        raise DataError("--from-ave-h5 has features already, and nothing is computed: leave --engine out")
    args.shard = Shard.read(args.shard)
    args.cluster = cluster_of(args)
    refuse_missing(*(args.source or [args.ave or args.from_ave_h5]))
    from dmin import backbones

    for modality in ("visual", "audio"):
        backbones.card_of(getattr(args, modality), modality)


def run(args: Namespace, console: Console) -> int:
    """Extract; a bad video never stops the rest."""
    _say_licences(args, console)
    found = _check(args.source, console)
    with console.progress() as progress:
        report = _extract(args, progress)
    if found is not None:
        _sum_up(args.out, found, console)
    console.result(
        f"{len(report.done)} extracted, {len(report.reused)} there already, {len(report.failed)} failed -> {args.out}"
    )
    for failure in report.failed:
        console.error(failure.reason if failure.video in failure.reason else str(failure))
    return 1 if report.failed else 0


def _say_licences(args: Namespace, console: Console) -> None:
    """Say what may be done with networks that do not come with dmin, where a store is begun."""
    from dmin import backbones

    if args.from_ave_h5 is not None or (args.out / "manifest.json").exists():
        return
    for modality in ("visual", "audio"):
        card = backbones.card_of(getattr(args, modality), modality)
        if card.name not in backbones.cards():
            console.note(card.terms)


def _check(source: Sequence[str], console: Console) -> tuple[str, ...] | None:
    """Warnings about a data set, before its first video is decoded; None if the source is no data set."""
    from dmin.data.folder_check import check_folder

    if len(source) != 1 or not (folder := Path(source[0])).is_dir():
        return None
    if (folder / "Annotations.txt").is_file():
        return check_folder(folder).warnings
    console.note(f"{folder} has no Annotations.txt: the store will hold features alone, which cannot be trained on")
    return None


def _sum_up(store: Path, found: tuple[str, ...], console: Console) -> None:
    """Say and keep all warnings, now that the lengths of the clips are known."""
    from dmin.data.folder_check import WARNINGS_FILE, check_times, write_warnings

    found += check_times(store)
    write_warnings(store, found)
    for sentence in found:
        warnings.warn(sentence, stacklevel=2)
    if found:
        console.note(f"{len(found)} warning{'s' * (len(found) != 1)}, kept in {store / WARNINGS_FILE}")


def _extract(args: Namespace, progress: Progress) -> ExtractionReport:
    task: Any = "matching" if args.match else "localization"
    if args.from_ave_h5 is not None:
        from dmin.lab.ave.store import store_released

        return store_released(
            args.from_ave_h5,
            args.out,
            task=task,
            noisy=args.noisy,
            pooled=args.pooled,
            shard=args.shard,
            progress=progress,
        )
    options = {
        "visual": args.visual,
        "audio": args.audio,
        "missing_audio": args.missing_audio,
        "workers": args.workers or 1,
        "video_seconds": args.item_timeout,
        "engine": args.cluster,
        "shard": args.shard,
        "device": args.device,
        "pooled": args.pooled,
        "fast": args.fast,
        "progress": progress,
    }
    if args.ave is not None:
        from dmin.lab.ave.videos import extract_videos

        return extract_videos(args.ave, args.out, task=task, **options)
    from dmin.features import extract

    return extract(args.source[0] if len(args.source) == 1 else args.source, args.out, **options)
