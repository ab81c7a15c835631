"""A video as a sequence of one-second segments, decoded as they are asked for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, repeat, takewhile
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.info import MediaInfo, probe
from dmin.media.pictures import FrameSize, pictures_at
from dmin.media.recording import Recording
from dmin.media.sound import Sound, sound_in
from dmin.media.source import Source, recording_of

Streams = Literal["both", "picture", "sound"]
"""Streams of a file that are decoded; others need not be there."""
MIN_SECONDS = 0.5
"""Shorter videos have no second to speak of."""
MIN_PIXELS = 16
"""Narrower or lower pictures show nothing."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One second of a video."""

    index: int
    start_seconds: float
    """Start in the whole video, even if only a piece of it is decoded."""
    frames: NDArray[np.uint8]
    """[F, H, W, 3] RGB, the pictures shown at the middles of F equal parts of the second; F is 0 without pictures."""
    waveform: NDArray[np.float32]
    """[S] mono in -1..1; silence where the sound has not begun or is over; S is 0 where only pictures are decoded."""

    def __repr__(self) -> str:
        return f"Segment(index={self.index}, frames={list(self.frames.shape)}, waveform={list(self.waveform.shape)})"


def decode(
    source: Source,
    *,
    frames_per_second: float = 4.0,
    rate_hz: int = 44_100,
    frame_size: int | tuple[int, int] | FrameSize | None = 224,
    missing_audio: Literal["error", "silence"] = "error",
    streams: Streams = "both",
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
) -> Segments:
    """Open a video as a sequence of one-second segments, decoded as they are asked for.

    Args:
        source: The video; a sound file will do where only the sound is asked for.
        frames_per_second: F, pictures in each segment.
        rate_hz: S, samples in each segment.
        frame_size: One number squashes pictures to a square, as the paper's features do; (height, width); a `FrameSize`
            may keep proportions; None keeps the size.
        missing_audio: "silence" takes a video without sound as silent.
        streams: "picture" or "sound" decodes that alone.
        start_seconds: Where the first segment starts.
        end_seconds: Where the last one ends, to the nearest whole number of segments; the end of the file by default.

    Raises:
        MediaError: It is not a video, too short or too small, has no sound, or ends before the piece asked for does.
    """
    recording = recording_of(source)
    info = recording.info
    if not info.has_video and streams != "sound":
        why = "an event must be seen, so " if streams == "both" else ""
        raise MediaError(f"{info.path} has no video stream: {why}give a file with pictures")
    _check_length(recording)
    if math.isinf(info.duration_seconds) and streams != "both":
        raise MediaError(f"{info.path} is read as it comes: its picture and its sound can only be taken together")
    if min(info.width, info.height) < MIN_PIXELS and streams != "sound":
        raise MediaError(
            f"{info.path} is {info.width}x{info.height} pixels: at least {MIN_PIXELS}x{MIN_PIXELS} are needed"
        )
    if not info.has_audio and streams == "sound":
        raise MediaError(f"{info.path} has no audio stream: give a file with sound")
    if not info.has_audio and streams == "both" and missing_audio == "error":
        raise MediaError(
            f"{info.path} has no audio stream: to take it as silent, use --missing-audio silence "
            '(in Python missing_audio="silence")'
        )
    if info.is_cut_short:
        warnings.warn(
            f"{info.path} is cut short: {info.duration_seconds:.1f} of {info.declared_seconds:.1f} s could be read",
            stacklevel=2,
        )
    duration = _piece_seconds(info, start_seconds, end_seconds)
    size = (frame_size, frame_size) if isinstance(frame_size, int) else frame_size
    size = FrameSize(*size) if isinstance(size, tuple) else size
    return Segments(recording, frames_per_second, rate_hz, size, streams, start_seconds, duration)


def _check_length(recording: Recording) -> None:
    if recording.duration_seconds < MIN_SECONDS:
        raise MediaError(
            f"{recording.name} lasts {recording.duration_seconds:.2f} s: at least {MIN_SECONDS} s are needed"
        )


