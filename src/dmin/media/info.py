"""Contents and duration of a file, found by reading its packets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.clock import Clock, ClockFinder
from dmin.media.container import decoded, opened, packets, streams_of
from dmin.media.spans import Spans

_LOOKED_AT_PICTURES = 24
"""Enough to meet one that is decoded before another and shown after it."""

COUNTED = {"aac"}
"""Formats whose times FFmpeg counts by the first packet's rate, and whose length it guesses by the file's size."""


@dataclass(frozen=True)
class MediaInfo:
    """Contents of a file, by the timestamps of its packets rather than by its header."""

    path: Path
    """The file, or a name for what is no file."""
    duration_seconds: float
    """From the earlier stream's start to the later one's end."""
    start_seconds: float
    """Timestamp that counts as 0."""
    width: int
    """As shown, after rotation; 0 without video."""
    height: int
    has_video: bool
    has_audio: bool
    """True if there is sound that can be decoded."""
    declared_seconds: float | None
    """Duration by the header."""
    pixel_aspect: float
    """Width of a pixel over its height, as shown."""
    picture_rate: float
    """Pictures a second, for streams without timestamps; 0 without video."""
    video_clock: Clock
    audio_clock: Clock
    decoding_delay_seconds: float | None = None
    """Of pictures that carry the times of their decoding, as in AVI files: from being shown to the time at which the
    decoder gives them. None for pictures that carry the times of their showing."""
    file: BinaryIO | None = field(default=None, repr=False, compare=False)
    """The open file, where one was given in place of a path."""

    def open(self) -> Any:
        """Open the file once more, as a container to be closed after use.

        Raises:
            MediaError: It is no longer there, or cannot be read any more.
        """
        return opened(self.path, self.file)

    @property
    def is_cut_short(self) -> bool:
        """True if the file ends more than a second before its header says."""
        if self.declared_seconds is None or len(self.video_clock.changes) + len(self.audio_clock.changes) > 2:
            return False
        # Some formats declare the last timestamp, others the time between the first and the last.
        return max(self.duration_seconds, self.start_seconds + self.duration_seconds) < self.declared_seconds - 1.0


def probe(path: str | Path, file: BinaryIO | None = None) -> MediaInfo:
    """Look through a file's packets; only the first picture and sound are decoded.

    Args:
        path: The file, or a name for an open one.
        file: The open one, which must be seekable.

    Raises:
        MediaError: It is not there, cannot be read, is encrypted, or is neither video nor sound.
    """
    path = Path(path)
    open_again = partial(opened, path, file)
    with open_again() as container:
        video, audio = streams_of(container)
        streams = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise MediaError(f"{path} holds neither video nor sound that FFmpeg can decode: give a video file")
        is_estimate = container.format.name in COUNTED
        declared = container.duration / av.time_base if container.duration and not is_estimate else None
        start = (container.start_time or 0) / av.time_base
        finder = ClockFinder(container, streams, None if declared is None else start + declared)
        rate = picture_rate(video)
        found = Spans(path, video, audio, finder)
        for packet in packets(container, streams):
            if packet.size:  # one without tells the decoder that this is the end
                found.add(packet)
        found.close(rate)
        spans = found.of
        size = (video.codec_context.width, video.codec_context.height) if video is not None else (0, 0)
        aspect = float(getattr(video, "sample_aspect_ratio", None) or 1)
        if not spans:
            raise MediaError(f"{path} holds no readable picture or sound: it is damaged or cut off")
        clocks = [finder.clocks[stream.index] if stream is not None else Clock() for stream in (video, audio)]
        # Streams are read here alone: PyAV frees them with their container.
        has_video, has_audio = (stream is not None and stream.index in spans for stream in (video, audio))
        first = _FirstPicture()
        if video is not None and has_video:
            may_lack_times = video.codec_context.has_b_frames and spans[video.index].is_in_order
            first = _first_picture(open_again, clocks[0], _LOOKED_AT_PICTURES if may_lack_times else 1)
            if first.decoding_delay_seconds is not None:
                if spans[video.index].has_one_time:  # a mere count of pictures, which begins with the first one shown
                    first.decoding_delay_seconds = first.seconds - spans[video.index].start
                spans[video.index].move(first.seconds - first.decoding_delay_seconds)
        start = found.origin_seconds
    turned = is_transposed(first.matrix)
    return MediaInfo(
        path=path,
        duration_seconds=found.end_seconds - start,
        start_seconds=start,
        width=size[1] if turned else size[0],
        height=size[0] if turned else size[1],
        has_video=has_video,
        has_audio=has_audio and _can_be_decoded(open_again, clocks[1]),
        declared_seconds=declared,
        pixel_aspect=1 / aspect if turned else aspect,
        picture_rate=rate,
        video_clock=clocks[0],
        audio_clock=clocks[1],
        decoding_delay_seconds=first.decoding_delay_seconds,
        file=file,
    )


def display_matrix(frame: Any) -> NDArray[np.int32]:
    """The matrix [2, 2] that maps a picture's columns and rows to those shown; cameras write it beside the picture."""
    for data in getattr(frame, "side_data", ()):
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(data), "<i4")[:5]
            if a or b or c or d:
                return np.array([[a, b], [c, d]])
    return np.eye(2, dtype=np.int32)


def is_transposed(matrix: NDArray[np.int32]) -> bool:
    """True if rows become columns."""
    return abs(int(matrix[0, 1])) > abs(int(matrix[0, 0]))


def picture_rate(video: Any) -> float:
    """Pictures a second of a stream, as far as its header tells; 0 without one."""
    if video is None:
        return 0.0
    return float(video.guessed_rate or video.average_rate or 25)


@dataclass
class _FirstPicture:
    seconds: float = 0.0
    """Decoding time of the packet with which the decoder gave it."""
    matrix: NDArray[np.int32] = field(default_factory=lambda: np.eye(2, dtype=np.int32))
    decoding_delay_seconds: float | None = None


def _first_picture(open_again: Callable[[], Any], clock: Clock, count: int) -> _FirstPicture:
    """The first picture, and whether the times of the first ``count`` ones are out of order."""
    first = None
    last_seconds = float("-inf")
    with open_again() as container:
        video = streams_of(container)[0]
        for frame in islice(decoded(container, video, clock), count):
            if first is None:
                first = _FirstPicture(_decoding_seconds(frame), display_matrix(frame))
            if frame.time is not None and frame.time <= last_seconds:
                first.decoding_delay_seconds = 0.0
                break
            last_seconds = last_seconds if frame.time is None else frame.time
    return first or _FirstPicture()


def _decoding_seconds(frame: Any) -> float:
    return 0.0 if frame.dts is None else float(frame.dts * frame.time_base)


def _can_be_decoded(open_again: Callable[[], Any], clock: Clock) -> bool:
    with open_again() as container:
        return next(decoded(container, streams_of(container)[1], clock), None) is not None
