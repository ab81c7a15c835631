"""`dmin match`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeFloat

from dmin.cli.console import Console
from dmin.cli.options import add_device, add_remote_code, add_revision, refuse_missing
from dmin.errors import DminError

HELP = """Find a sound in a video's picture, or a picture in a sound: where do these seconds belong?
The model decides which way: train one with `dmin train STORE --preset a2v-small` or v2a-small.
Writes STEM.json and STEM.png (the query, what was searched, the score of each place) for each query, and prints the
best three places. Example: dmin match bark.wav --in holiday.mp4 --model runs/a2v --out matches"""
STOPPED = "finished answers are kept; the same command finds all of them again"
_BEST = 3


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("queries", nargs="+", type=str, help="sounds or videos (a2v), or videos (v2a)")
    parser.add_argument("--in", dest="inside", type=str, required=True, help="the video (v2a: or sound) to search")
    parser.add_argument("--model", type=str, required=True, help="a folder of `dmin train`, or a hub id")
    add_revision(parser)
    add_remote_code(parser)
    parser.add_argument(
        "--start", type=NonNegativeFloat, default=0.0, help="second at which the query starts in its recording"
    )
    parser.add_argument(
        "--end", type=NonNegativeFloat | None, default=None, help="second at which it ends; default: the end"
    )
    parser.add_argument("--out", type=Path, default=Path("matches"), help="folder of the answers")
    parser.add_argument("--no-picture", action="store_true", help="leave the picture out")
    add_device(parser)


def check(args: Namespace) -> None:
    """Refuse a query that ends before it starts, and files that do not exist."""
    if args.end is not None and args.end <= args.start:
        raise DminError(f"--end is {args.end:g} and --start {args.start:g}: a query must end after its start")
    refuse_missing(*args.queries)
    refuse_missing(args.inside)


def run(args: Namespace, console: Console) -> int:
    """Find every query; a bad one never stops the rest."""
    from dmin.cli.answers import answer_each, make_folder, names_of
    from dmin.inference import Matcher

    queries = [Path(query) for query in args.queries]
    names = names_of(queries)
    matcher = Matcher.from_pretrained(args.model, device=args.device, revision=args.revision)
    console.note(matcher.about)
    make_folder(args.out)
    with console.progress() as progress:
        inside = matcher.open(args.inside, progress)
    endings = ("json",) if args.no_picture else ("json", "png")

    def find(query: Path) -> list[str]:
        match = matcher(query, inside=inside, start_seconds=args.start, end_seconds=args.end)
        write = {"json": match.to_json, "png": match.plot}
        for ending in endings:
            write[ending](args.out / f"{names[query]}.{ending}")
        files = ", .".join(endings)
        lines = [f"{query}: {match.query_seconds} s in {match.inside} -> {args.out / names[query]}.{files}"]
        for window in match.best(_BEST):
            end = min(window.start_seconds + match.query_seconds, match.duration_seconds)
            lines.append(f"  {window.start_seconds:7.1f} to {end:7.1f} s  {window.score:.2f}")
        return lines

    return answer_each(queries, find, "queries", console)
