"""`dmin localize --labels`: tiny random networks from the words to the files, and flags that do not go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backbones.hub_tiny import save_hf, save_tokenizer
from dmin import Localizer
from dmin.cli.commands import run
from dmin.results.events import Events
from features.features_fakes import make_video

LIGHT, DARK = (255, 250, 240), (10, 20, 30)
LABELS = ["--labels", " a dog barks,Church bell"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> list[str]:
    """Flags that name a tiny SigLIP and a tiny CLAP."""
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    folder = tmp_path_factory.mktemp("pair")
    for family in ("siglip", "clap"):
        save_hf(family, folder / family)
        save_tokenizer(folder / family)
    (folder / "siglip" / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    return ["--visual", f"hf:{folder / 'siglip'}", "--audio", f"hf:{folder / 'clap'}", "--device", "cpu"]


@pytest.fixture
def data(tmp_path) -> Path:
    """A data set of two clips; the light seconds sound."""
    for name in ("a", "b"):
        make_video(tmp_path / "data" / "videos" / f"{name}.mp4", [DARK, LIGHT, LIGHT], size=64)
    (tmp_path / "data" / "Annotations.txt").write_text("a dog barks&a&good&1&3\nBackground&b&good&0&0\n")
    (tmp_path / "data" / "splits").mkdir()
    (tmp_path / "data" / "splits" / "val.txt").write_text("a\nb\n")
    return tmp_path / "data"


def test_from_words_to_answers_and_to_a_model_for_the_page(data, pair, tmp_path, capsys):
    out, kept, video = tmp_path / "out", tmp_path / "runs" / "words", data / "videos" / "a.mp4"
    words = ["localize", str(video), *LABELS, *pair, "--rule", "product", "--out", str(out), "--formats", "csv,vtt"]
    assert run([*words, "--calibrate", str(data), "--save-model", str(kept)]) == 0, capsys.readouterr().err
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert any("licence apache-2.0; " in line for line in lines)
    assert any("licence not stated; " in line for line in lines)
    assert any("chosen on 2 clips (6 seconds):" in line for line in lines)
    assert any(line.endswith("knows Church bell, a dog barks") for line in lines)
    assert {path.name for path in out.iterdir()} == {"a.json", "a.csv", "a.vtt", "a.png"}
    events = Events.from_json(out / "a.json")
    assert {*events.seconds[0].scores} == {"a dog barks", "Church bell"}
    assert events.model.startswith("words by hf-text:")
    config = json.loads((kept / "config.json").read_text())
    assert (config["model"], config["rule"], config["category_names"]) == (
        "Words",
        "product",
        ["a dog barks", "Church bell"],
    )
    assert run([*words, "--force", "--save-model", str(kept)]) == 0  # an older one is replaced
    # The folder is a model as any other: same answer, for the command and for whoever loads it.
    assert run(["localize", str(video), "--model", str(kept), "--out", str(tmp_path / "again"), "--no-picture"]) == 0
    assert Events.from_json(tmp_path / "again" / "a.json").seconds == events.seconds
    assert Localizer.from_pretrained(kept, device="cpu").model.config.visual_floor == config["visual_floor"]
    shelf = pytest.importorskip("dmin.web.shelf", reason="the extra web is not installed")
    assert shelf.Shelf(Localizer, tmp_path / "runs", "cpu")["words"](video).seconds == events.seconds


def test_other_words_are_another_answer_and_the_same_ones_are_kept(data, pair, tmp_path, capsys):
    words = ["localize", str(data / "videos" / "a.mp4"), *pair, "--out", str(tmp_path / "out"), "--no-picture"]
    assert run([*words, *LABELS]) == 0
    assert run([*words, *LABELS]) == 0
    assert "(there already)" in capsys.readouterr().out
    assert run([*words, "--labels", "photo", "--distractors", "silence, bell"]) == 0
    assert "(there already)" not in capsys.readouterr().out


@pytest.mark.slow
def test_several_workers_answer_alike_without_reading(data, pair, tmp_path, capsys):
    videos = [str(data / "videos")]
    assert run(["localize", *videos, *LABELS, *pair, "--out", str(tmp_path / "one"), "--no-picture"]) == 0
    several = ["--workers", "2", "--out", str(tmp_path / "two"), "--no-picture"]
    assert run(["localize", *videos, *LABELS, *pair, *several]) == 0, capsys.readouterr().err
    for name in ("a", "b"):
        one, two = (Events.from_json(tmp_path / folder / f"{name}.json") for folder in ("one", "two"))
        assert [second.relevance for second in one.seconds] == pytest.approx(
            [second.relevance for second in two.seconds], abs=1e-4
        )


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--rule", "joint"], 2, "--rule goes with --labels: give both, or leave it out"),
        (["--save-model", "x"], 2, "--save-model goes with --labels"),
        ([*LABELS, "--model", "mine"], 2, "got --labels and a model: give one of both"),
        ([*LABELS, "--rule", "agreed"], 2, "unknown rule 'agreed': did you mean 'agreement'?"),
        (["--labels", "dog,,cat"], 1, "label 2 of 3 is empty"),
        (["--labels", ","], 1, "there is no label"),
        (["--labels", "dog", "--visual", "lite0"], 1, "lite0 does not read: give hf:OWNER/NAME of CLIP's or SigLIP's"),
        (["--labels", "dog", "--visual", "hf:nobody"], 1, "hf-text:nobody: there is no such folder here"),
    ],
)
def test_flags_that_do_not_go_together(words, status, message, data, capsys):
    assert run(["localize", str(data / "videos" / "a.mp4"), *words]) == status
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_model_of_words_replaces_nothing_else(data, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text('{"model": "DMIN", "category_names": ["Words"]}')
    (tmp_path / "file").touch()
    for name, message in {"run": "holds something else than a model of words", "file": "is a file"}.items():
        assert run(["localize", str(data), *LABELS, "--save-model", str(tmp_path / name)]) == 2
        assert f"--save-model {tmp_path / name} {message}: name a" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_the_story_from_words_to_a_trained_network(data, pair, tmp_path, capsys):
    videos = data / "videos"
    for name in "cde":
        make_video(videos / f"{name}.mp4", [DARK, LIGHT, LIGHT, DARK], size=64)
    steps = {name: str(tmp_path / name) for name in ("labels", "words", "mine", "store", "run", "score")}
    commands = [
        # Random networks find nothing of their own: a threshold of 0 makes each second an event of its best label.
        ["localize", str(videos), *LABELS, *pair, "--threshold", "0", "--out", steps["labels"], "--formats", "eaf",
         "--no-picture", "--save-model", steps["words"]],
        ["data", "import", *(f"{steps['labels']}/{name}.eaf" for name in "abcde"), "--videos", str(videos),
         "--out", steps["mine"]],
        ["extract", steps["mine"], "--out", steps["store"], "--visual", pair[1].replace("hf:", "hf-text:"),
         "--audio", pair[3].replace("hf:", "hf-text:"), "--device", "cpu"],
        ["evaluate", steps["words"], steps["store"], "--split", "train", "--out", steps["score"]],
        ["train", steps["store"], "--preset", "small", "--out", steps["run"], "--model.visual-width", "8",
         "--model.width", "8", "--epochs", "1", "--device", "cpu"],
    ]  # fmt: skip
    for words in commands:
        assert run(words) == 0, capsys.readouterr().err
    words, trained = (Localizer.from_pretrained(steps[name], device="cpu") for name in ("words", "run"))
    assert {*trained.categories} <= {*words.categories}
    assert (trained.settings.visual, trained.settings.audio) == (words.settings.visual, words.settings.audio)
    assert len(trained(videos / "c.mp4").seconds) == 4
    metrics = json.loads((tmp_path / "score" / "metrics.json").read_text())
    # The labels are the words' own, at a threshold of 0: the best label of each second is the right one by definition.
    assert metrics["category_accuracy_given_event"]["value"] == 1.0
