"""Seconds and memory of `Localizer` for a video, as it is and repeated to a minute and to a long one.

Each is answered as a stream, whose parts make up the answer; the first part is what somebody who watches waits for.

uv run python benchmarks/localize.py VIDEO --model MODEL --minutes 10
"""

from __future__ import annotations

import argparse
import math
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
    turns = max(1, round(minutes * 60 / length))
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
        lengths = (1.0, options.minutes)
        long = [repeated(options.video, minutes, Path(folder) / f"{minutes:g}.mp4") for minutes in lengths]
        for video in (options.video, *long):
            start = time.perf_counter()
            parts = localizer.stream(video)
            end = next(parts).end_seconds
            first = time.perf_counter() - start
            for part in parts:
                end = part.end_seconds
            elapsed = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{end:8.1f} s of video: {elapsed:7.2f} s ({end / elapsed:5.1f} times as fast as it plays), the first "
                f"part after {first:5.2f} s, peak memory so far {peak:6.0f} MB"
            )


if __name__ == "__main__":
    main()
