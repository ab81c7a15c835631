"""Visitors who all drop a video on the page at once: how many are answered, how many are told to come back, and memory.

uv run python benchmarks/visitors.py
uv run python benchmarks/visitors.py VIDEO --visitors 20

The page is served by a process of its own, whose memory is read from /proc. The visitors are threads that send what a
browser sends: twenty browsers would take the cores that are to be measured.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import httpx

from dmin.web.localize_tab import PLAYER
from measuring import write_video

FILE = "gradio.FileData"
SERVE = "from dmin.cli import main; main()"


def peak_megabytes(process: int) -> float:
    """The most memory that a process has had so far."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def visit(address: str, video: Path) -> str:
    """Do as the page does in a browser: load it, upload a video, ask for its events, and wait for the answer."""
    with httpx.Client(base_url=f"{address.rstrip('/')}/", timeout=600) as browser:
        page = browser.get("config").raise_for_status().json()
        player = next(part["id"] for part in page["components"] if part["props"].get("elem_id") == PLAYER)
        find = next(one for one in page["dependencies"] if [player, "upload"] in one["targets"])
        values = {part["id"]: part["props"].get("value") for part in page["components"]}
        prefix = page["api_prefix"].strip("/")
        uploaded = browser.post(f"{prefix}/upload", files={"files": (video.name, video.read_bytes())})
        file = {"path": uploaded.raise_for_status().json()[0], "orig_name": video.name, "meta": {"_type": FILE}}
        asked = {
            "fn_index": find["id"],
            "data": [file if part == player else values[part] for part in find["inputs"]],
            "session_hash": uuid.uuid4().hex,
        }
        answer = browser.post(f"{prefix}/queue/join", json=asked)
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            return "told to come back"
        answer.raise_for_status()
        with browser.stream("GET", f"{prefix}/queue/data", params={"session_hash": asked["session_hash"]}) as told:
            for line in told.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {}
                if message.get("msg") == "process_completed":
                    return "answered" if message["success"] else f"failed: {message['output']}"
    return "left without an answer"


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
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.visitors) as visitors:
            video = options.video or write_video(Path(folder) / "made.mp4")
            print(f"{options.visitors} visitors come; the server has had {peak_megabytes(server.pid):.0f} MB")
            start = time.perf_counter()
            outcomes = list(visitors.map(visit, [address] * options.visitors, [video] * options.visitors))
            seconds = time.perf_counter() - start
        for outcome, count in Counter(outcomes).most_common():
            print(f"{count} {outcome}")
        print(f"within {seconds:.1f} s; the server has had {peak_megabytes(server.pid):.0f} MB")
    finally:
        server.kill()


if __name__ == "__main__":
    main()
