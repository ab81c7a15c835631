"""Weights that are downloaded from their public homes at first use.

A file is written beside its place in the cache, goes on where it stopped, and is moved to its place only when its
checksum is right: nothing half or wrong can ever be loaded. Whoever has no network puts the file there by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from dmin.backbones.weights import cache_folder, check_digest, digest_of
from dmin.errors import ModelError
from dmin.progress import Progress, silent

TIMEOUT_SECONDS = 30.0
"""A server that is silent for so long has stopped."""
_PIECE_BYTES = 1 << 20
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Download:
    """A file of weights at its public home.

    Example:
        >>> Download("a.pth", "https://example.org/a.pth", "md5", "0" * 32, megabytes=1).path.name
        'a.pth'
    """

    name: str
    """File name in the cache."""
    url: str
    algorithm: Literal["sha256", "md5"]
    digest: str
    """Checksum, hexadecimal."""
    megabytes: int
    """Its size, for people."""

    @property
    def path(self) -> Path:
        """Path of the file, downloaded or not."""
        return cache_folder() / self.name

    def fetch(self, progress: Progress = silent) -> Path:
        """Path of the file, downloaded now if it is not there yet.

        Args:
            progress: Called with the step "download NAME (MB)", megabytes done and in all.

        Raises:
            ModelError: It cannot be had; the message says how to put it there by hand.
        """
        path = self.path
        if path.is_file():
            check_digest(path, self.algorithm, self.digest)
        else:
            self._download(path, progress)
        return path

    def _download(self, path: Path, progress: Progress) -> None:
        part = path.with_name(f"{path.name}.part")

        def report(done: int, total: int | None) -> None:
            progress(f"download {self.name} (MB)", done // _MEGABYTE, None if total is None else -(-total // _MEGABYTE))

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(path.with_name(f"{path.name}.lock")):
                if path.is_file():  # another process was faster
                    return
                started_before = part.is_file()
                _complete(self.url, part, report)
                if started_before and self._digest(part) != self.digest:  # its beginning was of another file
                    part.unlink()
                    _complete(self.url, part, report)
                if (found := self._digest(part)) != self.digest:
                    part.unlink()
                    raise ModelError(
                        f"{self.url} gave another file than expected ({self.algorithm} {found}): "
                        f"put the right one at {path} ({self.algorithm} {self.digest})"
                    )
                part.replace(path)
        except _StoppedError as error:
            raise ModelError(
                f"the weights {self.name} ({self.megabytes} MB) could not be downloaded from {self.url} ({error}): try "
                "again, which goes on where it stopped, or download that file where there is a network and put it at "
                f"{path} ({self.algorithm} {self.digest})"
            ) from error
        except OSError as error:
            raise ModelError(
                f"the weights {self.name} could not be kept as {path} ({error.strerror}): "
                "set DMIN_CACHE to a folder that can be written"
            ) from error

    def _digest(self, path: Path) -> str:
        return digest_of(path, self.algorithm)


class _StoppedError(Exception):
    """A transfer did not reach its end, and why."""


def _complete(url: str, part: Path, report: Callable[[int, int | None], None]) -> None:
    """Make a partly downloaded file a whole one, with as many connections as bring it further."""
    before = -1
    while True:
        missing = _continue(url, part, report)
        if not missing:
            return
        done = part.stat().st_size
        if done <= before or done == 0:
            raise _StoppedError(f"the connection broke off, {done / _MEGABYTE:.1f} MB are here")
        before = done


def _continue(url: str, part: Path, report: Callable[[int, int | None], None]) -> bool:
    """Append what one connection brings. True if something is still missing."""
    done = part.stat().st_size if part.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urlopen(request, timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        error.close()
        if error.code == 416 and done:  # there is nothing behind what we have; the checksum tells whether it is right
            return False
        raise _StoppedError(f"HTTP status {error.code}, {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise _StoppedError(str(getattr(error, "reason", error)) or type(error).__name__) from error
    goes_on = response.status == 206  # others send the file from its beginning
    with response, part.open("ab" if goes_on else "wb") as file:
        done = done if goes_on else 0
        length = response.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        report(done, total)
        for piece in _pieces(response):
            file.write(piece)
            done += len(piece)
            report(done, total)
    return total is not None and done < total


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    """Yield the bytes that arrive, until the end or until the connection breaks off."""
    with suppress(OSError, HTTPException):  # what is missing is asked for again
        while piece := response.read(_PIECE_BYTES):
            yield piece


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process on this machine downloads the same file."""
    with lock.open("a") as file:
        if sys.platform != "win32":
            import fcntl

            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
