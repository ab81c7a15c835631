"""A video's pictures as RGB arrays, upright, at instants asked for."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.container import decoded, opened, streams_of
from dmin.media.info import MediaInfo, is_within

_SHUFFLED_PICTURES = 5
"""Pictures looked at together to put their timestamps in order."""


def pictures_of(
    info: MediaInfo, frames_each: int, seconds: int, size: tuple[int, int] | None, start_seconds: float = 0.0
) -> Iterator[NDArray[np.uint8]]:
    """The picture shown at each instant: the latest that has begun; the first before it, the last after its end.

    Instants are counted from ``start_seconds`` of the video on.
    """
    frames = _frames(info)
    upcoming = next(frames, None)
    if upcoming is None:
        raise MediaError(f"{info.path} has no picture that can be decoded: it is damaged")
    shown = upcoming[1]
    drawn: tuple[Any, NDArray[np.uint8]] | None = None
    for index in range(seconds * frames_each):
        instant = info.start_seconds + start_seconds + (index + 0.5) / frames_each
        while upcoming is not None and upcoming[0] <= instant:
            shown, upcoming = upcoming[1], next(frames, None)
        if drawn is None or drawn[0] is not shown:
            drawn = (shown, _rgb(shown, size))
            size = size or drawn[1].shape[:2]  # should the size change on the way, pictures still stack
        yield drawn[1]


def _frames(info: MediaInfo) -> Iterator[tuple[float, Any]]:
    """Decoded pictures with their times, in order; damaged packets are passed over."""
    with opened(info.path) as container:
        stream = streams_of(container)[0]
        stream.thread_type = "AUTO"
        # AVI files stamp pictures in the order of decoding, which B-frames make another than that of showing: the
        # pictures come in the right order, so they get the same timestamps in theirs.
        times: list[float] = []
        pictures: deque[Any] = deque()
        last = info.start_seconds
        for frame in decoded(container, stream):
            last = last if frame.time is None else frame.time
            if not is_within(info, last):
                continue
            heapq.heappush(times, last)
            pictures.append(frame)
            if len(pictures) >= _SHUFFLED_PICTURES:
                yield heapq.heappop(times), pictures.popleft()
        while pictures:
            yield heapq.heappop(times), pictures.popleft()


def _rgb(frame: Any, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    turns = round(int(getattr(frame, "rotation", 0)) / 90) % 4
    if size is None:
        options = {}
    else:
        height, width = size if turns % 2 == 0 else size[::-1]
        options = {"width": width, "height": height, "interpolation": "AREA"}
    picture: NDArray[np.uint8] = frame.reformat(format="rgb24", **options).to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, turns))
