"""`dmin localize`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import ClosedUnitInterval, NonNegativeFloat

import dmin
from dmin.cli.console import Console
from dmin.cli.options import (
    add_device,
    add_fast,
    add_remote_code,
    add_revision,
    add_shard,
    add_workers,
    cluster_of,
    refuse_missing,
)
from dmin.errors import DataError, DminError, ModelError
from dmin.results.events import dumps
from dmin.shard import Shard

if TYPE_CHECKING:
    from dmin.inference import Localizer
    from dmin.results.events import Events

HELP = """Find the events of videos: what is both heard and seen, second by second.
Writes STEM.json, STEM.csv and STEM.png (film strip, where the network looks, spectrogram, relevance, events) for each
video, and prints the events. A folder means all videos in it and below. Answers that are there already, of the same
file, model and settings, are kept. Example: dmin localize holiday.mp4 holidays/ --out events --formats csv,vtt,eaf
Instead of a model, labels in words will do, without any training (pip install 'dmin[hub]').
Example: dmin localize holiday.mp4 --labels "dog barking, church bell, someone speaking\""""
STOPPED = "finished answers are kept; the same command keeps them, too, and does the others"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "videos", nargs="+", type=str, help="video files, any format that FFmpeg reads, or folders of videos"
    )
    parser.add_argument("--out", type=Path, default=Path("events"), help="folder of the answers")
    parser.add_argument("--model", type=str, default="starter", help="starter, a folder of `dmin train`, or a hub id")
    add_revision(parser)
    _add_words(parser)
    add_remote_code(parser)
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
    add_fast(parser)
    add_workers(parser)
    add_shard(parser)
    add_device(parser)


def _add_words(parser: ArgumentParser) -> None:
    """Declare the flags of labels in words."""
    parser.add_argument(
        "--labels",
        type=str | None,
        default=None,
        help="instead of --model: events to find, in words, with commas between them",
    )
    for flag, (kind, words) in _OF_LABELS.items():
        parser.add_argument(flag, type=kind, default=None, help=f"with --labels: {words}")


_OF_LABELS: Mapping[str, tuple[Any, str]] = {
    "--visual": (str | None, "what sees, hf:OWNER/NAME or hf:FOLDER of CLIP's or SigLIP's kind; default: SigLIP 2"),
    "--audio": (str | None, "what hears, the same of CLAP's kind; default: CLAP"),
    "--rule": (str | None, "agreement, product or joint; default: agreement"),
    "--distractors": (str | None, "what they are compared with, in words; default: everyday things"),
    "--calibrate": (Path | None, "a data set of a few labelled clips, on which the floors are chosen"),
    "--save-model": (Path | None, "a folder to write the model to, for `dmin serve --models`, --model and others"),
}
"""Flags that go with --labels: their types and help."""


def check(args: Namespace) -> None:
    """Refuse videos of which none exists, flags that do not go together, and unknown rules and formats."""
    from dmin.results.formats import FORMATS

    refuse_missing(*args.videos)
    if args.labels is None:
        for flag in _OF_LABELS:
            if getattr(args, flag.removeprefix("--").replace("-", "_")) is not None:
                raise DataError(f"{flag} goes with --labels: give both, or leave it out")
    elif args.model != "starter" or args.revision is not None:
        raise DataError("got --labels and a model: give one of both")
    if args.rule is not None:
        from dmin.models.word_rules import RULES

        RULES[args.rule]
    if args.save_model is not None:
        _refuse_other_content(args.save_model)
    args.formats = [name for name in dict.fromkeys(args.formats.split(",")) if name not in ("", "json")]
    for name in args.formats:
        FORMATS[name]
    args.shard = Shard.read(args.shard)
    args.cluster = cluster_of(args)


