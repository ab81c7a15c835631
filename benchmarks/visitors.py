"""Visitors who all drop a video on the page at once: how many are answered, how many are told to come back, and memory.

uv run python benchmarks/visitors.py
uv run python benchmarks/visitors.py VIDEO --visitors 20

The page is served by a process of its own, whose memory is read from /proc; the visitors are windows of one Chromium.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from measuring import write_video

SERVE = "from dmin.cli import main; main()"


def peak_megabytes(process: int) -> float:
    """The most memory that a process has had so far."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def outcome(page: Page) -> str:
    """What a visitor sees, once there is something."""
    answered, busy = page.locator(".dmin-answer"), page.get_by_text("currently busy")
    answered.or_(busy).first.wait_for(timeout=600_000)
    return "answered" if answered.count() else "told to come back"


def main() -> None:
    """Print what became of the visitors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", help="default: ten seconds of 360p that are made for it")
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--max-waiting", default="20", help="of dmin serve")
    options = parser.parse_args()
    command = [sys.executable, "-c", SERVE, "serve", "--port", "0", "--max-waiting", options.max_waiting]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with sync_playwright() as starting, tempfile.TemporaryDirectory() as folder:
            video = options.video or write_video(Path(folder) / "made.mp4")
            browser = starting.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            pages = [browser.new_context().new_page() for _ in range(options.visitors)]
            for page in pages:
                page.goto(address)
            print(f"{options.visitors} visitors are there; the server has had {peak_megabytes(server.pid):.0f} MB")
            start = time.perf_counter()
            for page in pages:
                page.locator("#player input[type=file]").set_input_files(video)
            outcomes = [outcome(page) for page in pages]
            seconds = time.perf_counter() - start
            counts = ", ".join(f"{outcomes.count(name)} {name}" for name in sorted(set(outcomes)))
            print(f"{counts} within {seconds:.1f} s; the server has had {peak_megabytes(server.pid):.0f} MB")
            browser.close()
    finally:
        server.kill()


if __name__ == "__main__":
    main()
