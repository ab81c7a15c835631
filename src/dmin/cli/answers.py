"""What commands share that answer for one file after the other: names of the answers, and bad files among good ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dmin.cli.console import Console, described
from dmin.errors import DminError
from dmin.progress import Progress


def stems_of(files: Sequence[Path], kind: str, verb: str) -> dict[Path, str]:
    """Name of each file's answers; two files of one name would overwrite each other.

    Raises:
        DminError: Two of them have one name.

    Example:
        >>> stems_of([Path("a/dog.mp4")], "videos", "localize")[Path("a/dog.mp4")]
        'dog'
    """
    stems: dict[Path, str] = {}
    for file in files:
        if file.stem in stems.values() and file not in stems:
            raise DminError(f"two {kind} are named {file.stem}: {verb} them into different --out folders")
        stems[file] = file.stem
    return stems


def make_folder(folder: Path) -> None:
    """Make the folder of the answers.

    Raises:
        DminError: It cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DminError(f"cannot create the folder {folder}: {error.strerror}") from error


def answer_each(files: Sequence[Path], answer: Callable[[Path], None], kind: str, console: Console) -> int:
    """Answer for every file; a bad one never stops the rest, and at the end they are summed up.

    Returns:
        Exit status: 0 only if there is an answer for each.
    """
    failures: list[str] = []
    for file in files:
        try:
            answer(file)
        except Exception as error:  # a file may break a decoder in ways that nobody has foreseen
            console.error(str(error) if isinstance(error, DminError) else f"{file}: {described(error)}")
            failures.append(str(file))
    if failures:
        console.error(f"{len(failures)} of {len(files)} {kind} failed: {', '.join(failures)}")
    return 1 if failures else 0


def out_of(seconds: int, progress: Progress) -> Progress:
    """The same progress, towards a known end: a stream of features does not know how long its video is."""
    return lambda step, completed, _: progress(step, completed, seconds)
