"""Videos that a browser plays."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

RATE_HZ = 16_000


def write_playable(path: Path, seconds: int = 4, level: int = 60) -> Path:
    """Write H.264 and AAC: grey pictures that brighten every second, and a tone."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for i in range(10 * seconds):
            picture = np.full((48, 64, 3), level + 100 * (i // 10) // seconds, np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(pictures.encode(None))
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ * seconds) / RATE_HZ)
        samples = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
        samples.sample_rate = RATE_HZ
        container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    return path