def _refuse_other_content(folder: Path) -> None:
    """Refuse to write a model of words over anything but an older one.

    Raises:
        DataError: The folder is a file, or holds something else.
    """
    from dmin.models.pretrained import read_config
    from dmin.models.words import Words

    if folder.is_file():
        raise DataError(f"--save-model {folder} is a file: name a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    model = None
    with suppress(ModelError):
        model = read_config(folder)["model"]
    if model != Words.__name__:
        raise DataError(f"--save-model {folder} holds something else than a model of words: name a new folder")


def run(args: Namespace, console: Console) -> int:
    """Localize every video; a bad one never stops the rest."""
    from dmin.cli.answers import answer_by, answer_each, make_folder, names_of, videos_of
    from dmin.features.workers import Pool

    videos = videos_of(args.videos)
    words = None if args.labels is None else _words(args, console)
    names = names_of(videos)  # of all parts: no other may take the same
    begin = partial(_Localizing, args, names, localizer=words)
    videos = args.shard.part(videos)
    make_folder(args.out)
    engine = args.cluster
    if engine is None and (workers := min(args.workers or 1, len(videos))) > 1:
        engine = Pool(workers, args.item_timeout)
    if engine is not None:
        return answer_by(engine, videos, begin, "videos", console)
    localizing = begin(console)
    console.note(localizing.localizer.about)
    return answer_each(videos, localizing, "videos", console)


def _words(args: Namespace, console: Console) -> Localizer:
    """Make the localizer of --labels, calibrated and saved if that is asked for."""
    from dmin.inference import Localizer, calibrate_floors

    given = {name: getattr(args, name) for name in ("visual", "audio", "rule") if getattr(args, name) is not None}
    if args.distractors is not None:
        given["distractors"] = args.distractors.split(",")
    with console.logged(), console.progress() as progress:
        localizer = Localizer.from_labels(
            args.labels.split(","), device=args.device, fast=args.fast, progress=progress, **given
        )
        if args.calibrate is not None:
            console.note(str(calibrate_floors(localizer, args.calibrate, progress)))
    if args.save_model is not None:
        localizer.save_pretrained(args.save_model)
        console.note(f"model -> {args.save_model}")
    return localizer


class _Localizing:
    """Localizes one video after the other, in this process or in one of several.

    Args:
        args: Of the command.
        names: Names of answers by video, below the folder, without their endings.
        console: Where progress is shown; nowhere by default.
        localizer: If it is made already; otherwise the model of the command is loaded.
    """

    def __init__(
        self,
        args: Namespace,
        names: Mapping[Path, Path],
        console: Console | None = None,
        localizer: Localizer | None = None,
    ) -> None:
        from dmin.inference import Localizer
        from dmin.results.formats import FORMATS

        self.args, self.names = args, names
        self.localizer = localizer or Localizer.from_pretrained(args.model, args.device, args.revision, fast=args.fast)
        self.console = console or Console(quiet=True)
        self.formats = [FORMATS[name] for name in args.formats]
        self.suffixes = [".json", *(form.suffix for form in self.formats)] + [".png"] * (not args.no_picture)

    def __call__(self, video: Path) -> list[str]:
        """Write the answers of a video, unless they are there, and give what there is to print."""
        from dmin.cli.answers import refuse_folder

        refuse_folder(video)
        name = self.args.out / self.names[video]
        answers = {suffix: name.with_name(f"{name.name}{suffix}") for suffix in self.suffixes}
        origin = _origin(video, self.localizer, self.args)
        events = None if self.args.force else _current(answers, video, origin)
        there = " (there already)" if events is not None else ""
        if events is None:
            events = self._made(video, answers, origin)
        spans = ((f"{event.start_seconds:7.1f} to {event.end_seconds:7.1f} s", event) for event in events)
        return [
            f"{video}: {events.summary(self.args.min_seconds)}{there} -> {name}{', '.join(self.suffixes)}",
            *(f"  {span}  {event.category}  {event.score:.2f}" for span, event in spans),
        ]

    def _made(self, video: Path, answers: Mapping[str, Path], origin: Mapping[str, Any]) -> Events:
        from dmin.cli.answers import out_of
        from dmin.media import Recording
        from dmin.results import formats

        recording = Recording(video, keeps_footage=not self.args.no_picture)
        with self.console.progress() as progress:
            events = self.localizer(
                recording,
                threshold=self.args.threshold,
                min_seconds=self.args.min_seconds,
                missing_audio=self.args.missing_audio,
                progress=out_of(int(recording.info.duration_seconds + 0.5), progress),
            )
            if not self.args.no_picture:
                events.plot(answers[".png"])
            for form in self.formats:
                events.save(answers[form.suffix], form.name)
            # The JSON file comes last: once it is there, all are.
            formats.write(dumps({**events.to_dict(), "made_from": origin}), answers[".json"])
        return events


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
