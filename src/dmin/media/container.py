"""Files as FFmpeg sees them: opened or refused with a reason, read packet by packet past what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from dmin.errors import MediaError

# FFmpeg's threads must not wait for Python's lock to log a line while this one waits for them to end: PyAV's default is
# to drop their words without asking for it, and any other level can hang.
av.logging.set_level(None)


def opened(path: Path) -> Any:
    """Open a file for reading; close it after use, or use it in a ``with``.

    Raises:
        MediaError: It is not there, may not be read, or is nothing that FFmpeg knows.
    """
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder: give a video file")
        if path.stat().st_size == 0:
            raise MediaError(f"{path} is empty: give a video file")
        # Absolute, because FFmpeg takes the "12" of 12:30.mp4 for a protocol like http.
        container = av.open(str(path.absolute()), metadata_errors="ignore")
    except MediaError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaError(f"{path} does not exist: check the name") from error
    except PermissionError as error:
        raise MediaError(f"{path} may not be read: check its permissions") from error
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"{path} is not a video or sound that FFmpeg can read, or it is cut off") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}") from error
    if container.format.name == "tty":  # FFmpeg draws text files
        container.close()
        raise MediaError(f"{path} is a text file: give a video file")
    return container


def streams_of(container: Any) -> tuple[Any, Any]:
    """The first video and the first sound that can be decoded; a sound file's cover picture is not a video."""
    videos = (s for s in container.streams.video if "attached_pic" not in str(getattr(s.disposition, "name", "")))
    decodable = ((s for s in streams if s.codec_context is not None) for streams in (videos, container.streams.audio))
    video, audio = (next(streams, None) for streams in decodable)
    return video, audio


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


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Pictures or pieces of sound of one stream; damaged packets are passed over."""
    for packet in packets(container, stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue  # a damaged packet
