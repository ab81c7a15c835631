"""Engines that apply a function to many items: this process, or several, of which each may die or hang.

`dmin.features.cluster` has another, for many machines.
"""

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
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import resource_tracker
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, TypeVar

import torch
from pebble import ProcessExpired, ProcessPool

from dmin import plugins
from dmin.errors import DminError
from dmin.features.memory import keep_freed_memory
from dmin.media.pictures import decode_on

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerError(DminError):
    """Worker processes cannot be started."""


class Lost(DminError):  # noqa: N818  # yielded, not raised
    """An item has no result, as its process was killed or took too long."""


class Killed(Lost):
    """An item has no result, as its process was killed."""


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(Protocol):
    """Applies a function to many items."""

    def apply(
        self, make: Callable[[], Callable[[Item], Result]], items: Sequence[Item]
    ) -> Generator[tuple[Item, Result | Lost]]:
        """Apply a function, and give the results in whatever order they are finished.

        Warnings for users (`UserWarning`) that the function gives are given here.

        Args:
            make: Called once in each process: returns the function, after loading whatever it needs. Must be picklable
                where other processes do the work, as the items and results must.
            items: Inputs.

        Yields:
            Each item with its result, or with `Lost` if it has none.

        Raises:
            WorkerError: The engine cannot be started.
            Exception: What ``make`` or the function raises, as it is; all work is stopped.
        """


@dataclass(frozen=True)
class Here:
    """The engine that is this process itself."""

    def apply(
        self, make: Callable[[], Callable[[Item], Result]], items: Iterable[Item]
    ) -> Generator[tuple[Item, Result | Lost]]:
        """See `Engine`. No item is lost: if this process dies, all ends."""
        function: Callable[[Item], Result] | None = None
        for item in items:
            function = function or make()  # not before the first item: loading takes seconds
            yield item, function(item)


@dataclass(frozen=True)
class Pool:
    """The engine of several processes on this machine."""

    workers: int
    """Number of processes; the machine's cores are divided among them."""
    item_seconds: float | None = None
    """Most time that an item may take; a process that takes longer is killed. None sets no limit."""

    def apply(
        self, make: Callable[[], Callable[[Item], Result]], items: Iterable[Item]
    ) -> Generator[tuple[Item, Result | Lost]]:
        """See `Engine`; an item whose process is killed or takes too long is lost."""
        items = iter(items)
        pending: dict[Future[Any], Item] = {}
        with Processes(make, self.workers, max(1, cores() // self.workers), self.item_seconds) as processes:
            while True:
                # Two for each process, so that none waits; not all at once, as there may be a million.
                for item in islice(items, 2 * self.workers - len(pending)):
                    pending[processes.begin(item)] = item
                if not pending:
                    return
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(future), processes.result(future)


def on_this_machine(workers: int, item_seconds: float | None = None) -> Here | Pool:
    """The engine for a number of processes: this one, or a pool."""
    return Here() if workers <= 1 else Pool(workers, item_seconds)


class Processes:
    """Running processes that apply a function to items.

    Args:
        make: As for `Engine.apply`.
        count: Number of processes.
        threads: Of each of them.
        item_seconds: As for `Pool`.
    """

    def __init__(
        self, make: Callable[[], Callable[[Any], Any]], count: int, threads: int, item_seconds: float | None = None
    ) -> None:
        self._item_seconds = item_seconds
        self._others = set(multiprocessing.active_children())
        # Spawned, not forked: a forked process inherits the threads' locks of torch and FFmpeg, and hangs.
        self._pool = ProcessPool(
            count,
            initializer=_begin,
            initargs=(make, threads, tuple(plugins.loaded)),
            context=multiprocessing.get_context("spawn"),
        )

    def __enter__(self) -> Processes:
        with interrupts_held():
            self._pool.active  # starts its threads and processes, which inherit the mask  # noqa: B018
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]  # the library is not typed here
        for process in set(multiprocessing.active_children()) - self._others:
            process.terminate()  # before `join` takes the locks away, which a worker that still imports would miss
        self._pool.join()

    def begin(self, item: Any) -> Future[Any]:
        """Hand an item to the next process that is free."""
        return self._pool.schedule(_work, (item,), timeout=self._item_seconds)

    def result(self, future: Future[Any]) -> Any:
        """Wait for the result of an item that was begun; see `Engine.apply`."""
        try:
            result, messages = future.result()
        except ProcessExpired as error:
            if error.exitcode == -signal.SIGKILL:
                return Killed("the worker process was killed: perhaps memory ran out; try fewer workers")
            return Killed(f"the worker process died (exit code {error.exitcode})")
        except TimeoutError:
            return Lost(f"it took longer than {self._item_seconds:g} s and was stopped: allow more (--item-timeout)")
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


def _begin(make: Callable[[], Callable[[Any], Any]], threads: int, files: Sequence[Path]) -> None:
    """Begin the life of a worker; what goes wrong in it is raised by its first item."""
    global _function  # what a process holds for all its items
    torch.set_num_threads(threads)
    decode_on(threads)
    keep_freed_memory()
    try:
        for file in files:
            plugins.load_plugin(file)
        _function = make()
    except Exception as error:
        _function = partial(_raise, error)
    signal.signal(signal.SIGTERM, _end)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the parent was killed: nobody waits for the result any more, and another may be doing the same work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _end(*_: object) -> None:
    """End a worker by an exception, so that half-written files are cleaned up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping a pool asks twice
    sys.exit(1)


def _raise(error: Exception, item: Any) -> None:
    raise error


def _work(item: Any) -> tuple[Any, list[str]]:
    return with_warnings(_function, item)


def with_warnings(function: Callable[[Item], Result], item: Item) -> tuple[Result, list[str]]:
    """The result of an item, and the warnings for users on the way to it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(item)
    return result, [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
