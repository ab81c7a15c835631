"""Work in several processes, of which each may die or hang without taking the others along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar

import torch
from pebble import ProcessExpired, ProcessPool

from dmin import plugins
from dmin.errors import DminError
from dmin.features.memory import keep_freed_memory

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerError(DminError):
    """Worker processes cannot be started."""


class Lost(DminError):  # noqa: N818  # yielded, not raised
    """An item has no result, as its process was killed or took too long."""


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    make: Callable[[], Callable[[Item], Result]],
    items: Iterable[Item],
    workers: int,
    item_seconds: float | None = None,
) -> Generator[tuple[Item, Result | Lost]]:
    """Apply a function to items in several processes, in whatever order they finish.

    Warnings for users (`UserWarning`) that the function gives are given here.

    Args:
        make: Called once in each process: returns the function, after loading whatever it needs. Must be picklable.
        items: Picklable inputs.
        workers: Number of processes; the machine's cores are divided among them.
        item_seconds: Most time that an item may take; a process that takes longer is killed. None sets no limit.

    Yields:
        Each item with its result, or with `Lost` if its process was killed or took too long.

    Raises:
        WorkerError: A process dies before it takes its first item.
        Exception: What ``make`` or the function raises, as it is; all processes are stopped.
    """
    items = iter(items)
    others = set(multiprocessing.active_children())
    # Spawned, not forked: a forked process inherits the threads' locks of torch and FFmpeg, and hangs.
    pool = ProcessPool(
        workers,
        initializer=_begin,
        initargs=(make, workers, tuple(plugins.loaded)),
        context=multiprocessing.get_context("spawn"),
    )
    with interrupts_held():
        pool.active  # starts its threads and processes, which inherit the mask  # noqa: B018
    pending: dict[Future[Any], Item] = {}
    try:
        while True:
            # Two for each process, so that none waits; not all at once, as there may be a million.
            for item in islice(items, 2 * workers - len(pending)):
                pending[pool.schedule(_work, (item,), timeout=item_seconds)] = item
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), _result(future, item_seconds)
    finally:
        pool.stop()  # type: ignore[no-untyped-call]  # the library is not typed here
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()  # before `join` takes the locks away, which a worker that still imports would miss
        pool.join()


def _result(future: Future[Any], item_seconds: float | None) -> Any:
    try:
        result, messages = future.result()
    except ProcessExpired as error:
        if error.exitcode == -signal.SIGKILL:
            return Lost("the worker process was killed: perhaps memory ran out; try fewer workers")
        return Lost(f"the worker process died (exit code {error.exitcode})")
    except TimeoutError:
        return Lost(f"it took longer than {item_seconds:g} s and was stopped: allow more (--item-timeout)")
    except BrokenProcessPool as error:
        raise WorkerError(
            "the worker processes ended before they began: use workers=1, or, in a script, put the call under "
            '`if __name__ == "__main__":`, which new processes need'
        ) from error
    for message in messages:
        warnings.warn(message, stacklevel=3)
    return result


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, not even while they import: the parent gets it too, and decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_function: Callable[[Any], Any]
"""In a worker: the function that it applies."""


def _begin(make: Callable[[], Callable[[Any], Any]], workers: int, files: Sequence[Path]) -> None:
    """Begin the life of a worker, one of several; what goes wrong in it is raised by its first item."""
    global _function  # what a process holds for all its items
    torch.set_num_threads(max(1, cores() // workers))
    keep_freed_memory()
    try:
        for file in files:
            plugins.load_plugin(file)
        _function = make()
    except Exception as error:
        _function = partial(_raise, error)
    signal.signal(signal.SIGTERM, _end)


def _end(*_: object) -> None:
    """End a worker by an exception, so that half-written files are cleaned up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping a pool asks twice
    sys.exit(1)


def _raise(error: Exception, item: Any) -> None:
    raise error


def _work(item: Any) -> tuple[Any, list[str]]:
    """The result of an item, and the warnings on the way to it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = _function(item)
    return result, [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
