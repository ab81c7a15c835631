"""`dmin localize`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import ArgumentParser, Namespace

from dmin.cli.answers import answer_each, make_folder, out_of, stems_of
from dmin.cli.console import Console
from dmin.cli.options import add_device

if TYPE_CHECKING:
    from dmin.events import Events

HELP = """Find the events of videos: what is both heard and seen, second by second.
Writes STEM.json, STEM.csv and STEM.png (film strip, where the network looks, spectrogram, relevance, events) for each
video, and prints the events. Example: dmin localize holiday.mp4 --out events"""


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("videos", nargs="+", type=str, help="video files, any format that FFmpeg reads")
    parser.add_argument("--out", type=Path, default=Path("events"), help="folder of the answers")
    parser.add_argument("--model", type=str, default="starter", help="starter, a folder of `dmin train`, or a hub id")
    parser.add_argument(
        "--threshold",
        type=float | None,
        default=None,
        help="relevance (0 to 1) from which a second counts as event; default: the model's own",
    )
    parser.add_argument("--min-seconds", type=float, default=1.0, help="drop shorter events")
    parser.add_argument(
        "--missing-audio",
        type=Literal["error", "silence"],
        default="error",
        help="what to do with a video without sound: refuse it, or take it as silent",
    )
    parser.add_argument("--no-picture", action="store_true", help="leave the timeline picture out")
    add_device(parser)


def run(args: Namespace, console: Console) -> int:
    """Localize every video; a bad one never stops the rest."""
    from dmin.inference import Localizer
    from dmin.media import probe

    videos = [Path(video) for video in args.videos]
    names = stems_of(videos, "videos", "localize")
    localizer = Localizer.from_pretrained(args.model, device=args.device)
    console.note(localizer.about)
    make_folder(args.out)
    endings = ("json", "csv") if args.no_picture else ("json", "csv", "png")

    def localize(video: Path) -> None:
        with console.progress() as progress:
            events = localizer(
                video,
                threshold=args.threshold,
                min_seconds=args.min_seconds,
                missing_audio=args.missing_audio,
                progress=out_of(int(probe(video).duration_seconds + 0.5), progress),
            )
            write = {"json": events.to_json, "csv": events.to_csv, "png": events.plot}
            for ending in endings:
                write[ending](args.out / f"{names[video]}.{ending}")
        files = ", .".join(endings)
        console.result(f"{video}: {_found(events, args.min_seconds)} -> {args.out / names[video]}.{files}")
        for event in events:
            span = f"{event.start_seconds:7.1f} to {event.end_seconds:7.1f} s"
            console.result(f"  {span}  {event.category}  {event.score:.2f}")

    return answer_each(videos, localize, "videos", console)


def _found(events: Events, min_seconds: float) -> str:
    """The number of events; without any, the second that came nearest to one."""
    if events:
        return f"{len(events)} event{'s' * (len(events) != 1)}"
    second = events.nearest
    if second is None:
        return "no event"
    short = second.relevance >= events.threshold
    why = f"shorter than {min_seconds:g} s" if short else f"threshold {events.threshold:.2f}"
    return f"no event; nearest: {second.category} {second.relevance:.2f} at {second.start_seconds:.0f} s, {why}"
