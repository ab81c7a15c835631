"""A tiny video, made by hand."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of 64 x 48 pixels that brighten with the seconds; a tone in the middle second."""
    path = tmp_path_factory.mktemp("video") / "tiny $1$.mp4"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for i in range(30):
            picture = np.full((48, 64, 3), 40 + 80 * (i // 10), np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(pictures.encode(None))
        tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 16_000)
        tone[:16_000] = tone[32_000:] = 0
        samples = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
        samples.sample_rate = 16_000
        container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    return path
