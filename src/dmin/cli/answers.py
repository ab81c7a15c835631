"""Output names and error handling shared by `dmin localize` and `dmin match`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dmin.cli.console import Console, described
from dmin.errors import DataError, DminError
from dmin.features.sources import VIDEO_SUFFIXES, videos_below, videos_in
from dmin.features.workers import Engine, Lost
from dmin.progress import Progress


def videos_of(words: Sequence[str]) -> list[Path]:
    """List the files to answer for, each once: a folder is replaced by the videos in it and below.

    A folder without videos stays in the list, so that `refuse_folder` can report it.
    """
    first: dict[Path, Path] = {}
    for path in map(Path, words):
        for file in (videos_below(path) if path.is_dir() else []) or [path]:
            first.setdefault(file.resolve(), file)
    return list(first.values())


def names_of(files: Sequence[Path]) -> dict[Path, Path]:
    """Name the answers of each file: its stem, below the file's own folder's name where several files share the stem.

    Example:
        >>> names = names_of([Path("a/dog.mp4"), Path("b/dog.mov"), Path("b/cat.mp4")])
        >>> [name.as_posix() for name in names.values()]
        ['a/dog', 'b/dog', 'cat']
    """
    places = {file: file.parent.resolve() / file.name for file in files}
    names = {place: Path(place.stem) for place in places.values()}
    depth = 0
    deepest = max((len(place.parts) for place in places.values()), default=0)
    while (alike := _alike(names.values())) and depth <= deepest:
        depth += 1
        for place in names:
            if _folded(names[place]) in alike:
                stems = [other.stem.casefold() for other in names if other.parent == place.parent]
                name = place.stem if stems.count(place.stem.casefold()) == 1 else place.name
                names[place] = Path(*place.parent.parts[1:][-depth:], name)
    for place, found in names.items():
        if _folded(found) in alike:  # their paths differ in case alone
            names[place] = found.with_name(f"{found.name}-{hashlib.sha256(bytes(place)).hexdigest()[:6]}")
    return {file: names[place] for file, place in places.items()}


def _alike(names: Iterable[Path]) -> set[str]:
    """Names that occur more than once. Case is ignored, as some file systems do."""
    return {name for name, count in Counter(map(_folded, names)).items() if count > 1}


def _folded(name: Path) -> str:
    return str(name).casefold()


def make_folder(folder: Path) -> None:
    """Make the folder of the answers.

    Raises:
        DminError: It cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DminError(f"cannot create the folder {folder}: {error.strerror}") from error


Answer = Callable[[Path], list[str]]
"""Answers for a file, and gives the lines to print."""


def answer_each(files: Sequence[Path], answer: Answer, kind: str, console: Console) -> int:
    """Answer for every file; a bad one never stops the rest, and at the end they are summed up.

    Returns:
        Exit status: 0 only if there is an answer for each.
    """
    failures: list[str] = []
    for file in files:
        try:
            lines = answer(file)
        except Exception as error:  # a file may break a decoder in ways that nobody has foreseen
            if console.interrupted:
                raise KeyboardInterrupt from error
            console.error(_sentence(file, error))
            failures.append(str(file))
            continue
        for line in lines:
            console.result(line)
    return _sum_up(failures, len(files), kind, console)


@dataclass(frozen=True)
class _InWorker:
    """Answers in a process of its own, where nothing is printed: gives the lines, or what went wrong."""

    answer: Answer

    def __call__(self, file: Path) -> list[str] | str:
        try:
            return self.answer(file)
        except Exception as error:  # as in `answer_each`
            return _sentence(file, error)


def _in_worker(make: Callable[[], Answer]) -> _InWorker:
    return _InWorker(make())


def answer_by(engine: Engine, files: Sequence[Path], make: Callable[[], Answer], kind: str, console: Console) -> int:
    """Do what `answer_each` does in other processes, in whatever order they finish.

    Args:
        engine: Does it.
        files: The files.
        make: Called once in each process; picklable.
        kind: What they are, for the summary.
        console: Where to print.
    """
    failures: list[str] = []
    with console.progress() as progress, closing(engine.apply(partial(_in_worker, make), files)) as outcomes:
        for done, (file, outcome) in enumerate(outcomes, start=1):
            if isinstance(outcome, list):
                for line in outcome:
                    console.result(line)
            else:
                console.error(f"{file}: {outcome}" if isinstance(outcome, Lost) else outcome)
                failures.append(str(file))
            progress(kind, done, len(files))
    return _sum_up(failures, len(files), kind, console)


def _sentence(file: Path, error: Exception) -> str:
    return str(error) if isinstance(error, DminError) else f"{file}: {described(error)}"


def _sum_up(failures: Sequence[str], total: int, kind: str, console: Console) -> int:
    if failures and total > 1:
        console.error(f"{len(failures)} of {total} {kind} failed: {', '.join(failures)}")
    return 1 if failures else 0


def refuse_folder(path: Path) -> None:
    """Report a folder that `videos_of` left in the list.

    Raises:
        DataError: It cannot be read, or holds no video.
    """
    if path.is_dir():
        videos_in(path)
        raise DataError(f"{path} has no video in it or below: known suffixes are {', '.join(VIDEO_SUFFIXES)}")


def out_of(seconds: int, progress: Progress) -> Progress:
    """The same progress, towards a known end: a stream of features does not know how long its video is."""
    return lambda step, completed, _: progress(step, completed, seconds)
