"""The engine of many machines: Ray Data deals items out to workers, of which each has a process of its own for them.

A worker is a Ray actor that takes a core and, where there are GPUs, a share of one. It hands each item to a process
beside it, exactly as a pool on one machine does; so an item that hangs or kills its process costs itself, and is told
in the same words. Ray starts workers that are lost anew, and deals their items out again.

Items, results and what makes the function must be picklable. Every machine must see the files under the same paths.
"""

from __future__ import annotations

import os
import pickle
import platform
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dmin import plugins
from dmin.backbones.homes import is_code_trusted, trust_remote_code
from dmin.features.ray_connection import connected, import_ray, last_line
from dmin.features.workers import Killed, Lost, Processes, WorkerError, with_warnings

Item = TypeVar("Item")
Result = TypeVar("Result")

_WORKER_BYTES = 2 * 10**9
"""Memory that Ray keeps free for a worker: its process with the embedded backbones takes 1.5 GB at most."""
_WORKERS_A_GPU = 8
"""Most of them: decoding takes longer than the backbones do on a GPU."""
_ATTEMPTS = 3
"""Workers that an item may take along."""
_MOST_TASKS = 20_000
"""More items than these are dealt out several at a time: Ray keeps some kilobytes for each task."""


@dataclass(frozen=True)
class RayCluster:
    """The engine of a Ray cluster, or of a Ray that is started on this machine for the time of the work.

    Raises:
        MissingPackageError: Ray is not installed.

    Example::

        from dmin.features import extract
        from dmin.features.cluster import RayCluster

        extract("clips", "store", engine=RayCluster("auto"))
    """

    address: str | None = None
    """Of a running cluster: "auto" for the one that this machine belongs to, or HOST:PORT. By default it is taken from
    $RAY_ADDRESS; if that is not set, a Ray is started here."""
    workers: int | None = None
    """Most workers; by default as many as there are cores (or eighths of GPUs) with 2 GB of memory each."""
    item_seconds: float | None = None
    """Most time that an item may take; None sets no limit."""
    device: str = "auto"
    """Device that the work asks for: auto (the GPUs, if the cluster has any), cpu or cuda."""

    def __post_init__(self) -> None:
        import_ray()

    def apply(
        self, make: Callable[[], Callable[[Item], Result]], items: Sequence[Item]
    ) -> Generator[tuple[Item, Result | Lost]]:
        """See `dmin.features.workers.Engine`."""
        if not items:
            return
        ray = import_ray()
        with connected(self.address):
            try:
                with closing(self._outcomes(make, items)) as outcomes:
                    for index, outcome, messages in outcomes:
                        for message in messages:
                            warnings.warn(message, stacklevel=2)
                        if isinstance(outcome, _Raised):
                            raise outcome.error
                        yield items[index], outcome
            except ray.exceptions.RayError as error:
                raise WorkerError(f"Ray has given up: {last_line(error)}") from error

    def _outcomes(
        self, make: Callable[[], Callable[[Any], Any]], items: Sequence[Any]
    ) -> Generator[tuple[int, Any, list[str]]]:
        """Place, outcome and warnings of each item, as they come."""
        ray = import_ray()
        room = Room.of([node["Resources"] for node in ray.nodes() if node["Alive"]], self.device)
        rows = [{"index": index, "item": pickle.dumps(item)} for index, item in enumerate(items)]
        tasks = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_TASKS))
        start = _Start(make, self.item_seconds, Path.cwd(), tuple(plugins.loaded), is_code_trusted())
        done = tasks.map(
            _Worker,
            fn_constructor_args=(start, ray.remote(num_cpus=0)(_Attempts).remote()),
            # A single task each: a worker that is at work on an hour of video must not have another one in its queue.
            compute=ray.data.ActorPoolStrategy(
                size=min(self.workers or room.workers, room.workers, len(rows)), max_tasks_in_flight_per_actor=1
            ),
            num_cpus=1,
            num_gpus=room.gpus_each or None,
            memory=_WORKER_BYTES,
        )
        for batch in done.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow"):
            for row in batch.to_pylist():
                yield row["index"], *pickle.loads(row["outcome"])


