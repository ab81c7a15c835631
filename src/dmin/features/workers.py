"""Work in several processes, of which each may die without taking the others along.

`concurrent.futures` gives up on all work when one process is killed; here only the item it had in hand is lost.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from dmin.errors import DminError

Item = TypeVar("Item")
Result = TypeVar("Result")
_GRACE_SECONDS = 3.0
"""Given to processes to clean up after themselves when all work is stopped."""


class WorkerError(DminError):
    """Worker processes cannot be started."""


@dataclass(frozen=True)
class Died:
    """Result of an item whose process was killed."""

    exit_code: int | None
    """Negative: the signal that killed it."""

    def __str__(self) -> str:
        if self.exit_code == -signal.SIGKILL:
            return "the worker process was killed: perhaps memory ran out; try fewer workers"
        return f"the worker process died (exit code {self.exit_code})"


@dataclass
class _Worker(Generic[Item]):
    process: SpawnProcess
    connection: Connection
    item: Item | None = None
    """The item being worked on; None while the process starts."""


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    make: Callable[[], Callable[[Item], Result]], items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result | Died]]:
    """Apply a function to items in several processes, in whatever order they finish.

    Args:
        make: Called once in each process: returns the function, after loading whatever it needs. Must be picklable.
        items: Picklable inputs, none of them None.
        workers: Number of processes.

    Yields:
        Each item with its result, or with `Died` if its process was killed over it.

    Raises:
        WorkerError: A process dies before it takes its first item.
        Exception: What ``make`` or the function raises, as it is; all processes are stopped.
    """
    queue = deque(items)
    pool: list[_Worker[Item]] = []
    try:
        while queue or any(worker.item is not None for worker in pool):
            while queue and len(pool) < workers:
                pool.append(_start(make))
            ready = wait([worker.connection for worker in pool])
            for worker in [worker for worker in pool if worker.connection in ready]:
                item, worker.item = worker.item, None
                try:
                    message = worker.connection.recv()
                except (EOFError, OSError):
                    pool.remove(worker)
                    yield from _death(worker, item)
                    continue
                if isinstance(message, Exception):
                    raise message
                if queue:
                    _give(worker, queue)
                if item is not None:
                    yield item, message
    finally:
        for worker in pool:
            worker.connection.close()
            worker.process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for worker in pool:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            worker.process.kill()


def _start(make: Callable[[], Callable[[Item], Result]]) -> _Worker[Item]:
    # Spawned, not forked: a forked process inherits the threads' locks of torch and FFmpeg, and hangs.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make), daemon=True)
    with _interrupts_held():
        process.start()
    theirs.close()  # so that its death closes the pipe
    return _Worker(process, ours)


@contextmanager
def _interrupts_held() -> Iterator[None]:
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


def _give(worker: _Worker[Item], queue: deque[Item]) -> None:
    try:
        worker.connection.send(queue[0])
    except OSError:
        return  # it has just died between two items: the closed pipe will say so
    worker.item = queue.popleft()


def _death(worker: _Worker[Item], item: Item | None) -> Iterator[tuple[Item, Died]]:
    worker.connection.close()
    worker.process.join()
    if item is None:
        raise WorkerError(
            f"a worker process ended before it began (exit code {worker.process.exitcode}): use workers=1, or, "
            'in a script, put the call under `if __name__ == "__main__":`, which new processes need'
        )
    yield item, Died(worker.process.exitcode)


def _serve(connection: Connection, make: Callable[[], Callable[[Item], Result]]) -> None:
    """The life of a worker: say that it is ready, answer items, end when the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for systems without `pthread_sigmask`
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that half-written files are cleaned up
    try:
        function = make()
        connection.send(None)
        while True:
            connection.send(function(connection.recv()))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:  # the parent raises it
        connection.send(error)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is left to clean up: ending needs no exception
