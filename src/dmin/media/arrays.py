"""Pictures and sound that are in memory, as a recording."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.clock import Clock
from dmin.media.info import MediaInfo
from dmin.media.recording import Recording

_MOST_CHANNELS = 8
"""For more of them FFmpeg knows no usual places of loudspeakers."""
_LOUDEST = 2.0
"""Decoders and mixers go a little beyond 1; samples beyond this are on another scale."""


class Arrays(Recording):
    """A recording made of arrays. It keeps its footage, as there is no file to look at again.

    Args:
        frames: [N, H, W, 3] RGB, uint8.
        frames_per_second: Their rate.
        waveform: [S] or [channels, S]: float in -1..1, or int16; None without sound.
        rate_hz: Its rate.

    Raises:
        MediaError: A shape, type or rate is not as said.
    """

    def __init__(
        self, frames: NDArray[np.uint8], frames_per_second: float, waveform: NDArray[Any] | None, rate_hz: int
    ) -> None:
        self._frames = _checked_frames(frames)
        self._waveform = None if waveform is None else _checked_waveform(waveform)
        _check_rate("frames_per_second", frames_per_second)
        _check_rate("rate_hz", rate_hz)
        if rate_hz != int(rate_hz):
            raise MediaError(f"rate_hz is {rate_hz:g}: must be a whole number")
        self._rate_hz = int(rate_hz)
        self.name = "<arrays>"
        self.keeps_footage = True
        sound_seconds = 0.0 if self._waveform is None else self._waveform.shape[1] / self._rate_hz
        self.info = MediaInfo(
            path=Path(self.name),
            duration_seconds=max(len(frames) / frames_per_second, sound_seconds),
            start_seconds=0.0,
            width=self._frames.shape[2],
            height=self._frames.shape[1],
            has_video=True,
            has_audio=self._waveform is not None,
            declared_seconds=None,
            pixel_aspect=1.0,
            picture_rate=float(frames_per_second),
            video_clock=Clock(),
            audio_clock=Clock(),
        )

    def pictures(self, near_seconds: float = 0.0) -> Iterator[tuple[float, Any]]:
        """The frames with their times."""
        for index, frame in enumerate(self._frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            yield index / self.info.picture_rate, picture

    def sound(self, near_seconds: float = 0.0) -> Iterator[Any]:
        """The waveform, a second at a time."""
        if self._waveform is None:
            return
        channels, samples = self._waveform.shape
        form = "s16" if self._waveform.dtype == np.int16 else "flt"
        for start in range(0, samples, self._rate_hz):
            piece = self._waveform[:, start : start + self._rate_hz]  # [channels, S]
            packed = np.ascontiguousarray(piece.T.reshape(1, -1))  # a sample of each channel after the other
            frame = av.AudioFrame.from_ndarray(packed, format=form, layout=f"{channels}c")
            frame.sample_rate, frame.pts, frame.time_base = self._rate_hz, start, Fraction(1, self._rate_hz)
            yield frame


def _checked_frames(frames: NDArray[Any]) -> NDArray[np.uint8]:
    frames = np.asarray(frames)
    if frames.dtype != np.uint8:
        raise MediaError(f"frames are {frames.dtype}: must be uint8, RGB in 0..255")
    if frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
        raise MediaError(f"frames are {list(frames.shape)}: must be [N, height, width, 3], at least one of them")
    return frames


def _checked_waveform(waveform: NDArray[Any]) -> NDArray[Any]:
    """[channels, S] of float32 or int16."""
    waveform = np.asarray(waveform)
    if waveform.dtype != np.int16 and not np.issubdtype(waveform.dtype, np.floating):
        raise MediaError(f"the waveform is {waveform.dtype}: must be float in -1..1, or int16")
    if waveform.ndim not in (1, 2) or not waveform.size:
        raise MediaError(f"the waveform is {list(waveform.shape)}: must be [samples] or [channels, samples]")
    waveform = np.atleast_2d(waveform)
    if len(waveform) > _MOST_CHANNELS:
        raise MediaError(
            f"the waveform is {list(waveform.shape)}, {len(waveform)} channels: must be [channels, samples] with at "
            f"most {_MOST_CHANNELS} channels; is it the wrong way round?"
        )
    if waveform.dtype == np.int16:
        return waveform
    loudest = float(np.abs(waveform).max())
    if not loudest <= _LOUDEST:  # not a number is not
        raise MediaError(f"the waveform reaches {loudest:g}: must lie in -1..1")
    return waveform.astype(np.float32, copy=False)


def _check_rate(name: str, rate: float) -> None:
    if not (rate > 0 and math.isfinite(rate)):
        raise MediaError(f"{name} is {rate:g}: must be more than 0")
