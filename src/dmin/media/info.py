"""Contents and duration of a file, found by reading its packets."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.clock import Clock, ClockFinder
from dmin.media.container import decoded, opened, packets, streams_of

_PRIMING_SECONDS = 0.1
"""Encoders let sound start a little before 0; such a lead is no real difference between the streams."""

_LOOKED_AT_PICTURES = 24
"""Enough to meet one that is decoded before another and shown after it."""

COUNTED = {"aac"}
"""Formats whose times FFmpeg counts by the first packet's rate, and whose length it guesses by the file's size."""


@dataclass(frozen=True)
class MediaInfo:
    """Contents of a file, by the timestamps of its packets rather than by its header."""

    path: Path
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

    @property
    def is_cut_short(self) -> bool:
        """True if the file ends more than a second before its header says."""
        if self.declared_seconds is None or len(self.video_clock.changes) + len(self.audio_clock.changes) > 2:
            return False
        # Some formats declare the last timestamp, others the time between the first and the last.
        return max(self.duration_seconds, self.start_seconds + self.duration_seconds) < self.declared_seconds - 1.0


@dataclass
class _Span:
    """Start and end of a stream's packets, in seconds."""

    start: float = float("inf")
    end: float = float("-inf")
    last_start: float = float("-inf")
    last_duration: float = 0.0
    count: int = 0
    has_durations: bool = False
    """True once a packet says how long it lasts."""
    is_in_order: bool = True
    """True while no packet is shown before one that stands earlier in the file."""
    has_one_time: bool = True
    """True while every packet is shown when it is decoded."""

    def add(self, start: float, end: float, duration: float, lag: float) -> None:
        self.count += 1
        self.has_durations |= duration > 0
        self.has_one_time &= lag == 0
        self.is_in_order &= start >= self.last_start
        self.start, self.end = min(self.start, start), max(self.end, end)
        if start > self.last_start:
            self.last_start, self.last_duration = start, duration

    def move(self, start: float) -> None:
        """Let the same packets start at another time."""
        self.start, self.end = start, self.end + start - self.start

    def close(self, rate: float) -> None:
        """Give a last packet that says no duration that of an average one.

        Sound whose other packets have durations is left: there the last one is so short that it rounds to 0.
        """
        if self.last_duration <= 0 and self.count > 1 and (rate or not self.has_durations):
            step = 1 / rate if rate else (self.last_start - self.start) / (self.count - 1)
            self.end = max(self.end, self.last_start + step)


