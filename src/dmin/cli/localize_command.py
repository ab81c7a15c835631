"""`dmin localize`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import ClosedUnitInterval, NonNegativeFloat

import dmin
from dmin.cli.console import Console
from dmin.cli.options import add_device, refuse_missing
from dmin.errors import DataError, DminError
from dmin.results.events import dumps

if TYPE_CHECKING:
    from dmin.inference import Localizer
    from dmin.results.events import Events

HELP = """Find the events of videos: what is both heard and seen, second by second.
Writes STEM.json, STEM.csv and STEM.png (film strip, where the network looks, spectrogram, relevance, events) for each
video, and prints the events. A folder means all videos in it and below. Answers that are there already, of the same
file, model and settings, are kept. Example: dmin localize holiday.mp4 holidays/ --out events --formats csv,vtt,eaf"""
STOPPED = "finished answers are kept; the same command keeps them, too, and does the others"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "videos", nargs="+", type=str, help="video files, any format that FFmpeg reads, or folders of videos"
    )
    parser.add_argument("--out", type=Path, default=Path("events"), help="folder of the answers")
    parser.add_argument("--model", type=str, default="starter", help="starter, a folder of `dmin train`, or a hub id")
    parser.add_argument(
        "--threshold",
        type=ClosedUnitInterval | None,
        default=None,
        help="relevance from which a second counts as event; default: the model's own",
    )
    parser.add_argument("--min-seconds", type=NonNegativeFloat, default=1.0, help="drop shorter events")
    parser.add_argument(
        "--missing-audio",
        type=Literal["error", "silence"],
        default="error",
        help="what to do with a video without sound: refuse it, or take it as silent",
    )
    parser.add_argument(
        "--formats",
        type=str,
        default="csv",
        help="files to write beside the JSON file, with commas between them; `dmin list formats` shows all",
    )
    parser.add_argument("--no-picture", action="store_true", help="leave the timeline picture out")
    parser.add_argument("--force", action="store_true", help="do again what is there already")
    add_device(parser)


def check(args: Namespace) -> None:
    """Refuse videos of which none exists, and formats that nobody knows."""
    from dmin.results.formats import FORMATS

    refuse_missing(*args.videos)
    args.formats = [FORMATS[name] for name in dict.fromkeys(args.formats.split(",")) if name not in ("", "json")]


def run(args: Namespace, console: Console) -> int:
    """Localize every video; a bad one never stops the rest."""
    from dmin.cli.answers import answer_each, make_folder, names_of, out_of, refuse_folder, videos_of
    from dmin.inference import Localizer
    from dmin.media import Recording
    from dmin.results import formats

    videos = videos_of(args.videos)
    names = names_of(videos)
    localizer = Localizer.from_pretrained(args.model, device=args.device)
    console.note(localizer.about)
    make_folder(args.out)
    suffixes = [".json", *(form.suffix for form in args.formats)] + [".png"] * (not args.no_picture)

    def localize(video: Path) -> None:
        refuse_folder(video)
        answers = {suffix: args.out / f"{names[video]}{suffix}" for suffix in suffixes}
        origin = _origin(video, localizer, args)
        events = None if args.force else _current(answers, video, origin)
        there = events is not None
        if events is None:
            recording = Recording(video, keeps_footage=not args.no_picture)
            with console.progress() as progress:
                events = localizer(
                    recording,
                    threshold=args.threshold,
                    min_seconds=args.min_seconds,
                    missing_audio=args.missing_audio,
                    progress=out_of(int(recording.info.duration_seconds + 0.5), progress),
                )
                if not args.no_picture:
                    events.plot(answers[".png"])
                for form in args.formats:
                    events.save(answers[form.suffix], form.name)
                # The JSON file comes last: once it is there, all are.
                formats.write(dumps({**events.to_dict(), "made_from": origin}), answers[".json"])
        found = _found(events, args.min_seconds) + (" (there already)" if there else "")
        console.result(f"{video}: {found} -> {args.out / names[video]}{', '.join(suffixes)}")
        for event in events:
            span = f"{event.start_seconds:7.1f} to {event.end_seconds:7.1f} s"
            console.result(f"  {span}  {event.category}  {event.score:.2f}")

    return answer_each(videos, localize, "videos", console)


def _origin(video: Path, localizer: Localizer, args: Namespace) -> dict[str, Any]:
    """Collect what an answer depends on."""
    from dmin.features.fingerprint import fingerprint

    return {
        "dmin": dmin.__version__,
        "model": localizer.digest,
        "video": fingerprint(video),
        "threshold": args.threshold,
        "min_seconds": args.min_seconds,
        "missing_audio": args.missing_audio,
    }


def _current(answers: Mapping[str, Path], video: Path, origin: Mapping[str, Any]) -> Events | None:
    """Read the answer that is there; None unless all its files exist and its origin is the same.

    Raises:
        DataError: It is of another video of the same name, which is still there.
    """
    from dmin.results.formats.as_json import from_json

    if not origin["video"]:  # it cannot be read, which the localizer will report
        return None
    try:
        text = answers[".json"].read_text("utf-8")
        data = json.loads(text)
        other, made_from = Path(data["video"]), data.get("made_from")
    except (OSError, ValueError, TypeError, KeyError):  # none, damaged, or of something else
        return None
    if other.exists() and not other.samefile(video):
        raise DataError(
            f"{video}: {answers['.json']} is the answer of {other}: choose another --out, or --force to replace it"
        )
    if made_from != origin or not all(path.is_file() for path in answers.values()):
        return None
    try:
        return from_json(text)
    except DminError:  # not of this layout
        return None


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
