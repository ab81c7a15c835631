"""`dmin cut`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import ClosedUnitInterval, NonNegativeFloat

from dmin.cli.console import Console
from dmin.cli.options import refuse_missing
from dmin.errors import DataError, DminError, unknown_name

if TYPE_CHECKING:
    from dmin.results.events import Events

HELP = """Cut each event that `dmin localize` found out of its video, as a clip of its own.
A clip's name says video, time and category: holiday_012.0-015.0_Church-bell.mp4. Clips are exact to the picture and
coded anew, as H.264 and AAC; --copy copies packets instead, which is fast and loses nothing, but then a clip starts at
the key frame before its event. Example: dmin cut events/holiday.json --out clips --margin 0.5 --category Dog Rain"""
STOPPED = "finished clips are kept; the same command cuts all of them again"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "answers", nargs="+", type=str, help="JSON files that `dmin localize` wrote, or folders of them"
    )
    parser.add_argument("--out", type=Path, default=Path("clips"), help="folder of the clips")
    parser.add_argument(
        "--videos",
        type=Path | None,
        default=None,
        help="folder of the videos; default: where they were, or beside the answers",
    )
    parser.add_argument("--category", nargs="+", type=str, default=[], help="only events of these categories")
    parser.add_argument("--min-score", type=ClosedUnitInterval, default=0.0, help="only events of at least this score")
    parser.add_argument(
        "--margin", type=NonNegativeFloat, default=0.0, help="seconds added before and after each event"
    )
    parser.add_argument(
        "--copy",
        action="store_true",
        help="copy packets, from the key frame before the event on, instead of coding the clip anew",
    )


def check(args: Namespace) -> None:
    """Refuse answers of which none exists, and a folder of videos that does not."""
    refuse_missing(*args.answers)
    if args.videos is not None:
        refuse_missing(args.videos)


def run(args: Namespace, console: Console) -> int:
    """Cut the events of every answer; a bad one never stops the rest."""
    from dmin.cli.answers import answer_each, make_folder
    from dmin.media import cut_events
    from dmin.results.events import Events

    named = (answer for path in map(Path, args.answers) for answer in _answers_in(path))
    answers = list({path.resolve(): path for path in named}.values())
    taken: set[str] = set()
    known: set[str] = set()
    make_folder(args.out)

    def cut(answer: Path) -> list[str]:
        with _naming(answer):
            if answer.is_dir():
                raise DataError("no answer is in it or below: give a folder that `dmin localize --out` wrote")
            events = Events.from_json(answer)
            known.update(event.category for event in events)
            known.update(*(second.scores for second in events.seconds))
            wanted = [e for e in events if e.score >= args.min_score and e.category in (args.category or known)]
            if not wanted:
                return [f"{answer}: no event to cut"]
            video = _video_of(events, answer, args.videos)
            with console.progress() as progress:
                clips = cut_events(
                    video, wanted, args.out, margin_seconds=args.margin, copy=args.copy, taken=taken, progress=progress
                )
        count = f"{len(clips)} clip{'s' * (len(clips) != 1)}"
        return [f"{answer}: {count} of {video} -> {args.out}", *(f"  {clip.name}" for clip in clips)]

    status = answer_each(answers, cut, "answers", console)
    unknown = [name for name in args.category if known and name not in known]
    for name in unknown:
        console.error(unknown_name("category", name, known))
    return 1 if unknown else status


def _answers_in(path: Path) -> list[Path]:
    """The answers in a folder and below; a file is one itself, and an empty folder stays, so that it is reported."""
    return sorted(path.rglob("*.json")) or [path]


@contextmanager
def _naming(answer: Path) -> Iterator[None]:
    """Name the answer in every error about it."""
    try:
        yield
    except DminError as error:
        raise DataError(f"{answer}: {error}") from error


def _video_of(events: Events, answer: Path, videos: Path | None) -> Path:
    """Find the video of an answer: where it was, or beside the answer; in a folder of videos, if one is given."""
    path = Path(events.video)
    name = re.split(r"[/\\]", events.video)[-1]  # the answer may come from another system
    places = [path, answer.parent / path, answer.parent / name]
    if videos is not None:
        places = [] if path.is_absolute() else [videos / path]
        places.append(videos / name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        tried = ", ".join(dict.fromkeys(map(str, places)))
        raise DataError(f"its video is not at {tried}: name its folder by --videos")
    return found
