"""Seconds and memory of `Localizer` by the length of a video, beside FFmpeg's decoding of the same file.

uv run python benchmarks/localize.py
uv run python benchmarks/localize.py VIDEO --minutes 1 10 60

The video is answered as it is, and repeated to each length, as a stream, whose parts make up the answer; the first part
is what somebody who watches waits for. Each length has a process of its own, in which the model is loaded and has
answered the short video before: its peak memory is all that a user's process would need.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from dmin import Localizer
from measuring import decoding_seconds, in_new_process, keep, peak_megabytes, repeated, seconds_of, write_video


@dataclass(frozen=True)
class Cost:
    """Time and memory of an answer."""

    video_seconds: float
    seconds: float
    first_part_seconds: float
    decoding_seconds: float
    megabytes: float


def cost(model: str, fast: bool, warm_up: Path, video: Path, rounds: int) -> Cost:
    """Answer, and decode, in turns; the best time of each counts."""
    localizer = Localizer.from_pretrained(model, fast=fast)
    localizer(warm_up)
    whole, first, decoded = [], [], []
    for _ in range(rounds):
        start = time.perf_counter()
        parts = localizer.stream(video)
        next(parts)
        first.append(time.perf_counter() - start)
        for _part in parts:
            pass
        whole.append(time.perf_counter() - start)
        megabytes = peak_megabytes()
        decoded.append(decoding_seconds(video))
    return Cost(seconds_of(video), min(whole), min(first), min(decoded), megabytes)


def main() -> None:
    """Print a line for each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", help="default: ten seconds of 360p that are made for it")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--fast", action="store_true", help="let the backbones compute in bfloat16")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 5.0])
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    print("seconds of video   seconds   times real time   first part after   decoding alone   ratio   peak MB")
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        short = options.video or write_video(Path(folder) / "made.mp4")
        for minutes in (None, *options.minutes):
            video = short if minutes is None else repeated(short, minutes, Path(folder) / f"{minutes:g}.mp4")
            # A short video is over before the machine has settled.
            found: Cost = in_new_process(cost, options.model, options.fast, short, video, 5 if minutes is None else 1)
            costs.append(asdict(found))
            print(
                f"{found.video_seconds:16.1f}{found.seconds:10.2f}{found.video_seconds / found.seconds:18.1f}"
                f"{found.first_part_seconds:19.2f}{found.decoding_seconds:17.2f}"
                f"{found.seconds / found.decoding_seconds:8.1f}{found.megabytes:10.0f}",
                flush=True,
            )
    keep(costs, options.json)


if __name__ == "__main__":
    main()
