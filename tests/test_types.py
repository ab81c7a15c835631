"""The public interface as a type checker sees it from outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dmin

ROOT = Path(__file__).parents[1]
PROGRAM = """
import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from dmin import Event, Events, Localizer, Match, Matcher
from dmin.errors import DminError
from dmin.inference import OnWindow, Stretch
from dmin.models import DecoupledOutput, JointOutput
from dmin.results.events import Decided, Second

localizer: Localizer = Localizer.from_pretrained("starter", device="cpu")
events: Events = localizer(Path("a.mp4"), threshold=0.5, min_seconds=2.0, missing_audio="silence")
events = localizer(io.BytesIO(b""))
events = localizer(open("a.mp4", "rb"))
event: Event = events[0]
few: tuple[Event, ...] = events[1:3]
times: list[tuple[float, float, str, float]] = [
    (event.start_seconds, event.end_seconds, event.category, event.score) for event in events.between(1.0, 2.5)
]
second: Second | None = events.nearest
text: str = events.above(0.7).save("a.vtt")
again: Events = Events.from_json(Path("a.json"))

for video, found in localizer.many([Path("a.mp4"), "b.mp4"], workers=2, threshold=0.5):
    name: str | Path = video
    if isinstance(found, DminError):
        print(found)
    else:
        many: Events = found

part: Decided
for part in localizer.stream(av.open("rtsp://camera/stream")):
    rows: tuple[Second, ...] = part.seconds

frames, waveform = np.zeros((8, 64, 64, 3), np.uint8), np.zeros((2, 32_000), np.int16)
events = localizer.arrays(frames, 4.0, waveform, 16_000, min_seconds=0.5)


def told(window: Stretch, output: DecoupledOutput | JointOutput) -> None:
    start: int = window.start
    print(start, output.attention)


hook: OnWindow = told
events = localizer("a.mp4", on_window=hook, progress=lambda step, completed, total: print(step, completed, total))
match: Match = Matcher.from_pretrained("runs/a2v")("bark.wav", inside="a.mp4")
reveal_type(localizer.stream("a.mp4"))
reveal_type(events[0])
reveal_type(events[:1])
maps: NDArray[np.float32] | None = events.attention
"""
WRONG = """
from dmin import Localizer

localizer = Localizer.from_pretrained()
localizer("a.mp4", treshold=0.5)
localizer.many(["a.mp4"], threshold="high")
localizer.arrays([1, 2], 4.0, None, 16_000)
localizer("a.mp4").events[0].start
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that mypy says of both programs; it reads torch for half a minute."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "right.py").write_text(PROGRAM)
    (folder / "wrong.py").write_text(WRONG)
    # By the project's own settings and cache, as mypy takes half a minute to read torch anew.
    options = ["--no-error-summary", f"--cache-dir={ROOT / '.mypy_cache'}", f"--config-file={ROOT / 'pyproject.toml'}"]
    words = [sys.executable, "-m", "mypy", *options, "right.py", "wrong.py"]
    environment = {**os.environ, "MYPYPATH": str(Path(dmin.__file__).parents[1])}
    found = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert not found.stderr
    return found.stdout


@pytest.mark.slow
def test_a_program_of_the_public_interface_has_exact_types(said: str) -> None:
    assert "right.py" in said
    assert not re.findall(r"right.py.*error.*", said)
    assert re.findall(r'right.py.*Revealed type is "(.*)"', said.replace("builtins.", "")) == [
        "typing.Generator[dmin.results.events.Decided, None, None]",
        "dmin.results.events.Event",
        "tuple[dmin.results.events.Event, ...]",
    ]


@pytest.mark.slow
def test_wrong_calls_are_found(said: str) -> None:
    for words in ('"treshold"', 'type "str"; expected "float | None"', 'type "list[int]"', 'no attribute "start"'):
        assert words in said
    assert len(re.findall("wrong.py.*error", said)) == 4
