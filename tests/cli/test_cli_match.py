"""`dmin match`: what it writes, what it prints, and what becomes of bad queries."""

from __future__ import annotations

import json

import pytest
from cli_fakes import Ear, Eye, write_video

from dmin.cli.commands import run
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DCMR, DCMRConfig
from dmin.models.settings import MatcherSettings


@pytest.fixture(autouse=True)
def fakes(make_known):
    make_known(Eye, Ear)


@pytest.fixture(scope="session", params=["a2v", "v2a"])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("matching") / request.param
    config = DCMRConfig(
        request.param, protocol="strict", visual_size=8, audio_size=6, width=8,
        encoder=EncoderConfig(layers=1, heads=2, hidden=8), inter_modality=InterModalityConfig(heads=2, hidden=8),
    )  # fmt: skip
    DCMR(config).save_pretrained(folder)
    MatcherSettings("cli-eye", "1", "cli-ear", "1", 2.0, 8000, window_seconds=5).save(folder)
    return folder


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_video(folder / "long.mp4", seconds=7)
    write_video(folder / "query.mp4", seconds=2)
    write_video(folder / "silent.mp4", seconds=2, sound=False)
    write_video(folder / "sound.m4a", seconds=2, size=0)
    return folder


def test_a_match_is_written_drawn_and_printed(model, files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("dmin.cli.console._Lines.EVERY_SECONDS", 0.0)
    query, inside, out = files / "query.mp4", files / "long.mp4", tmp_path / "out"
    words = ["match", str(query), "--in", str(inside), "--model", str(model), "--out", str(out)]
    assert run(words) == 0
    captured = capsys.readouterr()
    head, *places = captured.out.splitlines()
    assert head == f"{query}: 2 s in {inside} -> {out / 'query'}.json, .png"
    data = json.loads((out / "query.json").read_text())
    assert (data["direction"], data["query_seconds"], len(data["windows"])) == (model.name, 2, 6)
    assert places[0].split() == [f"{data['start']:.1f}", "to", f"{data['end']:.1f}", "s", f"{data['score']:.2f}"]
    assert 2 <= len(places) <= 3
    assert model.name in captured.err
    assert "search" in captured.err
    assert sorted(path.name for path in out.iterdir()) == ["query.json", "query.png"]


def test_a_piece_without_a_picture_and_quietly(model, files, tmp_path, capsys):
    words = ["match", str(files / "long.mp4"), "--in", str(files / "query.mp4"), "--model", str(model), "--no-picture"]
    assert run([*words, "--start", "2.5", "--end", "3.5", "--out", str(tmp_path), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    data = json.loads((tmp_path / "long.json").read_text())
    assert (data["query_start"], data["query_end"], data["query_seconds"]) == (2.5, 3.5, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["long.json"]


def test_a_bad_query_gets_its_sentence_and_the_others_are_done(model, files, tmp_path, capsys):
    good, bad = ("sound.m4a", "silent.mp4") if model.name == "a2v" else ("silent.mp4", "sound.m4a")
    queries = [str(files / name) for name in ("gone.mp4", bad, "long.mp4", good)]
    words = ["match", *queries, "--in", str(files / "long.mp4"), "--model", str(model), "--quiet", "--no-picture"]
    assert run([*words, "--out", str(tmp_path)]) == 1
    gone, lacking, long, failed = capsys.readouterr().err.splitlines()
    assert gone == f"dmin: {queries[0]} does not exist: check the name"
    assert f"{queries[1]} has no {'audio' if model.name == 'a2v' else 'video'} stream: give a file with" in lacking
    assert "gives a query of 7 s" in long
    assert "finds 1 to 4 s, so choose a piece by its start and end" in long
    assert failed == f"dmin: 3 of 4 queries failed: {', '.join(queries[:3])}"
    assert [path.stem for path in tmp_path.iterdir()] == [good.split(".")[0]]


def test_what_is_searched_must_be_readable(model, files, tmp_path, capsys):
    words = ["match", str(files / "query.mp4"), "--in", str(files / "gone.mp4"), "--model", str(model), "--quiet"]
    assert run([*words, "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"dmin: {files / 'gone.mp4'} does not exist: check the name\n"


def test_a_model_must_be_given_and_be_one_of_matching(files, capsys):
    words = ["match", str(files / "query.mp4"), "--in", str(files / "long.mp4")]
    assert run([*words, "--model", "nothing"]) == 1
    assert "no model 'nothing': give" in capsys.readouterr().err
