"""Errors of worker processes; that a killed one takes only its item along is tested where videos are extracted."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from functools import partial

import pytest

from dmin.errors import DataError, DminError
from dmin.features.workers import Died, in_processes


def worker(start: str = "well"):
    """What each process calls first; it must be importable, hence here."""
    if start == "not":
        os._exit(3)
    return work


def work(item: int) -> int:
    raise DataError("disk full")


def test_words_for_a_death() -> None:
    assert "perhaps memory ran out; try fewer workers" in str(Died(-signal.SIGKILL))
    assert str(Died(1)) == "the worker process died (exit code 1)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("well", "disk full"),
        ("not", r"ended before it began \(exit code 3\): use workers=1, or, in a script"),
    ],
)
def test_errors_are_raised_here(start: str, message: str) -> None:
    with pytest.raises(DminError, match=message), closing(in_processes(partial(worker, start), [99], 1)) as results:
        list(results)


def test_nothing_to_do() -> None:
    assert list(in_processes(worker, [], workers=2)) == []
