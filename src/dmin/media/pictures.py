"""A video's pictures as RGB arrays, upright, at instants asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.container import decoded, streams_of
from dmin.media.info import MediaInfo, display_matrix, is_transposed
from dmin.media.seeking import seek, starting_near

_threads = 0
"""Of a decoder; 0 lets FFmpeg take one a core."""


def decode_on(threads: int) -> None:
    """Decode pictures on so many threads each in this process, one of several that share the cores."""
    global _threads  # the whole process is one of several
    _threads = threads


@dataclass(frozen=True)
class FrameSize:
    """The size at which pictures are decoded."""

    height: int
    width: int
    covers: bool = False
    """True keeps a picture's proportions, and covers height and width; False squashes it to them."""
    interpolation: Literal["AREA", "BICUBIC", "BILINEAR", "LANCZOS", "POINT"] = "AREA"
    """FFmpeg's name of the method."""

    def of(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a picture that had another size.

        Example:
            >>> FrameSize(160, 160, covers=True).of(480, 640), FrameSize(160, 160).of(480, 640)
            ((160, 213), (160, 160))
        """
        if not self.covers:
            return self.height, self.width
        if self.height * width >= self.width * height:  # the picture is the wider one
            return self.height, max(self.width, self.height * width // height)
        return max(self.height, self.width * height // width), self.width


def pictures_at(
    frames: Iterable[tuple[float, Any]],
    info: MediaInfo,
    frames_each: int,
    size: FrameSize | None,
    start_seconds: float = 0.0,
) -> Iterator[NDArray[np.uint8]]:
    """The picture shown at each instant, without end: the latest that has begun; the first before it.

    Args:
        frames: Pictures with their times, in order.
        info: Of the video.
        frames_each: Instants a second.
        size: None keeps that of the first picture.
        start_seconds: Instants are counted from here on.

    Raises:
        MediaError: There is no picture.
    """
    frames = iter(frames)
    upcoming = next(frames, None)
    if upcoming is None:
        raise MediaError(f"{info.path} has no picture that can be decoded: it is damaged")
    shown = upcoming[1]
    drawn: tuple[Any, NDArray[np.uint8]] | None = None
    for index in count():
        instant = info.start_seconds + start_seconds + (index + 0.5) / frames_each
        while upcoming is not None and upcoming[0] <= instant:
            shown, upcoming = upcoming[1], next(frames, None)
        if drawn is None or drawn[0] is not shown:
            drawn = (shown, upright(shown, size))
            if size is None or size.covers:  # should the size change on the way, pictures still stack
                height, width, _ = drawn[1].shape
                size = FrameSize(height, width, interpolation=size.interpolation if size else "AREA")
        yield drawn[1]


def pictures_in(info: MediaInfo, near_seconds: float = 0.0) -> Iterator[tuple[float, Any]]:
    """Decoded pictures of a file with their times, in order; damaged packets are passed over.

    Args:
        info: Of the file.
        near_seconds: What is over before it may be left out.
    """
    frames = starting_near(lambda seek_seconds: _decoded(info, seek_seconds), info, info.video_clock, near_seconds)
    return timed(frames, info)


def timed(frames: Iterable[Any], info: MediaInfo) -> Iterator[tuple[float, Any]]:
    """Pictures with their times; one that has none follows that before it at the video's rate."""
    last = info.start_seconds - 1 / info.picture_rate
    for frame in frames:
        # The decoder gives a picture when it is to be shown: that is the decoding time of the packet last put in.
        ticks = frame.pts if info.decoding_delay_seconds is None else frame.dts
        seconds = None if ticks is None else float(ticks * frame.time_base) - (info.decoding_delay_seconds or 0.0)
        last = last + 1 / info.picture_rate if seconds is None else seconds
        yield last, frame


def _decoded(info: MediaInfo, seek_seconds: float | None) -> Iterator[Any]:
    """Pictures as they are decoded: on threads up to the first damage, which makes threads lose pictures."""
    done = 0
    try:
        with info.open() as container:
            stream = streams_of(container)[0]
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = _threads
            seek(container, stream, seek_seconds)
            for frame in decoded(container, stream, info.video_clock, strict=True):
                yield frame
                done += 1
    except av.error.FFmpegError:
        with info.open() as container:
            stream = streams_of(container)[0]
            stream.codec_context.thread_count = 1
            seek(container, stream, seek_seconds)
            yield from islice(decoded(container, stream, info.video_clock), done, None)


def upright(frame: Any, size: FrameSize | None = None) -> NDArray[np.uint8]:
    """A decoded picture as it is to be shown: RGB [H, W, 3], of another size if asked for."""
    matrix = display_matrix(frame)
    transposed = is_transposed(matrix)
    options: dict[str, Any] = {}
    if size is not None:
        if transposed:
            width, height = size.of(frame.width, frame.height)
        else:
            height, width = size.of(frame.height, frame.width)
        options = {"width": width, "height": height, "interpolation": size.interpolation}
        if frame.interlaced_frame:  # FFmpeg would scale each field alone and weave them again
            frame = av.VideoFrame.from_ndarray(frame.reformat(format="rgb24").to_ndarray(), format="rgb24")
    picture: NDArray[np.uint8] = frame.reformat(format="rgb24", **options).to_ndarray()
    if transposed:
        picture = picture.swapaxes(0, 1)
    to_column, to_row = (matrix[1, 0], matrix[0, 1]) if transposed else (matrix[0, 0], matrix[1, 1])
    return np.ascontiguousarray(picture[:: -1 if to_row < 0 else 1, :: -1 if to_column < 0 else 1])
