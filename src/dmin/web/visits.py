"""Shared by the tabs: uploads are looked through before work on them, and errors become messages."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from dmin.errors import DminError, MediaError
from dmin.media import Recording
from dmin.progress import Progress
from dmin.web.settings import ServeSettings


def opened(path: str | None, what: str, settings: ServeSettings, *, keeps_footage: bool = False) -> Recording:
    """Look through an upload.

    Args:
        path: Where the page put it; None if there is none.
        what: Its name, as in "drop a video first".
        settings: With the longest duration.
        keeps_footage: Keep what a picture of it needs.

    Raises:
        DminError: There is none, it cannot be read, or it is too long.
    """
    if path is None:
        raise DminError(f"drop {what} first")
    recording = Recording(path, keeps_footage=keeps_footage)
    minutes = recording.info.duration_seconds / 60
    if minutes > settings.max_minutes:
        raise MediaError(
            f"{recording.path.name} lasts {minutes:.1f} minutes: this page takes up to {settings.max_minutes:g}, and "
            "the command dmin localize any length"
        )
    return recording


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Show an error to its visitor alone, without the names of the server's folders."""
    try:
        yield
    except Exception as error:  # whatever a broken file provokes, the next visitor must not feel it
        words = str(error) if isinstance(error, DminError) else f"{type(error).__name__}: {error}"
        words = re.sub(rf"{re.escape(get_upload_folder())}\S*{re.escape(os.sep)}", "", words)
        raise gr.Error(words, duration=None, print_exception=not isinstance(error, DminError)) from error


_STEPS = {"localize": "Watching and listening", "search": "Looking through", "cut": "Cutting"}
_left: set[str] = set()
"""Visitors who closed the page."""


def leave(request: gr.Request) -> None:
    """Note that a visitor has closed the page: the work for it ends at its next report."""
    _left.add(str(request.session_hash))


def shown_by(progress: gr.Progress, request: gr.Request, expected: float) -> Progress:
    """A callback for long work that moves the page's progress bar.

    Args:
        progress: The page's.
        request: The visitor's.
        expected: Number of seconds, or of whatever else is counted, where the work does not tell it.
    """

    def report(step: str, completed: int, total: int | None) -> None:
        if request.session_hash in _left:
            raise DminError("the visitor has closed the page")
        whole = total or max(1, round(expected))
        progress((min(completed, whole), whole), desc=_STEPS.get(step, step), unit="")

    return report


def new_file(name: str) -> Path:
    """A place for an answer, in a new folder, so that no visitor meets another's."""
    return Path(tempfile.mkdtemp(dir=get_upload_folder())) / name
