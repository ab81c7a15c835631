"""Mistakes of a data set through the commands that can see them: errors before the work, warnings at its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_fakes import Ear, Eye, make_model, write_video

from dmin.cli.commands import run
from dmin.features import FeatureStore


@pytest.fixture
def data(tmp_path, make_known) -> Path:
    """Three videos of 1.5 s, one a split."""
    make_known(Eye, Ear)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "splits").mkdir()
    for name, video_id in (("train", "a"), ("val", "b"), ("test", "c")):
        write_video(folder / "videos" / f"{video_id}.mp4")
        (folder / "splits" / f"{name}.txt").write_text(f"{video_id}\n")
    (folder / "Annotations.txt").write_text("Bell&a&good&0&1\nDog&b&good&0&1\nBell&c&good&0&1\n")
    return folder


@pytest.fixture
def extract(data, tmp_path) -> list[str]:
    return ["extract", str(data), "--visual", "cli-eye", "--audio", "cli-ear", "--out", str(tmp_path / "store")]


@pytest.fixture
def evaluate(data, tmp_path) -> list[str]:
    return ["evaluate", str(make_model(tmp_path / "model")), str(data), "--out", str(tmp_path / "scores")]


@pytest.mark.parametrize("command", ["extract", "evaluate"])
def test_an_error_stops_before_the_first_video(command, request, data, tmp_path, capsys):
    words = request.getfixturevalue(command)
    (data / "splits" / "train.txt").write_text("a.mp4\n")
    (data / "Annotations.txt").write_text("Bell&a.mp4&good&0&1\nDog&b&good&0&1\nBell&c&good&0&1\n")
    assert run(words) == 1
    assert "'a.mp4' (did you mean 'a', without the suffix?): 1 of 3 clips" in capsys.readouterr().err
    assert not list(tmp_path.glob("**/*.safetensors")) or command == "evaluate"
    assert not (tmp_path / "store").exists()
    assert not (tmp_path / "scores").exists()


def test_warnings_are_summed_up_and_kept(extract, data, tmp_path, capsys):
    (data / "Annotations.txt").write_text("Bell&a&good&0&1000\nDog&b&good&500&1500\nBell&c&good&0&1000\n")
    write_video(data / "videos" / "extra.mp4")
    assert run(extract) == 0
    captured = capsys.readouterr()
    for words in ("extra.mp4: no line of", "the times look like milliseconds", "2 warnings, kept in"):
        assert words in captured.err
    assert len((tmp_path / "store" / "warnings.txt").read_text().splitlines()) == 2


def test_a_folder_of_videos_alone_is_said_to_be_one(extract, data, capsys):
    (data / "Annotations.txt").unlink()
    assert run(extract) == 0
    assert "has no Annotations.txt: the store will hold features alone" in capsys.readouterr().err


def test_evaluate_decodes_the_split_it_scores(evaluate, tmp_path, capsys):
    assert run(evaluate) == 0
    assert FeatureStore.open(tmp_path / "scores" / "store").ids() == ("c",)
    out = capsys.readouterr().out
    assert "(1 clip, no interval)" in out


def test_evaluate_takes_a_video_without_sound_for_silent_if_told(evaluate, data, capsys):
    write_video(data / "videos" / "c.mp4", sound=False)
    assert run(evaluate) == 1
    assert "has no audio stream: to take it as silent, use --missing-audio silence" in capsys.readouterr().err
    assert run([*evaluate, "--missing-audio", "silence"]) == 0


def test_train_says_what_it_trains_on_and_takes_mended_annotations(extract, data, tmp_path, capsys):
    assert run([*extract, "--quiet"]) == 0
    train = ["train", str(tmp_path / "store"), "--preset", "small", "--epochs", "1", "--out", str(tmp_path / "run")]
    train += ["--model.width", "8", "--model.visual-width", "8", "--model.encoder.hidden", "8"]
    assert run(train) == 0
    said = capsys.readouterr().err
    rows = {line.split("│")[1].strip(): line.split("│")[2:-1] for line in said.splitlines() if line.startswith("│")}
    assert [int(cell) for cell in rows["Bell"]] == [1, 1, 0, 0, 1, 1]
    assert [int(cell) for cell in rows["no event"]] == [0, 1, 0, 1, 0, 1]
    (data / "Annotations.txt").write_text("Bell&a")
    assert run(train) == 1
    assert f"{data / 'Annotations.txt'}, row 1: got 'Bell&a', 2 fields instead of 5" in capsys.readouterr().err
