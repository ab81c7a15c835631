"""Seconds and memory of `dmin extract` by the number of videos, for one and two workers and a local Ray.

uv run python benchmarks/extract.py --videos 10 100
uv run python benchmarks/extract.py VIDEO --videos 10 100 1000 --ways "1 worker" "2 workers" "Ray"

The videos are links to one file. Each way is the command itself, from its start to its end; memory is the largest sum
over its processes, in which pages that several share count once. FFmpeg's time to decode the same number of videos one
after the other is the reference.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from measuring import decoding_seconds, keep, write_video

WAYS = {
    "1 worker": ["--workers", "1"],
    "2 workers": ["--workers", "2"],
    "Ray": ["--engine", "ray", "--workers", "2"],
}
SHORT_SECONDS = 2


@dataclass(frozen=True)
class Cost:
    """Time and memory of an extraction."""

    way: str
    videos: int
    seconds: float
    decoding_seconds: float
    megabytes: float


def extract(folder: Path, out: Path, words: list[str]) -> tuple[float, float]:
    """Seconds, and the largest sum of memory in MB."""
    start, peak = time.perf_counter(), 0.0
    command = [sys.executable, "-c", "from dmin.cli import main; main()", "extract", str(folder), "--out", str(out)]
    running = psutil.Popen([*command, *words, "--quiet"], stdout=subprocess.DEVNULL)
    while running.poll() is None:
        peak = max(peak, megabytes_of(running))
        time.sleep(0.5)
    if running.returncode:
        raise SystemExit(f"dmin extract {' '.join(words)} ended with status {running.returncode}")
    return time.perf_counter() - start, peak


def megabytes_of(process: psutil.Process) -> float:
    """Memory of a process and all that it has started; shared pages are shared out among them."""
    total = 0.0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_full_info().pss / 2**20
    except psutil.Error:  # one of them has just ended
        pass
    return total


def main() -> None:
    """Print a line for each way and number."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", help="default: two seconds of 360p that are made for it")
    parser.add_argument("--videos", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    print("way           videos   seconds   videos/s   decoding alone   ratio   peak MB")
    costs = []
    with tempfile.TemporaryDirectory() as name:
        video = options.video or write_video(Path(name) / "made.mp4", SHORT_SECONDS)
        for count in options.videos:
            folder = Path(name) / f"videos{count}"
            folder.mkdir()
            for number in range(count):
                (folder / f"{number:05d}.mp4").symlink_to(video.absolute())
            for way in options.ways:
                decoding = count * min(decoding_seconds(video) for _ in range(5))
                seconds, megabytes = extract(folder, Path(name) / f"store {way} {count}", WAYS[way])
                costs.append(asdict(Cost(way, count, seconds, decoding, megabytes)))
                print(
                    f"{way:<14}{count:6d}{seconds:10.1f}{count / seconds:11.2f}{decoding:17.2f}"
                    f"{seconds / decoding:8.1f}{megabytes:10.0f}",
                    flush=True,
                )
    keep(costs, options.json)


if __name__ == "__main__":
    main()
