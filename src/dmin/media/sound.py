"""A file's sound as one row of samples, whatever its channels, rate and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.container import decoded, streams_of
from dmin.media.info import COUNTED, MediaInfo
from dmin.media.seeking import seek, starting_near

_ROUNDING_SECONDS = 0.01
"""Samples this near to their timestamps stay; beyond it they are moved there exactly, so that errors never add up."""


def sound_in(info: MediaInfo, near_seconds: float = 0.0) -> Iterator[Any]:
    """Decoded pieces of a file's sound, in order; damaged packets are passed over.

    Args:
        info: Of the file.
        near_seconds: What ends before it may be left out.

    Raises:
        MediaError: The sample rate changes in a stream whose times FFmpeg counts by its first rate.
    """
    return starting_near(lambda seek_seconds: _decoded(info, seek_seconds), info, info.audio_clock, near_seconds)


def _decoded(info: MediaInfo, seek_seconds: float | None) -> Iterator[Any]:
    rate_hz = None
    with info.open() as container:
        stream = streams_of(container)[1]
        seek(container, stream, seek_seconds)
        for frame in decoded(container, stream, info.audio_clock):
            if rate_hz not in (None, frame.sample_rate) and container.format.name in COUNTED:
                raise MediaError(
                    f"{info.path} changes its sample rate from {rate_hz} to {frame.sample_rate} Hz, and such a stream "
                    "has no timestamps: put each part into a file of its own"
                )
            rate_hz = frame.sample_rate
            yield frame


class Sound:
    """Sound at one rate, each sample at its timestamp's place: [S] in mono, [S, channels] in other layouts.

    Args:
        frames: Decoded pieces, in order.
        rate_hz: Rate of the samples.
        start_seconds: Timestamp of the first sample.
        layout: FFmpeg's name of the channels.
    """

    def __init__(self, frames: Iterable[Any], rate_hz: int, start_seconds: float, layout: str = "mono") -> None:
        self.frames = frames
        self.layout = layout
        channels = len(av.AudioLayout(layout).channels)
        self._sample_shape = () if channels == 1 else (channels,)
        self.rate_hz = rate_hz
        self.start_seconds = start_seconds

    def pieces(self) -> Iterator[NDArray[np.float32]]:
        """Consecutive pieces from the start on; gaps in the timestamps are silence, overlaps are dropped."""
        filled = 0.0  # samples up to here are there, or still in the resampler
        drop = 0.0  # samples still in the resampler that nobody shall hear
        resampler = self._resampler()
        kind: tuple[str, str, int] | None = None
        begun = False
        for frame in self.frames:
            length = frame.samples * self.rate_hz / frame.sample_rate
            gap = 0.0 if frame.time is None else (frame.time - self.start_seconds) * self.rate_hz - filled
            if abs(gap) > _ROUNDING_SECONDS * self.rate_hz or not begun:  # the beginning is placed exactly
                yield from self._silence(round(gap))
                overlap = min(max(-gap, 0.0), length)
                drop += overlap
                filled += max(gap, 0.0) - overlap
                begun = overlap < length
            filled += length
            if kind not in (None, described := (frame.format.name, frame.layout.name, frame.sample_rate)):
                yield self._floats(resampler.resample(None))
                resampler = self._resampler()
            kind = described
            frame.pts = None  # so that the resampler takes what comes as continuous
            samples = self._floats(resampler.resample(frame))
            cut = min(round(drop), len(samples))
            drop -= cut
            yield samples[cut:]
        yield self._floats(resampler.resample(None))[round(drop) :]

    def seconds(self, start_seconds: float = 0.0) -> Iterator[NDArray[np.float32]]:
        """The same in mono from ``start_seconds`` on, cut into seconds; the last one filled with silence."""
        held: list[NDArray[np.float32]] = []
        count = 0
        early = round(start_seconds * self.rate_hz)  # samples before the start
        for whole in self.pieces():
            piece = whole[early:]
            early -= len(whole) - len(piece)
            held.append(piece)
            count += len(piece)
            while count >= self.rate_hz:
                joined = np.concatenate(held)
                yield joined[: self.rate_hz]
                held, count = [joined[self.rate_hz :]], count - self.rate_hz
        if count:
            yield np.pad(np.concatenate(held), (0, self.rate_hz - count))

    def _silence(self, samples: int) -> Iterator[NDArray[np.float32]]:
        while samples > 0:
            yield np.zeros((min(samples, self.rate_hz), *self._sample_shape), np.float32)
            samples -= self.rate_hz

    def _resampler(self) -> Any:
        # Whole numbers, because only for them FFmpeg scales the mix so that many channels cannot exceed 1.
        return av.AudioResampler(format="s32", layout=self.layout, rate=self.rate_hz)

    def _floats(self, frames: list[Any]) -> NDArray[np.float32]:
        shape = (-1, *self._sample_shape)
        parts = [frame.to_ndarray().reshape(shape).astype(np.float32) / np.float32(2**31) for frame in frames]
        return np.concatenate(parts) if parts else np.zeros((0, *self._sample_shape), np.float32)
