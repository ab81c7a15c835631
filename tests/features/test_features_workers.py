"""Errors of worker processes; that a killed one takes only its item along is tested where videos are extracted."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from functools import partial

import pytest
import torch

from dmin.errors import DataError, DminError
from dmin.features.workers import Pool, cores
from dmin.media import pictures


def worker(start: str = "well"):
    """What each process calls first; it must be importable, hence here."""
    if start == "not":
        os._exit(3)
    return work


def work(item: float) -> float:
    if item < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 99:
        raise DataError("disk full")
    time.sleep(item)
    return item


@pytest.mark.slow
def test_killed_and_hung_workers_cost_their_items_only() -> None:
    with closing(Pool(2, item_seconds=5).apply(worker, [0.0, -1.0, 60.0, 0.1, 0.2])) as results:
        outcomes = dict(results)
    assert [outcomes[item] for item in (0.0, 0.1, 0.2)] == [0.0, 0.1, 0.2]
    assert "perhaps memory ran out; try fewer workers" in str(outcomes[-1.0])
    assert str(outcomes[60.0]) == "it took longer than 5 s and was stopped: allow more (--item-timeout)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "message"),
    [("well", "disk full"), ("not", "ended before they began: use workers=1, or, in a script")],
)
def test_errors_are_raised_here(start: str, message: str) -> None:
    with pytest.raises(DminError, match=message), closing(Pool(1).apply(partial(worker, start), [99])) as results:
        list(results)


def sharing():
    """Called first by each process, to tell how many threads it has."""
    return lambda item: (torch.get_num_threads(), pictures._threads)


@pytest.mark.slow
def test_the_cores_are_divided_among_networks_and_decoders_alike() -> None:
    with closing(Pool(cores()).apply(sharing, ["any"])) as results:
        assert dict(results) == {"any": (1, 1)}


def test_nothing_to_do() -> None:
    assert list(Pool(2).apply(worker, [])) == []
