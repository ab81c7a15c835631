"""Makes tiny videos of known facts: black but for one flash, silent but for one beep."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from dmin.media import Segment, decode

BEEP_HZ = 1000
LOUDNESS = 0.5


@dataclass(frozen=True)
class Clip:
    """What a made video holds."""

    name: str
    """File name; its suffix chooses the container."""
    seconds: float = 3.0
    """Of the pictures; 0 leaves them out."""
    audio_seconds: float | None = None
    """Of the sound; as long as the pictures by default; 0 leaves it out."""
    audio_start_seconds: float = 0.0
    flash_seconds: tuple[float, float] = (1.5, 1.7)
    """Start and end of the white pictures."""
    beep_seconds: tuple[float, float] = (1.5, 1.7)
    frames_per_second: int = 20
    picture_seconds: tuple[float, ...] = ()
    """When each picture begins, to the millisecond, where the rate varies."""
    width: int = 64
    height: int = 48
    video: str = "mpeg4"
    pixels: str = "yuv420p"
    b_frames: int = 0
    rotation: int = 0
    audio: str = "aac"
    layout: str = "mono"
    rate_hz: int = 48_000
    options: tuple[tuple[str, str], ...] = ()
    """Of the container."""

    @property
    def has_audio(self) -> bool:
        return self.audio_seconds != 0

    def make(self, folder: Path) -> Path:
        """Write the video."""
        path = folder / self.name
        with av.open(str(path), "w", options=dict(self.options)) as container:
            # Both streams must be there before the first packet; packets go in by time, as cameras write them.
            encoders = ([self._pictures(container)] if self.seconds else []) + (
                [self._sound(container)] if self.has_audio else []
            )
            packets = [packet for stream, frames in encoders for frame in frames for packet in stream.encode(frame)]
            for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
                container.mux(packet)
        return path

    def _pictures(self, container):
        clock = Fraction(1, 1000 if self.picture_seconds else self.frames_per_second)
        stream = container.add_stream(self.video, rate=self.frames_per_second)
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, self.pixels
        stream.codec_context.time_base = clock
        stream.codec_context.max_b_frames = self.b_frames
        if self.rotation:
            stream.set_display_rotation(self.rotation)
        times = self.picture_seconds or np.arange(round(self.seconds * self.frames_per_second)) / self.frames_per_second
        frames = [self._picture(float(time), clock) for time in times]
        return stream, [*frames, None]

    def _picture(self, time: float, clock: Fraction):
        white = self.flash_seconds[0] - 1e-6 <= time < self.flash_seconds[1] - 1e-6
        picture = np.full((self.height, self.width, 3), 255 * white, np.uint8)
        picture[: self.height // 2, : self.width // 2, 0] = 255  # top left is red, to tell how it is turned
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = round(time / clock), clock
        return frame

    def _sound(self, container):
        stream = container.add_stream(self.audio, rate=self.rate_hz, layout=self.layout)
        form = stream.codec_context.format.name
        seconds = self.seconds if self.audio_seconds is None else self.audio_seconds
        times = self.audio_start_seconds + np.arange(round(seconds * self.rate_hz)) / self.rate_hz
        on = (times >= self.beep_seconds[0]) & (times < self.beep_seconds[1])
        wave = LOUDNESS * np.sin(2 * np.pi * BEEP_HZ * times) * on
        dtype, most = {"s16": (np.int16, 2**15 - 1), "s32": (np.int32, 2**31 - 1)}.get(form[:3], (np.float32, 1))
        channels = len(av.AudioLayout(self.layout).channels)
        frames = []
        for start in range(0, len(wave), 960):
            piece = np.repeat(wave[None, start : start + 960], channels, 0)  # [channels, samples]
            piece = (piece * most).astype(dtype)
            if not form.endswith("p"):
                piece = np.ascontiguousarray(piece.T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(piece, format=form, layout=self.layout)
            frame.rate, frame.time_base = self.rate_hz, Fraction(1, self.rate_hz)
            frame.pts = round(self.audio_start_seconds * self.rate_hz) + start
            frames.append(frame)
        return stream, [*frames, None]


@dataclass(frozen=True)
class Seen:
    """What decoding a made video gave."""

    segments: list[Segment]
    brightness: np.ndarray
    """[T * F], of the right half, in 0..1."""
    waveform: np.ndarray
    """[T * S]"""
    frames_each: int
    rate_hz: int

    @property
    def flash_seconds(self) -> tuple[float, float]:
        """From the first white picture to the end of the last."""
        white = np.flatnonzero(self.brightness > 0.5)
        return white[0] / self.frames_each, (white[-1] + 1) / self.frames_each

    @property
    def beep_seconds(self) -> tuple[float, float]:
        """First and last loud sample."""
        loud = np.flatnonzero(np.abs(self.waveform) > 0.2 * np.abs(self.waveform).max())
        return loud[0] / self.rate_hz, (loud[-1] + 1) / self.rate_hz


def see(path: Path, frames_each: int = 20, rate_hz: int = 48_000, **options) -> Seen:
    """Decode a made video whole."""
    options = {"frame_size": None} | options
    segments = list(decode(path, frames_per_second=frames_each, rate_hz=rate_hz, **options))
    frames = np.concatenate([segment.frames for segment in segments])  # [T * F, H, W, 3]
    brightness = frames[:, :, frames.shape[2] * 5 // 8 :].mean((1, 2, 3)) / 255
    waveform = np.concatenate([segment.waveform for segment in segments])
    return Seen(segments, brightness, waveform, frames_each, rate_hz)
