"""Bad input and bad places through the command line: a sentence each, status 1, and nothing lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from cli_fakes import Ear, Eye, make_model, write_video

from dmin import files as atomic
from dmin.cli.commands import run
from dmin.features import FeatureStore


@pytest.fixture(scope="session")
def good(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("good") / "good.mp4")


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def bad_videos(tmp_path_factory, good) -> dict[Path, str]:
    """Paths and what must be said of them."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video at all\n" * 50)
    (folder / "cut.mp4").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    (folder / "folder.mp4").mkdir()
    write_video(folder / "audio only.mp4", size=0)
    write_video(folder / "video only.mp4", sound=False)
    write_video(folder / "short.mp4", seconds=0.3)
    write_video(folder / "dot.mkv", size=1)
    says = {
        "empty.mp4": "is empty: give a video file",
        "text.mp4": "is not a video or sound that FFmpeg can read, or it is cut off",
        "cut.mp4": "cut off",
        "folder.mp4": "is a folder: give a video file",
        "gone.mp4": "does not exist: check the name",
        "audio only.mp4": "has no video stream: an event must be seen, so give a file with pictures",
        "video only.mp4": "has no audio stream: to take it as silent, use --missing-audio silence",
        "short.mp4": " s: at least 0.5 s are needed",
        "dot.mkv": "is 1x1 pixels: at least 16x16 are needed",
    }
    return {folder / name: words for name, words in says.items()}


@pytest.fixture
def commands(model, make_known):
    """Words of both commands up to the videos, with a model and backbones that answer at once."""
    make_known(Eye, Ear)
    return {
        "localize": ["localize", "--model", str(model), "--no-picture", "--quiet"],
        "extract": ["extract", "--visual", "cli-eye", "--audio", "cli-ear", "--quiet"],
    }


def is_done(command: str, out: Path, video_id: str) -> bool:
    if command == "extract":
        return len(FeatureStore.open(out).read(video_id)) > 0
    return json.loads((out / f"{video_id}.json").read_text())["duration_seconds"] > 0


BOTH = pytest.mark.parametrize("command", ["localize", "extract"])


@BOTH
def test_every_bad_video_gets_its_sentence_and_the_good_one_is_done(
    commands, command, bad_videos, good, tmp_path, capsys
):
    middle = len(bad_videos) // 2
    videos = [str(video) for video in bad_videos]
    out = tmp_path / "out"
    assert run([*commands[command], *videos[:middle], str(good), *videos[middle:], "--out", str(out)]) == 1
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    if command == "localize":  # which looks into folders
        bad_videos = {**bad_videos, next(iter(bad_videos)).with_name("folder.mp4"): "has no video in it or below"}
    for video, words in bad_videos.items():
        (line,) = [line for line in lines if line.startswith(f"dmin: {video} ")]
        assert words in line
        assert line.count(str(video)) == 1
    assert len(lines) == len(bad_videos) + (command == "localize")  # which ends in a sum of all
    assert "Traceback" not in captured.err
    assert is_done(command, out, "good")
    assert ("1 extracted, 0 there already, 9 failed" if command == "extract" else "good.mp4: 1 event") in captured.out


@BOTH
def test_a_video_that_may_not_be_read(commands, command, good, tmp_path, monkeypatch, capsys):
    import av

    original = av.open

    def refuse(file, *args, **options):
        if "secret" in str(file):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return original(file, *args, **options)

    monkeypatch.setattr(av, "open", refuse)
    secret = shutil.copy(good, tmp_path / "secret.mp4")
    assert run([*commands[command], str(secret), str(good), "--out", str(tmp_path / "out")]) == 1
    assert "secret.mp4 may not be read: check its permissions\n" in capsys.readouterr().err
    assert is_done(command, tmp_path / "out", "good")


@BOTH
def test_an_output_folder_that_cannot_be(commands, command, good, tmp_path, capsys):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    assert run([*commands[command], str(good), "--out", str(out)]) == 1
    what = {"localize": "the folder", "extract": "a feature store in"}[command]
    assert capsys.readouterr().err == f"dmin: cannot create {what} {out}: Not a directory\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@BOTH
