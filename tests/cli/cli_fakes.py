"""A model that answers at once, and backbones of its size, for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from dmin.backbones import Backbone, Card
from dmin.layers import EncoderConfig, FusionConfig, InterModalityConfig, VisualAttentionConfig
from dmin.models import DMIN, DMINConfig
from dmin.models.settings import LocalizerSettings

_WORDS = {"input": "", "version": "1", "source": "", "licence": "", "citation": ""}


class Eye(Backbone):
    """Mean colours of the frame's quarters, padded: [N, 2, 2, 8]."""

    card = Card("cli-eye", "visual", (2, 2, 8), frames_per_second=2.0, rate_hz=0, **_WORDS)

    def forward(self, frames: Tensor) -> Tensor:
        maps = torch.nn.functional.adaptive_avg_pool2d(frames.permute(0, 3, 1, 2).float() / 255, 2)
        return torch.nn.functional.pad(maps.permute(0, 2, 3, 1), (0, 5))


class Ear(Backbone):
    """Loudness, padded: [N, 6]."""

    card = Card("cli-ear", "audio", (6,), frames_per_second=0.0, rate_hz=8000, **_WORDS)

    def forward(self, waveforms: Tensor) -> Tensor:
        return torch.nn.functional.pad(waveforms.square().mean(1, keepdim=True).sqrt(), (0, 5))


def make_model(folder: Path) -> Path:
    """Write an untrained model for these backbones that takes every second for an event."""
    torch.manual_seed(0)
    config = DMINConfig(
        category_names=("Bell", "Dog"), visual_size=8, audio_size=6, visual_width=8, width=8,
        encoder=EncoderConfig(layers=1, heads=2, hidden=8), inter_modality=InterModalityConfig(heads=2, hidden=8),
        fusion=FusionConfig(heads=2), visual_attention=VisualAttentionConfig(size=8, bottleneck=8),
    )  # fmt: skip
    DMIN(config).save_pretrained(folder)
    settings = LocalizerSettings("cli-eye", "1", "cli-ear", "1", 2.0, 8000, window_seconds=10, threshold=0.0)
    settings.save(folder)
    return folder


def write_video(path: Path, *, seconds: float = 1.5, size: int = 32, sound: bool = True) -> Path:
    """Write a grey video with a tone; ``size=0`` leaves the pictures out."""
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1" if path.suffix == ".mkv" else "mpeg4", rate=10) if size else None
        if video is not None:
            video.width = video.height = size
            video.pix_fmt = "yuv444p" if path.suffix == ".mkv" else "yuv420p"
        audio = container.add_stream("aac", rate=16_000, layout="mono") if sound else None
        for _ in range(round(seconds * 10) if video is not None else 0):
            picture = av.VideoFrame.from_ndarray(np.full((size, size, 3), 128, np.uint8), format="rgb24")
            container.mux(video.encode(picture))
        if audio is not None:
            wave = np.sin(np.arange(round(seconds * 16_000)) / 6).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            frame.rate = 16_000
            container.mux(audio.encode(frame))
        for stream in filter(None, (video, audio)):
            container.mux(stream.encode(None))
    return path
