"""Made videos, each made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from media_makers import Clip


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives the path of a made video, ``made("a.mp4", seconds=2)``; do not change the file."""
    known: dict[Clip, Path] = {}

    def make(name: str, **facts: object) -> Path:
        clip = Clip(name, **facts)
        if clip not in known:
            known[clip] = clip.make(tmp_path_factory.mktemp("made"))
        return known[clip]

    return make