def test_an_output_folder_that_may_not_be_written(commands, command, good, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    assert run([*commands[command], str(good), "--out", str(out)]) == 1
    (line, *_) = capsys.readouterr().err.splitlines()
    assert "Permission denied" in line


@BOTH
def test_a_full_disk_loses_nothing(commands, command, good, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    assert run([*commands[command], str(good), "--out", str(out)]) == 0
    second, third = (shutil.copy(good, tmp_path / f"{name}.mp4") for name in ("second", "third"))
    before = sorted(path for path in out.rglob("*") if path.is_file())
    capsys.readouterr()

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_write_temporary", full)
        assert run([*commands[command], str(good), str(second), str(third), "--out", str(out)]) == 1
    captured = capsys.readouterr()
    assert "No space left on device" in captured.err
    assert "Traceback" not in captured.err
    if command == "extract":
        assert "stopped with 1 of 3 videos in the store, which stay good" in captured.err
    else:
        assert f"cannot write {out / 'second.csv'}: No space left on device" in captured.err
        assert "2 of 3 videos failed" in captured.err
    assert sorted(path for path in out.rglob("*") if path.is_file()) == before
    assert is_done(command, out, "good")
    # There is room again: the same command goes on.
    assert run([*commands[command], str(good), str(second), str(third), "--out", str(out)]) == 0
    assert all(is_done(command, out, video_id) for video_id in ("good", "second", "third"))


def test_localize_goes_on_when_one_answer_cannot_be_written(commands, good, tmp_path, monkeypatch, capsys):
    second = shutil.copy(good, tmp_path / "second.mp4")
    original = atomic._write_temporary

    def full(path, content):
        if path.name == "good.csv":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return original(path, content)

    monkeypatch.setattr(atomic, "_write_temporary", full)
    out = tmp_path / "out"
    assert run([*commands["localize"], str(good), str(second), "--out", str(out)]) == 1
    captured = capsys.readouterr()
    assert captured.err == (
        f"dmin: cannot write {out / 'good.csv'}: Input/output error\ndmin: 1 of 2 videos failed: {good}\n"
    )
    assert captured.out.startswith(f"{second}: 1 event -> {out / 'second'}.json, .csv\n")
    assert sorted(path.name for path in out.iterdir()) == ["second.csv", "second.json"]


@BOTH
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("what?\nmore"), "good.mp4: RuntimeError: what?"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
def test_what_nobody_has_foreseen_costs_one_video(commands, command, error, words, good, tmp_path, monkeypatch, capsys):
    def fail(self, frames):
        raise error

    monkeypatch.setattr(Eye, "forward", fail)
    assert run([*commands[command], str(good), "--out", str(tmp_path / "out")]) == 1
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err


@BOTH
def test_a_device_that_is_not_here(commands, command, good, tmp_path, capsys):
    assert run([*commands[command], str(good), "--out", str(tmp_path / "out"), "--device", "abacus"]) == 2
    message = "dmin: device is 'abacus': must be auto, cpu, cuda, cuda:1 (the second GPU) or mps\n"
    assert capsys.readouterr().err == message
    assert not (tmp_path / "out").exists()


@BOTH
@pytest.mark.parametrize("name", ["a b & c.mp4", "-dash.mp4", "[x]*?.mp4", "12:30.mp4", "2024", "null", "ünï.mp4"])
def test_any_name_will_do(commands, command, good, tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    shutil.copy(good, name)
    assert run([*commands[command], "--out", "answers & all", "--", name]) == 0
    assert is_done(command, tmp_path / "answers & all", Path(name).stem)


@BOTH
def test_a_name_that_the_terminal_cannot_show(commands, command, good, tmp_path, capsys):
    video = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    try:
        shutil.copy(good, video)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    words = [word for word in commands[command] if word != "--no-picture"]
    assert run([*words, str(video), "--out", str(tmp_path / "out")]) == 0
    says = {"localize": "caf\\udce9.mp4: 1 event", "extract": "1 extracted"}[command]
    assert says in capsys.readouterr().out
    assert is_done(command, tmp_path / "out", video.stem)


def test_two_videos_of_one_id_cannot_be_in_one_store(commands, good, tmp_path, capsys):
    other = shutil.copy(good, tmp_path / "good.mov")
    assert run([*commands["extract"], str(good), str(other), "--out", str(tmp_path / "out")]) == 1
    assert "two videos share the id 'good'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "shard",
    ["a", "1", "0/2", "3/2", "-1/2", "1/2/3"],
)
@pytest.mark.parametrize("command", [["extract", "videos"], ["reproduce", "table1"]], ids=lambda words: words[0])
def test_a_bad_shard(command, tmp_path, capsys, shard):
    assert run([*command, "--out", str(tmp_path / "out"), f"--shard={shard}"]) == 2
    words = f"dmin: shard is '{shard}': must be i/n with i from 1 to n, e.g. 1/4 for the first of four parts\n"
    assert capsys.readouterr().err == words


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="folders differ in what they refuse")
def test_a_folder_without_videos_and_one_that_cannot_be_listed(commands, tmp_path, monkeypatch, capsys):
    assert run([*commands["extract"], str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert f"dmin: no video in {tmp_path}: known suffixes are .mp4" in capsys.readouterr().err

    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", refuse)
    assert run([*commands["extract"], str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"dmin: cannot read the folder {tmp_path}: Permission denied\n"
