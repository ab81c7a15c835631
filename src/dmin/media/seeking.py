"""Reading a file from somewhere in its middle, where its timestamps allow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import av

from dmin.media.clock import Clock
from dmin.media.info import MediaInfo

_NEAR_SECONDS = 10.0
"""So much from the start is decoded and dropped as fast as it is looked for."""
_LEAD_SECONDS = 1.0
"""Decoders of sound need some packets before what they decode is right."""


def starting_near(
    decoded: Callable[[float | None], Iterator[Any]], info: MediaInfo, clock: Clock, near_seconds: float
) -> Iterator[Any]:
    """Decoded frames of a stream from a little before some time on; from the start, if that cannot be found.

    Args:
        decoded: Gives the frames from a timestamp on; from the start for None.
        info: Of the file.
        clock: Of the stream.
        near_seconds: The time.
    """
    is_steady = len(clock.changes) == 1 and info.decoding_delay_seconds is None
    if near_seconds > _NEAR_SECONDS and is_steady:
        timestamp = info.start_seconds + near_seconds
        frames = decoded(timestamp - _LEAD_SECONDS)
        first = next(frames, None)
        if first is not None and first.pts is not None and first.time <= timestamp:
            return chain([first], frames)
    return decoded(None)


def seek(container: Any, stream: Any, timestamp_seconds: float | None) -> None:
    """Go to the last key frame before a timestamp, or to the nearest place that the container finds; None stays."""
    if timestamp_seconds is None:
        return
    try:
        container.seek(int(timestamp_seconds / stream.time_base), stream=stream)
    except av.error.FFmpegError:
        return  # it is read from here on
