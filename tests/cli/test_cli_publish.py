"""`dmin push`, `dmin export`, and models of the hub in the commands that take one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from cli_fakes import Ear, Eye, make_model, write_video

from dmin.cli.commands import run
from dmin.inference import Localizer


@pytest.fixture
def model(make_known, tmp_path):
    make_known(Eye, Ear)
    return make_model(tmp_path / "run")


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "videos" / "bell.mkv", seconds=3.0)


def seconds_of(folder):
    return json.loads((folder / "bell.json").read_text())["seconds"]


def test_a_pushed_model_answers_as_the_one_it_was(hub, model, video, tmp_path, capsys):
    assert run(["push", str(model), "ann/bells", "--license", "mit"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (f"config.json, model.safetensors, localizer.json, README.md -> {hub.url}/ann/bells\n")
    assert captured.err == ""
    ours, theirs = Localizer.from_pretrained(model), Localizer.from_pretrained("ann/bells")
    assert theirs.digest == ours.digest
    assert theirs(video).seconds == ours(video).seconds
    words = ["localize", str(video), "--no-picture", "--quiet"]
    assert run([*words, "--model", str(model), "--out", str(tmp_path / "ours")]) == 0
    assert run([*words, "--model", "ann/bells", "--out", str(tmp_path / "theirs")]) == 0
    assert seconds_of(tmp_path / "ours") == seconds_of(tmp_path / "theirs")


def test_a_revision_in_the_commands(hub, model, video, tmp_path, capsys):
    assert run(["push", str(model), "ann/bells", "--revision", "v2", "--message", "Two", "--private", "--quiet"]) == 0
    words = ["localize", str(video), "--model", "ann/bells", "--no-picture", "--out", str(tmp_path / "events")]
    capsys.readouterr()
    assert run(words) == 1
    assert "no config.json in" in capsys.readouterr().err
    assert run([*words, "--revision", "v2"]) == 0
    assert "model ann/bells@v2 knows Bell, Dog" in capsys.readouterr().err
    assert json.loads((tmp_path / "events" / "bell.json").read_text())["model"] == "ann/bells@v2"
    for command in (["evaluate", "ann/bells", str(video.parent)], ["match", str(video), "--in", str(video)]):
        model_flag = [] if command[0] == "evaluate" else ["--model", "ann/bells"]
        assert run([*command, *model_flag, "--revision", "v3"]) == 1
        assert "the hub has no revision 'v3' of it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nowhere", "ann/bells"], 1, "nowhere does not exist: check the name"),
        (["run", "bells"], 2, "got the name 'bells': must be owner/name, as in the address of its page on the hub"),
        (
            ["run", "bob/bells"],
            1,
            "run was not pushed to bob/bells: the hub does not permit it to your account or token",
        ),
        (
            ["videos", "ann/bells"],
            1,
            "no config.json in videos: give a folder that `dmin train` or save_pretrained wrote",
        ),
    ],
)
def test_mistakes_are_one_line(hub, model, video, tmp_path, monkeypatch, capsys, words, status, sentence):
    monkeypatch.chdir(tmp_path)
    assert run(["push", *words]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"dmin: {sentence}")
    assert captured.err.count("\n") == 1
    assert hub.repositories == {}


def test_an_edited_card_is_told_of(hub, model, capsys):
    (model / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    assert run(["push", str(model), "ann/bells"]) == 0
    assert capsys.readouterr().err == "the card was edited, and stays as it is\n"
    assert hub.files("ann/bells")["README.md"] == (model / "README.md").read_bytes()


def test_export_prints_the_difference_and_the_file(model, tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    assert run(["export", str(model), "--out", str(tmp_path / "bell.onnx"), "--quiet"]) == 0
    captured = capsys.readouterr()
    difference, file = captured.out.splitlines()
    assert re.fullmatch(
        r"largest difference from torch on clips of 1, 10 and 37 s: \d.\de-\d\d \(allowed: 1e-04\)", difference
    )
    assert file == f"relevance, categories, attention -> {tmp_path / 'bell.onnx'} (0.1 MB)"
    assert captured.err == ""


@pytest.mark.slow
def test_another_process_with_another_cache_and_then_without_a_network(hub, model, video, tmp_path, capsys):
    """The client reads its variables when it is imported, which the tests in this process cannot show."""
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        f"import sys\nsys.path.insert(0, {os.path.dirname(__file__)!r})\n"  # noqa: PTH120
        "from cli_fakes import Ear, Eye\nfrom dmin.backbones import register\nfrom dmin.models import system\n"
        "from dmin.lab.zoo.avel import AVEL\nregister(Eye.card)(Eye)\nregister(Ear.card)(Ear)\n"
        "system('of-the-test', title='', paper='', year=2022, source='')(AVEL)\n"
    )

    def dmin(*words, token=None, **variables):
        code = f"from dmin.cli import main; main({[*words, '--plugin', str(plugin)]!r})"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        environment |= hub.environment(tmp_path / "home", token) | variables
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )

    assert run(["push", str(model), "ann/bells", "--private"]) == 0
    words = ["localize", str(video), "--model", "ann/bells", "--no-picture", "--quiet", "--out"]
    with pytest.MonkeyPatch.context() as nobody:
        hub.use(nobody, tmp_path / "nobody")
        capsys.readouterr()
        assert run([*words, str(tmp_path / "none")]) == 1
        assert capsys.readouterr().err.count("\n") == 1
    online = dmin(*words, str(tmp_path / "online"), token="token-of-ann")
    assert (online.returncode, online.stderr) == (0, "")
    asked = len(hub.requests)
    offline = dmin(*words, str(tmp_path / "offline"), HF_HUB_OFFLINE="1")
    assert (offline.returncode, offline.stderr) == (0, "")
    assert len(hub.requests) == asked
    assert (
        run(["localize", str(video), "--model", str(model), "--no-picture", "--quiet", "--out", str(tmp_path / "here")])
        == 0
    )
    assert seconds_of(tmp_path / "here") == seconds_of(tmp_path / "online") == seconds_of(tmp_path / "offline")
