"""AVE through the command line: `dmin data check`, `dmin extract --from-ave-h5`, `dmin extract --ave`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_fakes import Ear, Eye, write_video

from dmin.cli.commands import run
from dmin.features import FeatureStore
from lab.ave.ave_maker import ROWS, make_release, write_h5


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "ave")


def test_check_of_a_copy_that_agrees(release: Path, capsys) -> None:
    (release / "data" / "visual_feature.h5").unlink()
    assert run(["data", "check", str(release)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for words in (
        "train_order.h5",
        "missing (1)",
        "(1) AVE's project page, https://sites.google.com/view/audiovisualresearch",
        "(2) the links in the README of https://github.com/YapengTian/AVE-ECCV18",
        "prior: right category in every second",
        "prior: window at random",
        "- row 2, 'Dog&c&good&0&0' (line 3 of Annotations.txt), has no event",
        "- 7 videos: 1 ids repeat",
        "What is there agrees.",
    ):
        assert words in captured.out
    (background,) = [line for line in captured.out.splitlines() if "prior: all background" in line]
    assert [cell.strip() for cell in background.split("│")[2:-1]] == ["42.50 %", "35.00 %", "35.00 %"]


def test_check_of_a_copy_that_contradicts_itself(release: Path, capsys) -> None:
    write_h5(release / "data" / "labels_closs.h5", np.zeros((8, 10)))
    write_h5(release / "data" / "val_order.h5", [9], "order")
    assert run(["data", "check", str(release), "--quiet"]) == 1
    captured = capsys.readouterr()
    assert "What is there agrees" not in captured.out
    first, second = captured.err.splitlines()
    assert "labels_closs.h5, row 0: says 'background' in second 0, but 'Bell&a&good&0&10' (line 1" in first
    assert "val_order.h5, row 0: got 9, must be a whole number from 0 to 7" in second


def test_check_of_something_else(tmp_path: Path, capsys) -> None:
    assert run(["data", "check", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"dmin: no Annotations.txt in {tmp_path} or its subfolders data, AVE_Dataset")
    assert run(["data", "chek", str(tmp_path)]) == 2


def test_names_that_look_like_markup(tmp_path: Path, capsys) -> None:
    folder = make_release(tmp_path / "[red]ave")
    text = (folder / "data" / "Annotations.txt").read_text().replace("Dog", "[b]Dog")
    (folder / "data" / "Annotations.txt").write_text(text)
    assert run(["data", "check", str(folder)]) == 0
    assert "[b]Dog" in capsys.readouterr().out


def test_the_shared_copy(shared: Path, capsys) -> None:
    assert run(["data", "check", str(shared / "ave")]) == 0
    assert "17.79 %" in capsys.readouterr().out


def test_released_features_to_a_store(release: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("dmin.cli.console._Lines.EVERY_SECONDS", 0.0)
    words = ["extract", "--from-ave-h5", str(release), "--out", str(tmp_path / "store")]
    for counts in ("8 extracted, 0 there already, 0 failed", "0 extracted, 8 there already, 0 failed"):
        assert run(words) == 0
        captured = capsys.readouterr()
        assert captured.out == f"{counts} -> {tmp_path / 'store'}\n"
        assert "extract: 8 of 8" in captured.err
    assert run([*words, "--match"]) == 1
    assert "was made with ave-vgg19 released" in capsys.readouterr().err
    assert run([*words[:-1], str(tmp_path / "match"), "--match", "--quiet"]) == 0
    assert FeatureStore.open(tmp_path / "match").settings.visual == "ave-vgg19-mean"
    maps = np.full((8, 10, 2, 2, 6), np.nan)
    write_h5(release / "data" / "visual_feature.h5", maps)
    assert run([*words[:-1], str(tmp_path / "bad"), "--noisy", "--quiet"]) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith(f"2 extracted, 0 there already, 8 failed -> {tmp_path / 'bad'}\n")
    assert "visual_feature.h5, row 0: holds numbers that are not finite" in captured.err


def test_videos_to_a_store(release: Path, tmp_path: Path, make_known, capsys) -> None:
    make_known(Eye, Ear)
    video = write_video(release / "AVE" / "a.mp4", seconds=1.5)
    for _, video_id, *_ in ROWS[1:]:
        (release / "AVE" / f"{video_id}.mp4").write_bytes(video.read_bytes())
    words = ["extract", "--ave", str(release), "--visual", "cli-eye", "--audio", "cli-ear"]
    assert run([*words, "--out", str(tmp_path / "store")]) == 0
    assert capsys.readouterr().out.startswith("7 extracted, 0 there already, 0 failed")
    assert len(FeatureStore.open(tmp_path / "store")) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "got 0 sources: give videos or folders, or --ave DIR, or --from-ave-h5 DIR"),
        (["clips", "--ave", "ave"], "got 2 sources"),
        (["clips", "--match"], "--match goes with --ave or --from-ave-h5"),
        (["--ave", "ave", "--noisy"], "--noisy with --from-ave-h5"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], message: str, tmp_path: Path, capsys) -> None:
    assert run(["extract", *options, "--out", str(tmp_path / "store")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_a_missing_folder_of_ave_is_named(tmp_path: Path, capsys) -> None:
    assert run(["extract", "--ave", "nowhere", "--out", str(tmp_path / "store")]) == 1
    assert capsys.readouterr().err == "dmin: nowhere does not exist: check the name\n"
    (tmp_path / "empty").mkdir()
    assert run(["extract", "--ave", str(tmp_path / "empty"), "--out", str(tmp_path / "store")]) == 1
    assert f"no Annotations.txt in {tmp_path / 'empty'}" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_without_h5py_the_command_that_installs_it_is_told(tmp_path: Path, monkeypatch, capsys) -> None:
    make_release(tmp_path / "ave")
    monkeypatch.setitem(sys.modules, "h5py", None)
    sentence = "dmin: h5py is not installed: run `pip install 'dmin[ave]'`\n"
    for words in (
        ["data", "check", str(tmp_path / "ave")],
        ["extract", "--from-ave-h5", str(tmp_path / "ave"), "--out", str(tmp_path / "store")],
    ):
        assert run(words) == 1
        assert capsys.readouterr().err.endswith(sentence)


def test_h5py_is_loaded_only_for_ave() -> None:
    code = "import sys, dmin.cli.commands, dmin.data.clips, dmin.cli.data_command; print('h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
