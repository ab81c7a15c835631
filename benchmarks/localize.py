"""Seconds and memory of `Localizer` for a video, as it is and repeated to a long one.

uv run python benchmarks/localize.py VIDEO --model MODEL --minutes 10
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import av

from dmin import Localizer


def repeated(video: Path, minutes: float, out: Path) -> Path:
    """The video's packets over and over, without encoding anything again."""
    with av.open(str(video)) as probe:
        length = float(probe.duration / av.time_base)
    with av.open(str(out), "w") as target:
        streams = {}
        for turn in range(max(1, round(minutes * 60 / length))):
            with av.open(str(video)) as source:
                for packet in source.demux(source.streams.video[0], source.streams.audio[0]):
                    if packet.dts is None:
                        continue
                    kind = packet.stream.type
                    if kind not in streams:
                        streams[kind] = target.add_stream_from_template(packet.stream)
                    shift = round(turn * length / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[kind]
                    target.mux(packet)
    return out


def main() -> None:
    """Print one line a video."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    localizer = Localizer.from_pretrained(options.model)
    localizer(options.video)  # warm-up
    with tempfile.TemporaryDirectory() as folder:
        long = repeated(options.video, options.minutes, Path(folder) / f"long{options.video.suffix}")
        for video in (options.video, long):
            start = time.perf_counter()
            events = localizer(video)
            elapsed = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{events.duration_seconds:8.1f} s of video: {elapsed:7.2f} s, peak memory so far {peak:6.0f} MB")


if __name__ == "__main__":
    main()
