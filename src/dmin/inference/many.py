"""Events of many videos, in one process or in several; a bad one never stops the rest."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dmin.errors import DataError, DminError
from dmin.features.workers import on_this_machine
from dmin.inference.options import Options

if TYPE_CHECKING:
    from dmin.inference.localizer import Localizer
    from dmin.results.events import Events


def answers_of(
    localizer: Localizer, videos: Iterable[str | Path], workers: int, video_seconds: float, options: Options
) -> Generator[tuple[str | Path, Events | DminError]]:
    """Answer for videos; `Localizer.many` says what the arguments are."""
    if workers < 1:
        raise DataError(f"workers is {workers}: must be at least 1")
    engine = on_this_machine(workers, video_seconds)
    with closing(engine.apply(partial(_ready, partial(_answer, localizer, options)), videos)) as answers:
        yield from answers


def _answer(localizer: Localizer, options: Options, video: str | Path) -> Events | DminError:
    try:
        return localizer(video, **options)
    except DminError as error:
        return error
    except Exception as error:  # a video may break a decoder in ways that nobody has foreseen
        return DminError(f"{video}: {type(error).__name__}: {error}")


def _ready(
    answer: Callable[[str | Path], Events | DminError],
) -> Callable[[str | Path], Events | DminError]:
    """Give a worker its function; nothing is left to load."""
    return answer
