"""Shared by several benchmarks: videos to measure on, processes of their own, memory, and the time of decoding."""

from __future__ import annotations

import json
import math
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, RATE, SOUND_HZ = 640, 360, 30, 44_100


def write_video(path: Path, seconds: int = 10) -> Path:
    """Write a video of 360p that is about as hard to decode as a phone's: noise that drifts, and a noisy tone."""
    generator = np.random.default_rng(0)
    texture = np.kron(generator.integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        pictures.width, pictures.height, pictures.pix_fmt, pictures.bit_rate = WIDTH, HEIGHT, "yuv420p", 800_000
        sound = container.add_stream("aac", rate=SOUND_HZ, layout="mono")
        for number in range(seconds * RATE):
            drifted = np.roll(texture, (number, 2 * number), (0, 1))
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(drifted, format="rgb24")))
        container.mux(pictures.encode(None))
        times = np.arange(seconds * SOUND_HZ) / SOUND_HZ
        tone = 0.3 * np.sin(2 * np.pi * 440 * times) + generator.normal(0, 0.05, times.size)
        samples = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
        samples.sample_rate = SOUND_HZ
        container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    return path


def repeated(video: Path, minutes: float, out: Path) -> Path:
    """Repeat a video's packets without encoding anything again."""
    turns = max(1, round(minutes * 60 / seconds_of(video)))
    turn_list = out.with_suffix(".txt")
    turn_list.write_text(f"file '{video.absolute()}'\n" * turns)
    with av.open(str(turn_list), format="concat", options={"safe": "0"}) as source, av.open(str(out), "w") as target:
        inputs = [source.streams.video[0], source.streams.audio[0]]
        outputs = {stream.index: target.add_stream_from_template(stream) for stream in inputs}
        latest = dict.fromkeys(outputs, -math.inf)
        for packet in source.demux(inputs):
            index = packet.stream.index
            if packet.dts is None or packet.dts <= latest[index]:  # where two turns meet, times may overlap
                continue
            latest[index] = packet.dts
            packet.stream = outputs[index]
            target.mux(packet)
    return out


def seconds_of(video: Path) -> float:
    """Duration of a video."""
    with av.open(str(video)) as container:
        return float(container.duration / av.time_base)


def decoding_seconds(video: Path) -> float:
    """Time that FFmpeg takes to decode pictures and sound, as threaded as it likes, when nothing is done with them."""
    start = time.perf_counter()
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0, audio=0):
            pass
    return time.perf_counter() - start


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, whose memory is nobody else's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def keep(figures: list[dict[str, Any]], path: Path | None) -> None:
    """Write figures as JSON, for `picture.py`; nothing without a path."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n")
