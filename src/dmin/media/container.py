"""Files as FFmpeg sees them: opened or refused with a reason, read packet by packet past what is damaged."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av

from dmin.errors import MediaError
from dmin.media.clock import Clock

# FFmpeg's threads must not wait for Python's lock to log a line while this one waits for them to end: PyAV's default is
# to drop their words without asking for it, and any other level can hang.
av.logging.set_level(None)

_UNREADABLE = "is not a video or sound that FFmpeg can read, or it is cut off"


def opened(path: Path, file: BinaryIO | None = None) -> Any:
    """Open a file for reading; close it after use, or use it in a ``with``.

    Args:
        path: The file, or the name of an open one.
        file: The open one.

    Raises:
        MediaError: It is not there, may not be read, or is nothing that FFmpeg knows.
    """
    try:
        container = _opened_path(path) if file is None else _opened_file(path, file)
    except MediaError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        why = _refusal(path, error) if file is None else _UNREADABLE
        raise MediaError(f"{path} {why}") from error
    if container.format.name == "tty":  # FFmpeg draws text files
        container.close()
        raise MediaError(f"{path} is a text file: give a video file")
    return container


def _opened_path(path: Path) -> Any:
    if path.is_dir():
        raise MediaError(f"{path} is a folder: give a video file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty: give a video file")
    # Absolute, because FFmpeg takes the "12" of 12:30.mp4 for a protocol like http.
    return av.open(str(path.absolute()), metadata_errors="ignore")


def _opened_file(name: Path, file: BinaryIO) -> Any:
    if isinstance(file, io.TextIOBase):
        raise MediaError(f"{name} was opened as text: open it as bytes, open(..., 'rb')")
    return av.open(_Reader(file) if file.seekable() else file, metadata_errors="ignore")


class _Reader:
    """Reads an open file from a place of its own, so that several containers can read the same one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0

    def read(self, size: int) -> bytes:
        self._file.seek(self._place)
        data = self._file.read(size)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        from_here = whence == os.SEEK_CUR
        self._place = self._place + offset if from_here else self._file.seek(offset, whence)
        return self._place

    def tell(self) -> int:
        return self._place


def _refusal(path: Path, error: Exception) -> str:
    """Why a file was not opened and what to do, as the rest of a sentence."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if "\0" not in str(path) and path.exists():
            return "names a file that is missing: put all its parts beside it"
        return "does not exist: check the name"
    if isinstance(error, PermissionError):
        if error.errno == errno.EPERM and os.access(path, os.R_OK):  # FFmpeg's word for a header that ends early
            return "is cut off within its header: copy or download it again"
        return "may not be read: check its permissions"
    if isinstance(error, av.error.FFmpegError | ValueError):
        if isinstance(error, av.error.FFmpegError) and path.open("rb").read(7) == b"#EXTM3U":
            return "is a playlist of which no part can be read: put all its parts beside it"
        return _UNREADABLE
    return f"cannot be read: {getattr(error, 'strerror', error)}"


def streams_of(container: Any) -> tuple[Any, Any]:
    """The video and the sound that players choose; None where there is none that can be decoded.

    The stream flagged as default comes before the first one. A sound file's cover picture is not a video.
    """
    videos = [stream for stream in container.streams.video if not _has_flag(stream, "attached_pic")]
    return _chosen(videos), _chosen(container.streams.audio)


def _chosen(streams: Any) -> Any:
    decodable = [stream for stream in streams if stream.codec_context is not None]
    flagged = [stream for stream in decodable if _has_flag(stream, "default")]
    return next(iter(flagged + decodable), None)


def _has_flag(stream: Any, name: str) -> bool:
    return name in str(getattr(stream.disposition, "name", ""))


def packets(container: Any, streams: Any) -> Iterator[Any]:
    """Packets up to the end, or to where a damaged container ends the reading."""
    while True:
        try:
            yield from container.demux(streams)
        except IndexError:
            continue  # PyAV trips over a stream that appears on the way: read on behind its packet
        except av.error.FFmpegError:
            pass
        return


def decoded(container: Any, stream: Any, clock: Clock, *, strict: bool = False) -> Iterator[Any]:
    """Pictures or pieces of sound of one stream, with the clock's timestamps; else like `decoded_packets`."""

    def clocked() -> Iterator[Any]:
        for number, packet in enumerate(packets(container, stream)):
            clock.set(packet, number)
            yield packet

    return decoded_packets(clocked(), stream, strict=strict)


def decoded_packets(packets: Iterable[Any], stream: Any, *, strict: bool = False) -> Iterator[Any]:
    """Pictures or pieces of sound that packets of one stream hold.

    Damaged packets are passed over, unless ``strict``: then the first one raises FFmpeg's error.
    """
    is_flushed = False
    for packet in packets:
        is_flushed = not packet.size
        try:
            if strict and packet.is_corrupt:
                raise av.error.InvalidDataError(errno.EINVAL, "a part of a packet is missing")
            yield from packet.decode()
        except av.error.FFmpegError:
            if strict:
                raise
    if not is_flushed:  # the container ended in damage; the decoder still holds pictures
        try:
            yield from stream.decode(None)
        except av.error.FFmpegError:
            return