def _piece_seconds(info: MediaInfo, start_seconds: float, end_seconds: float | None) -> float:
    """Length of a piece, checked; one may say 10 for the end of a video of 9.97 s."""
    duration = info.duration_seconds
    end = duration if end_seconds is None else end_seconds
    if not 0 <= start_seconds < end <= (math.ceil(duration) if math.isfinite(duration) else duration):
        raise MediaError(
            f"{info.path} lasts {duration:.2f} s: a piece from {start_seconds:g} to {end:g} s does not lie within it, "
            "or ends before it starts"
        )
    length = min(end, duration) - start_seconds
    if length < MIN_SECONDS:
        raise MediaError(
            f"{info.path} was cut to {max(length, 0.0):.2f} s, from {start_seconds:g} to {end:g} s: at least "
            f"{MIN_SECONDS} s are needed"
        )
    return length


def decode_audio(path: str | Path, rate_hz: int) -> NDArray[np.float32]:
    """Decode a whole sound as mono [S] in -1..1; for short files.

    Raises:
        MediaError: It cannot be read or has no sound.
    """
    info = probe(path)
    if not info.has_audio:
        raise MediaError(f"{path} has no audio stream")
    pieces = list(Sound(sound_in(info), rate_hz, info.start_seconds).pieces())
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


class Segments:
    """A video's segments. Iterating decodes them one after the other, with memory for about one second."""

    def __init__(
        self,
        recording: Recording,
        frames_per_second: float,
        rate_hz: int,
        frame_size: FrameSize | None,
        streams: Streams,
        start_seconds: float,
        duration_seconds: float,
    ) -> None:
        self.info = info = recording.info
        self.path = info.path
        self.start_seconds = start_seconds
        self.width, self.height = info.width, info.height
        self.has_pictures = streams != "sound"
        self.has_audio = info.has_audio and streams != "picture"
        self.frames_each = max(1, round(frames_per_second))
        self.rate_hz = rate_hz
        self.frame_size = frame_size
        self._streams = streams
        self._recording = recording
        self._piece_seconds = duration_seconds

    @property
    def duration_seconds(self) -> float:
        """Length of all segments together; infinite for a live source that is not over."""
        return min(self._piece_seconds, self._recording.duration_seconds - self.start_seconds)

    @cached_property
    def count(self) -> int:
        """T: a remainder of half a second or more is a segment of its own.

        Raises:
            TypeError: The source is live and not over. (`list` takes that for an answer when it asks for a length.)
        """
        if math.isinf(self.duration_seconds):
            raise TypeError(f"{self.path} is read as it comes: nobody knows how long it is")
        return int(round(self.duration_seconds, 3) + 0.5)  # timestamps are exact to the millisecond at best

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Segment]:
        pictures, sound = self._pictures(), self._sound()
        for index in takewhile(self._has, count()):
            yield Segment(index, self.start_seconds + index, next(pictures), next(sound))

    def _has(self, index: int) -> bool:
        """True if there is such a segment."""
        if math.isfinite(self._piece_seconds):
            return index < self.count
        is_there = self._recording.lasts(self.start_seconds + index + 0.5)
        if not index and not is_there:
            _check_length(self._recording)
        return is_there

    def _pictures(self) -> Iterator[NDArray[np.uint8]]:
        """[F, H, W, 3] for each segment, without end."""
        if not self.has_pictures:
            yield from repeat(np.zeros((0, 0, 0, 3), np.uint8))
        found = self._recording.pictures()
        pictures = pictures_at(found, self.info, self.frames_each, self.frame_size, self.start_seconds)
        while True:
            yield np.stack([next(pictures) for _ in range(self.frames_each)])

    def _sound(self) -> Iterator[NDArray[np.float32]]:
        """[S] for each segment, without end."""
        if self.has_audio:
            sound = Sound(self._recording.sound(), self.rate_hz, self.info.start_seconds)
            yield from sound.seconds(self.start_seconds)
        yield from repeat(np.zeros(self.rate_hz if self._streams != "picture" else 0, np.float32))
