"""`dmin localize`: what it prints of a video without events, folders, and answers that are there already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_fakes import Ear, Eye, make_model, write_video

from dmin.cli.main import run


@pytest.fixture(autouse=True)
def fakes(make_known):
    make_known(Eye, Ear)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("localizing") / "model")


@pytest.fixture(scope="session")
def good(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("good") / "good.mkv")


@pytest.fixture
def localize(model, tmp_path):
    """Runs the command without pictures into ``out`` in the test's own folder."""

    def localize(*words: str | Path) -> int:
        options = ["--model", model, "--out", tmp_path / "out", "--no-picture", "--quiet"]
        return run(["localize", *map(str, [*options, *words])])

    return localize


def test_without_an_event_the_nearest_second_is_told(localize, good, tmp_path, capsys):
    assert localize(good, "--threshold", "0.999") == 0
    rows = json.loads((tmp_path / "out" / "good.json").read_text())["seconds"]
    best = max(rows, key=lambda row: row["relevance"])
    words = f"{best['category']} {best['relevance']:.2f} at {best['start']:.0f} s"
    files = f"-> {tmp_path / 'out' / 'good'}.json, .csv\n"
    assert capsys.readouterr().out == f"{good}: no event; nearest: {words}, threshold 1.00 {files}"


def test_an_event_that_was_too_short_is_told(localize, tmp_path, capsys):
    video = write_video(tmp_path / "long.mkv", seconds=3)
    assert localize(video) == 0
    rows = json.loads((tmp_path / "out" / "long.json").read_text())["seconds"]
    best = max(row["relevance"] for row in rows)  # of one second alone
    assert localize(video, "--threshold", repr(best), "--min-seconds", "2") == 0
    assert f" {best:.2f} at " in (out := capsys.readouterr().out)
    assert ", shorter than 2 s -> " in out
