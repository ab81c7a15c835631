"""Connections to Ray, which keep its notes off the terminal."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dmin.errors import require
from dmin.features.workers import WorkerError, cores

_STORE_BYTES = 256 * 2**20
"""Of Ray's store of objects, if it is started here: paths and messages are all that it holds."""
_KNOCK_SECONDS = 10.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would send what it does to its makers
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",  # notes of its daemons, which it would print among results
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}
"""For the environment before Ray is imported; what is set there already stays. Ray's own log files say it all."""


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start a Ray, unless this process is connected already.

    Args:
        address: Of a cluster; by default it is taken from $RAY_ADDRESS, and if that is not set, a Ray is started here.

    Raises:
        WorkerError: There is no cluster.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    own = {"num_cpus": cores(), "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    options = own if address == "local" else {}
    try:
        _knock(address)
        with _hushed():
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise WorkerError(
            f"no Ray cluster at {address!r} ({last_line(error)}): start one by `ray start --head`, or leave the "
            "address out for a Ray on this machine"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Find out in seconds that nobody is there; Ray takes minutes.

    Raises:
        OSError: Nobody is.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS).close()


@contextmanager
def _hushed() -> Iterator[None]:
    """Drop what compiled code writes to stderr: Ray's announces there that it will be quiet."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def import_ray() -> Any:
    """The module, told to be quiet.

    Raises:
        MissingPackageError: It is not installed.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    ray: Any = require("ray", "ray")
    require("ray.data", "ray")  # brings packages that Ray alone does not
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return ray


def last_line(error: Exception) -> str:
    """The line that says it: those before it are of tracebacks."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
