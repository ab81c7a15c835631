"""Ctrl-C: what each command says, and that it is true."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_fakes import write_video

from dmin.cli import console as consoles
from dmin.cli import main
from dmin.cli.answers import answer_each
from dmin.cli.commands import COMMANDS, run
from dmin.cli.console import Console
from dmin.errors import DataError
from tiny_stores import make_store

WORDS = {
    "compose": ["--out", "clips"],
    "convert": ["--from", "official", "full.pt", "--out", "model"],
    "cut": ["answer.json", "--out", "clips"],
    "data": ["check", "AVE"],
    "demo": [],
    "evaluate": ["run", "store"],
    "export": ["run", "--out", "model.onnx"],
    "extract": ["video.mp4", "--out", "store"],
    "list": ["presets"],
    "localize": ["video.mp4"],
    "match": ["bark.wav", "--in", "video.mp4", "--model", "run"],
    "push": ["run", "owner/name"],
    "reproduce": ["table1", "--out", "tables"],
    "serve": [],
    "train": ["store", "--out", "run"],
}


def test_all_commands_are_here():
    assert set(WORDS) == set(COMMANDS)


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """Makes the current folder one in which what `WORDS` names exists."""
    for name in {word for words in WORDS.values() for word in words if not word.startswith("-")}:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("inputs")
@pytest.mark.parametrize("name", WORDS)
def test_each_command_says_what_is_kept_and_what_comes_next(name, monkeypatch, capsys):
    command = importlib.import_module(f"dmin.cli.{name}_command")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", stop)
    assert run([name, *WORDS[name]]) == 130
    assert capsys.readouterr().err == f"dmin: stopped: {command.STOPPED}\n"
    assert "; the same command " in command.STOPPED


def test_a_key_press_before_the_command_begins(monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", stop)
    with pytest.raises(SystemExit, match="130"):
        main(["list", "presets"])
    assert capsys.readouterr().err == "dmin: stopped before anything was done\n"


@pytest.mark.usefixtures("inputs")
@pytest.mark.parametrize("error", [DataError("the file is damaged"), RuntimeError("odd")])
def test_a_library_that_swallows_the_key_press_does_not_hide_it(error, monkeypatch, capsys):
    def swallow(*_):
        with pytest.raises(KeyboardInterrupt):
            # Not the signal itself, which now and then ends a process of pytest-xdist.
            signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
        raise error

    def run_command(args, console):
        return answer_each([Path("a.mp4"), Path("b.mp4")], swallow, "videos", console)

    monkeypatch.setattr("dmin.cli.match_command.run", run_command)
    if isinstance(error, DataError):
        monkeypatch.setattr("dmin.cli.match_command.run", swallow)
    heed = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert run(["match", *WORDS["match"]]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, heed)
    assert capsys.readouterr().err.startswith("dmin: stopped: ")


@pytest.mark.parametrize("quiet", [True, False])
def test_a_report_after_a_swallowed_key_press_raises_it(quiet):
    console = Console(quiet)
    with console.progress() as progress:
        progress("extract", 1, 3)
        console.interrupted = True
        with pytest.raises(KeyboardInterrupt):
            progress("extract", 2, 3)


@pytest.fixture
def stopped():
    """Starts a command, presses Ctrl-C once there are as many files as asked, and gives what it said."""
    processes = []

    def stopped(words: list[str], folder: Path, pattern: str, count: int = 1) -> str:
        # A shell's background jobs ignore Ctrl-C, and tests may be one.
        heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        script = f"{heed}; import sys; from dmin.cli import main; main(sys.argv[1:])"
        process = subprocess.Popen(
            [sys.executable, "-c", script, *words],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # so that the signal reaches its workers as a key press would, and not the tests
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        processes.append(process)
        deadline = time.monotonic() + 120
        while len(list(folder.glob(pattern))) < count:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "Traceback" not in err
        return err

    yield stopped
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def videos(tmp_path) -> Path:
    """A folder with many videos."""
    first = write_video(tmp_path / "videos" / "video000.mp4")
    for index in range(1, 150):
        shutil.copy(first, first.with_name(f"video{index:03d}.mp4"))
    return first.parent


@pytest.mark.slow
def test_a_stopped_extraction_keeps_what_is_done_and_goes_on(stopped, videos, tmp_path, capsys):
    store = tmp_path / "store"
    words = ["extract", str(videos), "--out", str(store), "--workers", "2"]
    err = stopped(words, store / "features", "*/*.safetensors", 3)
    sentence = "dmin: stopped: finished videos are in the store; the same command does the others\n"
    assert err.endswith(sentence)
    done = len(list((store / "features").glob("*/*.safetensors")))
    for video in sorted(videos.iterdir())[done + 8 :]:  # so that the rest does not take long
        video.unlink()
    assert run([*words[:-1], "1", "--quiet"]) == 0
    out = capsys.readouterr().out
    extracted, there = (int(part.split()[0]) for part in out.split(", ")[:2])
    assert there >= 3
    assert extracted + there == len(list(videos.iterdir()))


@pytest.mark.slow
def test_a_stopped_localization_keeps_its_answers_and_goes_on(stopped, videos, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["localize", str(videos), "--out", str(out), "--no-picture"]
    err = stopped(words, out, "*.json", 3)
    assert err.endswith(
        "dmin: stopped: finished answers are kept; the same command keeps them, too, and does the others\n"
    )
    done = len(list(out.glob("*.json")))
    for video in sorted(videos.iterdir())[done + 2 :]:
        video.unlink()
    assert run([*words, "--quiet"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if " -> " in line]
    assert sum("(there already)" in line for line in lines) == done
    assert len(lines) == done + 2


@pytest.mark.slow
def test_a_stopped_composition_keeps_its_videos_and_goes_on(stopped, tmp_path, capsys):
    out = tmp_path / "clips"
    words = ["compose", "--out", str(out), "--workers", "2", "--width", "32", "--height", "32", "--clips"]
    err = stopped([*words, "5000"], out, "manifest.json")  # its worker processes are just starting
    sentence = "dmin: stopped: finished videos are kept; the same command makes the others\n"
    assert err.splitlines()[1:] == [sentence.strip()]
    shutil.rmtree(out)
    assert stopped([*words, "5000"], out / "videos", "*.mp4", 2).endswith(sentence)
    done = len(list((out / "videos").glob("*.mp4")))
    assert 2 <= done < 5000
    assert not list((out / "videos").glob(".*"))


@pytest.mark.slow
def test_a_stopped_training_keeps_its_epochs_and_goes_on(stopped, tmp_path, capsys):
    store, out = make_store(tmp_path / "store"), tmp_path / "run"
    words = ["train", str(store), "--out", str(out), "--preset", "small", "--model.width", "8", "--device", "cpu"]
    err = stopped([*words, "--epochs", "5000"], out / "checkpoints", "last.ckpt")
    assert err.endswith("dmin: stopped: finished epochs are kept; the same command goes on after the last of them\n")
    before = (out / "metrics.csv").read_text().splitlines()
    assert run([*words, "--epochs", str(len(before) + 1), "--quiet"]) == 0
    after = (out / "metrics.csv").read_text().splitlines()
    assert after[: len(before) - 1] == before[:-1]
    assert len(after) == len(before) + 2


def test_progress_in_a_pipe_is_a_line_now_and_then(monkeypatch, capsys):
    clock = iter([0.0, 1.0, 2.0, 10.5, 11.0, 30.5, 41.0])
    monkeypatch.setattr(consoles.time, "monotonic", lambda: next(clock))
    with Console().progress() as progress:
        progress("extract", 10, 110)
        progress("extract", 12, 110)
        progress("extract", 29, 110)  # 19 in 9.5 seconds
        progress("extract", 30, 110)
        progress("training (best 0.91)", 1, None)
        progress("extract", 110, 110)
    assert capsys.readouterr().err.splitlines() == [
        "extract: 29 of 110, about 0:00:40 left",
        "training (best 0.91): 1",
        "extract: 110 of 110",
    ]