@dataclass(frozen=True)
class Room:
    """Room for workers in a cluster.

    Example:
        >>> Room.of([{"CPU": 32.0, "GPU": 4.0, "memory": 2e11}, {"CPU": 16.0, "memory": 1e11}], "auto")
        Room(workers=32, gpus_each=0.125)
    """

    workers: int
    gpus_each: float
    """Share of a GPU that each of them takes; 0 for the CPU alone."""

    @classmethod
    def of(cls, machines: Sequence[Mapping[str, float]], device: str) -> Room:
        """Count it.

        Args:
            machines: Of each what Ray calls its resources: CPU, GPU, and memory in bytes.
            device: As for `RayCluster`.

        Raises:
            WorkerError: There is none.
        """
        places = [int(min(machine.get("CPU", 0), machine.get("memory", 0) // _WORKER_BYTES)) for machine in machines]
        gpus = [int(machine.get("GPU", 0)) for machine in machines]
        if device.startswith("cuda") and not any(gpus):
            raise WorkerError(f"device is {device!r}, but no machine of the Ray cluster has a GPU: give auto or cpu")
        share = 0.0
        if any(gpus) and device not in ("cpu", "mps"):
            there = [place // count for place, count in zip(places, gpus, strict=True) if count]
            each = max(1, min(*there, _WORKERS_A_GPU))
            places = [min(place, count * each) for place, count in zip(places, gpus, strict=True)]
            share = 10_000 // each / 10_000  # Ray counts in these steps
        if not sum(places):
            raise WorkerError("no machine of the Ray cluster has room for a worker: a core and 2 GB of memory")
        return cls(sum(places), share)


@dataclass(frozen=True)
class _Start:
    """Facts that a worker needs before its first item."""

    make: Callable[[], Callable[[Any], Any]]
    item_seconds: float | None
    folder: Path
    """The current folder, from which paths are relative."""
    plugins: tuple[Path, ...]
    is_code_trusted: bool


@dataclass(frozen=True)
class _Raised:
    """An error that is to be raised in the process that asked for the work."""

    error: Exception


class _Worker:
    """Hands items to a process of its own; what goes wrong with that, or in it, is an outcome, too.

    Args:
        start: Facts.
        attempts: An actor of `_Attempts`, which all workers share.
    """

    def __init__(self, start: _Start, attempts: Any) -> None:
        self._start = start
        self._attempts = attempts
        self._processes: Processes | None = None

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Do one item: index and pickled item -> index and pickled outcome, with its warnings."""
        index = row["index"]
        try:
            outcome, messages = with_warnings(self._outcome, row)
        except Exception as error:
            outcome, messages = _Raised(error), []
        return {"index": index, "outcome": pickle.dumps((outcome, messages))}

    def _outcome(self, row: Mapping[str, Any]) -> Any:
        ray = import_ray()
        if ray.get(self._attempts.begin.remote(row["index"])) > _ATTEMPTS:
            return Lost(f"its worker was lost {_ATTEMPTS} times: perhaps memory ran out; try fewer workers")
        item, processes = pickle.loads(row["item"]), self._begun()
        outcome = processes.result(processes.begin(item))
        if isinstance(outcome, Killed):  # perhaps it was not the item's fault
            outcome = processes.result(processes.begin(item))
        self._attempts.end.remote(row["index"])
        return outcome

    def _begun(self) -> Processes:
        if self._processes is None:
            if not self._start.folder.is_dir():
                raise WorkerError(
                    f"{platform.node()} has no folder {self._start.folder}: all machines of the cluster must see "
                    "the current folder, the videos and the answers under the same paths"
                )
            os.chdir(self._start.folder)
            for file in self._start.plugins:
                plugins.load_plugin(file)
            if self._start.is_code_trusted:
                trust_remote_code()
            self._processes = Processes(self._start.make, 1, 1, self._start.item_seconds).__enter__()
        return self._processes


class _Attempts:
    """Counts how often work on an item was begun and did not end, because its worker was lost."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, index: int) -> int:
        """Number of times, this one included."""
        self._begun[index] += 1
        return self._begun[index]

    def end(self, index: int) -> None:
        """Forget the item."""
        del self._begun[index]
