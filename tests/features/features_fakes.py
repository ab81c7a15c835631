"""Backbones that compute next to nothing, and videos that hold next to nothing, for the tests of extraction."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from dmin.backbones import Backbone, Card

PAIR = """
import torch
from dmin.backbones import Backbone, Card, register

@register(Card("eye-of-mine", "visual", (1, 2, 3), "", 1.0, 0, "1", "my own", "MIT", "none"))
class Eye(Backbone):
    def forward(self, frames):
        return frames[:, :1, :2].float()

@register(Card("ear-of-mine", "audio", (2,), "", 0.0, 8000, "1", "my own", "MIT", "none"))
class Ear(Backbone):
    def forward(self, waveforms):
        return torch.stack([waveforms.mean(1), waveforms.abs().amax(1)], 1)
"""
"""A plugin with a pair of backbones."""


def card(name: str, modality: str, shape: tuple[int, ...], **rates: float) -> Card:
    words = dict.fromkeys(("input", "source", "licence", "citation"), "none")
    settings = {"frames_per_second": 0.0, "rate_hz": 0} | rates
    return Card(name=name, modality=modality, version="1", output_shape=shape, **words, **settings)


class TinyEye(Backbone):
    """Mean colour of each quarter of the frame, and brightness: [N, 2, 2, 4]."""

    card = card("tiny-eye", "visual", (2, 2, 4), frames_per_second=2.0)
    largest_batch = 0

    def forward(self, frames: Tensor) -> Tensor:
        self.largest_batch = max(self.largest_batch, len(frames))
        pictures = frames.permute(0, 3, 1, 2).float() / 255
        maps = torch.nn.functional.adaptive_avg_pool2d(pictures, 2).permute(0, 2, 3, 1)
        return torch.cat([maps, maps.mean(-1, keepdim=True)], -1)


class TinyEar(Backbone):
    """Loudness, peak and mean of each second: [N, 3]."""

    card = card("tiny-ear", "audio", (3,), rate_hz=8000)

    def forward(self, waveforms: Tensor) -> Tensor:
        return torch.stack([waveforms.square().mean(1).sqrt(), waveforms.abs().amax(1), waveforms.mean(1)], 1)


class DeadlyEye(TinyEye):
    """Takes its process down at the sight of a green picture."""

    def forward(self, frames: Tensor) -> Tensor:
        maps = super().forward(frames)
        red, green, blue = maps[..., :3].mean((0, 1, 2))
        if green > 0.5 and green > red + 0.3 and green > blue + 0.3:
            os.kill(os.getpid(), signal.SIGKILL)
        return maps


def make_video(path: Path, colours: list[tuple[int, int, int]], *, sound: bool = True, size: int = 32) -> Path:
    """Write a video that shows each colour for a second, and sounds at 440 Hz while it is bright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=8)
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=8000, layout="mono") if sound else None
        for colour in colours:
            picture = np.broadcast_to(np.uint8(colour), (size, size, 3))
            for _ in range(8):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
            if audio is not None:
                wave = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000) * (0.5 if sum(colour) > 300 else 0.0)
                frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], format="fltp", layout="mono")
                frame.rate = 8000
                container.mux(audio.encode(frame))
        for stream in filter(None, (video, audio)):
            container.mux(stream.encode(None))
    return path
