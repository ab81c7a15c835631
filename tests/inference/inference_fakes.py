"""Recordings whose every second is told apart by its brightness and its loudness, and a network that compares these."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import torch
from torch import Tensor, nn

from dmin.backbones import Backbone, Card
from dmin.inference import Matcher
from dmin.models import WindowOutput
from dmin.models.settings import MatcherSettings

RATE_HZ = 8000
_WORDS = {"input": "", "version": "1", "source": "", "licence": "", "citation": ""}


class Eye(Backbone):
    """Brightness: [N, 2, 2, 1], a little off in the four regions, but not in their mean."""

    card = Card("match-eye", "visual", (2, 2, 1), frames_per_second=2.0, rate_hz=0, **_WORDS)

    def forward(self, frames: Tensor) -> Tensor:
        means = frames.float().mean((1, 2, 3)) / 255
        return means[:, None, None, None] + torch.tensor([[-0.125, 0.125], [0.25, -0.25]])[None, :, :, None]


class Ear(Backbone):
    """Loudness: [N, 1]."""

    card = Card("match-ear", "audio", (1,), frames_per_second=0.0, rate_hz=RATE_HZ, **_WORDS)

    def forward(self, waveforms: Tensor) -> Tensor:
        return waveforms.square().mean(1, keepdim=True).sqrt()


class Rigged(nn.Module):
    """Logit 4 where a second is like one of the query's, the less the less it is; notes the windows that it saw."""

    def __init__(self, direction: str = "a2v", protocol: str = "strict") -> None:
        super().__init__()
        self.config = SimpleNamespace(direction=direction)
        self.protocol = protocol
        self.scale = nn.Parameter(torch.tensor(100.0, dtype=torch.float64))
        self.lengths: list[int] = []

    def find(self, query: Tensor, candidates: Tensor) -> WindowOutput:
        self.lengths.append(candidates.shape[1])
        distances = (candidates - query.transpose(1, 2)).abs().amin(-1)  # [1, T]
        return WindowOutput(4 - self.scale * distances)


def rigged_matcher(direction: str = "a2v", window_seconds: int = 10, **options: str) -> Matcher:
    settings = MatcherSettings("match-eye", "1", "match-ear", "1", 2.0, RATE_HZ, window_seconds)
    return Matcher(Rigged(direction, **options), settings, "rigged")


def levels(seconds: int, seed: int = 0) -> list[float]:
    """A level for each second, no two alike."""
    return list(np.random.default_rng(seed).permutation(seconds) / seconds * 0.6 + 0.1)


def write_levels(path: Path, levels: Sequence[float], *, picture: bool = True, sound: bool = True) -> Path:
    """Write a second a level: that bright in the picture, that loud in the sound. Nothing is lost in coding."""
    with av.open(str(path), "w") as container:
        streams = []
        if picture:
            video = container.add_stream("ffv1", rate=4)
            video.width, video.height, video.pix_fmt = 32, 32, "yuv444p"
            streams.append((video, [_picture(level) for level in levels for _ in range(4)]))
        if sound:
            audio = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
            streams.append((audio, [_sound(levels)]))
        for stream, frames in streams:
            for index, frame in enumerate([*frames, None]):
                if frame is not None:
                    frame.pts = index
                container.mux(stream.encode(frame))
    return path


def _picture(level: float) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), round(255 * level), np.uint8), format="rgb24")
    frame.time_base = Fraction(1, 4)
    return frame


def _sound(levels: Sequence[float]) -> av.AudioFrame:
    tone = np.sin(2 * np.pi * 100 * np.arange(RATE_HZ) / RATE_HZ) * 2**0.5  # of loudness 1
    wave = np.concatenate([tone * level for level in levels])
    frame = av.AudioFrame.from_ndarray((wave * (2**15 - 1)).astype(np.int16)[None], format="s16", layout="mono")
    frame.rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
    return frame
