"""Callbacks by which long work reports its progress. The library prints nothing; the command line draws the bar."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on: ``progress("extract", 3, 120)`` says that 3 of 120 videos are done."""

    def __call__(self, step: str, completed: int, total: int | None) -> None:
        """Take note of ``completed`` out of ``total`` (None where nobody knows) for a named step."""


def silent(step: str, completed: int, total: int | None) -> None:
    """Ignore all reports; the default everywhere."""
