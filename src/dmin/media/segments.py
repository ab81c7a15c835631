"""A video as a sequence of one-second segments, decoded as they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.info import MediaInfo, probe
from dmin.media.pictures import pictures_of
from dmin.media.sound import Sound

MIN_SECONDS = 0.5
"""Shorter videos have no second to speak of."""
MIN_PIXELS = 16
"""Narrower or lower pictures show nothing."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One second of a video."""

    index: int
    start_seconds: float
    frames: NDArray[np.uint8]
    """[F, H, W, 3] RGB, the pictures shown at the middles of F equal parts of the second."""
    waveform: NDArray[np.float32]
    """[S] mono in -1..1; silence where the sound has not begun or is over."""

    def __repr__(self) -> str:
        return f"Segment(index={self.index}, frames={list(self.frames.shape)}, waveform={list(self.waveform.shape)})"


def decode(
    path: str | Path,
    *,
    frames_per_second: float = 4.0,
    rate_hz: int = 44_100,
    frame_size: int | tuple[int, int] | None = 224,
    missing_audio: Literal["error", "silence"] = "error",
) -> Segments:
    """Open a video as a sequence of one-second segments, decoded as they are asked for.

    Args:
        path: The video.
        frames_per_second: F, pictures in each segment.
        rate_hz: S, samples in each segment.
        frame_size: One number squashes pictures to a square, as the paper's features do; (height, width); None keeps.
        missing_audio: "silence" takes a video without sound as silent.

    Raises:
        MediaError: It is not a video, too short or too small, or has no sound.
    """
    info = probe(path)
    if not info.has_video:
        raise MediaError(f"{info.path} has no video stream: an event must be seen, so give a file with pictures")
    if info.duration_seconds < MIN_SECONDS:
        raise MediaError(f"{info.path} lasts {info.duration_seconds:.2f} s: at least {MIN_SECONDS} s are needed")
    if min(info.width, info.height) < MIN_PIXELS:
        raise MediaError(
            f"{info.path} is {info.width}x{info.height} pixels: at least {MIN_PIXELS}x{MIN_PIXELS} are needed"
        )
    if not info.has_audio and missing_audio == "error":
        raise MediaError(f"{info.path} has no audio stream: to take it as silent, use --missing-audio silence")
    if info.declared_seconds is not None and info.duration_seconds < info.declared_seconds - 1.0:
        warnings.warn(
            f"{info.path} is cut short: {info.duration_seconds:.1f} of {info.declared_seconds:.1f} s could be read",
            stacklevel=2,
        )
    size = (frame_size, frame_size) if isinstance(frame_size, int) else frame_size
    return Segments(info, frames_per_second, rate_hz, size)


def decode_audio(path: str | Path, rate_hz: int) -> NDArray[np.float32]:
    """Decode a whole sound as mono [S] in -1..1; for short files.

    Raises:
        MediaError: It cannot be read or has no sound.
    """
    info = probe(path)
    if not info.has_audio:
        raise MediaError(f"{path} has no audio stream")
    pieces = list(Sound(info, rate_hz).pieces())
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


class Segments:
    """A video's segments. Iterating decodes them one after the other, with memory for about one second."""

    def __init__(
        self, info: MediaInfo, frames_per_second: float, rate_hz: int, frame_size: tuple[int, int] | None
    ) -> None:
        self.info = info
        self.path = info.path
        self.duration_seconds = info.duration_seconds
        self.width, self.height = info.width, info.height
        self.has_audio = info.has_audio
        self.frames_each = max(1, round(frames_per_second))
        self.rate_hz = rate_hz
        self.frame_size = frame_size

    @cached_property
    def count(self) -> int:
        """T: a remainder of half a second or more is a segment of its own."""
        return int(round(self.duration_seconds, 3) + 0.5)  # timestamps are exact to the millisecond at best

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Segment]:
        pictures = pictures_of(self.info, self.frames_each, self.count, self.frame_size)
        sound = Sound(self.info, self.rate_hz).seconds() if self.has_audio else iter(())
        silence = np.zeros(self.rate_hz, np.float32)
        for index in range(self.count):
            frames = np.stack([next(pictures) for _ in range(self.frames_each)])
            yield Segment(index, float(index), frames, next(sound, silence))