def probe(path: str | Path) -> MediaInfo:
    """Look through a file's packets; only the first picture and sound are decoded.

    Raises:
        MediaError: It is not there, cannot be read, is encrypted, or is neither video nor sound.
    """
    path = Path(path)
    with opened(path) as container:
        video, audio = streams_of(container)
        streams = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise MediaError(f"{path} holds neither video nor sound that FFmpeg can decode: give a video file")
        is_estimate = container.format.name in COUNTED
        declared = container.duration / av.time_base if container.duration and not is_estimate else None
        start = (container.start_time or 0) / av.time_base
        finder = ClockFinder(container, streams, None if declared is None else start + declared)
        rate = _picture_rate(video)
        spans = _spans(path, container, streams, finder, rate)
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
            first = _first_picture(path, clocks[0], _LOOKED_AT_PICTURES if may_lack_times else 1)
            if first.decoding_delay_seconds is not None:
                if spans[video.index].has_one_time:  # a mere count of pictures, which begins with the first one shown
                    first.decoding_delay_seconds = first.seconds - spans[video.index].start
                spans[video.index].move(first.seconds - first.decoding_delay_seconds)
        start = _origin(spans, video, audio)
    turned = is_transposed(first.matrix)
    return MediaInfo(
        path=path,
        duration_seconds=max(span.end for span in spans.values()) - start,
        start_seconds=start,
        width=size[1] if turned else size[0],
        height=size[0] if turned else size[1],
        has_video=has_video,
        has_audio=has_audio and _can_be_decoded(path, clocks[1]),
        declared_seconds=declared,
        pixel_aspect=1 / aspect if turned else aspect,
        picture_rate=rate,
        video_clock=clocks[0],
        audio_clock=clocks[1],
        decoding_delay_seconds=first.decoding_delay_seconds,
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


def _picture_rate(video: Any) -> float:
    if video is None:
        return 0.0
    return float(video.guessed_rate or video.average_rate or 25)


def _spans(
    path: Path, container: Any, streams: list[Any], finder: ClockFinder, picture_rate: float
) -> dict[int, _Span]:
    """Start and end of each stream's packets on the continuous clock; a damaged file counts as far as it goes."""
    spans: dict[int, _Span] = {}
    numbers = dict.fromkeys((stream.index for stream in streams), -1)
    untimed = dict.fromkeys(numbers, 0)
    skipping = dict.fromkeys(numbers, 0.0)  # seconds that the decoder still leaves out
    longest = dict.fromkeys(numbers, 0.0)
    for packet in packets(container, streams):
        if not packet.size:  # tells the decoder that this is the end
            continue
        index = packet.stream.index
        numbers[index] += 1
        if packet.has_sidedata("encryption_info"):
            raise MediaError(f"{path} is encrypted: give a copy without copy protection")
        if packet.is_discard:  # discarded: cut off by an edit, in the file but not to be shown
            continue
        if packet.pts is None and packet.dts is None:
            untimed[index] += 1
            continue
        start = float((packet.dts if packet.pts is None else packet.pts) * packet.time_base)
        duration = float((packet.duration or 0) * packet.time_base)
        decoding = start if packet.dts is None else float(packet.dts * packet.time_base)
        lag = start - decoding
        start = finder.add(index, numbers[index], decoding, duration) + lag
        before, behind = _skipped_seconds(packet)
        skipping[index] += before
        skipped = min(skipping[index], duration)
        skipping[index] -= skipped
        longest[index] = max(longest[index], duration)
        end = start + min(duration, longest[index] - behind)  # some formats give a last packet its shorter duration
        if skipped < duration or not duration:
            spans.setdefault(index, _Span()).add(start + skipped, end, duration, lag)
    for stream in streams:
        if stream.index in spans:
            spans[stream.index].close(picture_rate if stream.type == "video" else 0.0)
        elif untimed[stream.index] and stream.type == "video":
            spans[stream.index] = _Span(0.0, untimed[stream.index] / picture_rate)
    return spans


def _skipped_seconds(packet: Any) -> tuple[float, float]:
    """Seconds that the decoder drops at the start and at the end of a packet of sound, as its encoder asked."""
    if packet.stream.type != "audio" or not packet.has_sidedata("skip_samples"):
        return 0.0, 0.0
    before, behind = struct.unpack("<II", bytes(packet.get_sidedata("skip_samples"))[:8])
    rate = packet.stream.codec_context.sample_rate or 1
    return before / rate, behind / rate


def _origin(spans: dict[int, _Span], video: Any, audio: Any) -> float:
    """The timestamp that counts as 0: the earlier stream's start, an encoder's priming left out."""
    starts = [spans[stream.index].start for stream in (video, audio) if stream is not None and stream.index in spans]
    if len(starts) == 2 and 0 < starts[0] - starts[1] < _PRIMING_SECONDS:
        return starts[0]
    return min(starts)


@dataclass
class _FirstPicture:
    seconds: float = 0.0
    """Decoding time of the packet with which the decoder gave it."""
    matrix: NDArray[np.int32] = field(default_factory=lambda: np.eye(2, dtype=np.int32))
    decoding_delay_seconds: float | None = None


def _first_picture(path: Path, clock: Clock, count: int) -> _FirstPicture:
    """The first picture, and whether the times of the first ``count`` ones are out of order."""
    first = None
    last_seconds = float("-inf")
    with opened(path) as container:
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


def _can_be_decoded(path: Path, clock: Clock) -> bool:
    with opened(path) as container:
        return next(decoded(container, streams_of(container)[1], clock), None) is not None
