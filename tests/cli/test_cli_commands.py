"""Each command's own words: what it prints where."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_fakes import Ear, Eye, make_model, write_video
from lightning.pytorch.utilities import rank_zero_only
from rich.table import Table

from dmin.cli import evaluate_tables
from dmin.cli.commands import COMMANDS, run
from dmin.cli.console import Console, described
from dmin.training.fit import FitReport


@pytest.fixture
def fakes(make_known):
    make_known(Eye, Ear)


@pytest.mark.parametrize(("what", "names"), [("backbones", ["lite0", "sfx"]), ("presets", ["paper", "small"])])
def test_list(what, names, capsys):
    assert run(["list", what]) == 0
    captured = capsys.readouterr()
    assert all(name in captured.out for name in names)
    assert captured.err == ""


def test_the_list_of_systems_can_be_read_in_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["list", "systems"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for words in (
        "psp ",
        "PSP (2021): localization, full and weak",
        "parameters: 1,548,657 / 1,253,902",
        "agta-no-lstm",
        "agta, agta-no-lstm",
        "dima, cmra",
    ):
        assert words in out


def test_list_of_what_there_is_not(capsys):
    assert run(["list", "lunches"]) == 2
    assert "lunches" in capsys.readouterr().err


def test_compose_says_what_it_made(tmp_path, capsys):
    words = ["compose", "--clips", "5", "--workers", "1", "--width", "32", "--height", "32"]
    assert run([*words, "--out", str(tmp_path / "clips")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("5 clips made, 0 there already, ")
    assert "bank scenes: " in captured.err
    assert run([*words, "--out", str(tmp_path / "clips"), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("0 clips made, 5 there already, ")
    assert captured.err == ""


def test_compose_with_an_unknown_bank(tmp_path, capsys):
    assert run(["compose", "--bank", "scene", "--out", str(tmp_path)]) == 2
    assert "did you mean 'scenes'?" in capsys.readouterr().err


def test_demo_prints_figures_events_and_where_they_are(tmp_path, monkeypatch, capsys):
    event = SimpleNamespace(category="Dog", start_seconds=2.0, end_seconds=5.0, score=0.876)

    class Events(list):
        video = "videos/clip.mp4"

    def fake_demo(out, *, narrate, progress, **options):
        assert options == {"clips": 160, "epochs": 30, "seed": 7, "workers": 2}
        narrate("one more step")
        progress("training", 1, 2)
        return SimpleNamespace(metrics=None, events=Events([event]), picture=out / "a.png", page=out / "index.html")

    monkeypatch.setattr("dmin.lab.compose.demo.run_demo", fake_demo)
    monkeypatch.setattr(evaluate_tables, "metrics_table", lambda report: Table(title="figures"))
    assert run(["demo", "--out", str(tmp_path), "--seed", "7"]) == 0
    captured = capsys.readouterr()
    assert "clip.mp4: Dog from 2 to 5 s (score 0.88)\n" in captured.out
    assert f"page:    {tmp_path / 'index.html'}" in captured.out
    assert "one more step" in captured.err
    assert run(["demo", "--out", str(tmp_path), "--seed", "7", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_localize_prints_results_to_stdout_and_progress_to_stderr(fakes, tmp_path, capsys):
    video = write_video(tmp_path / "a.mp4")
    words = ["localize", str(video), "--model", str(make_model(tmp_path / "model")), "--out", str(tmp_path / "out")]
    assert run([*words, "--threshold", "0.0"]) == 0
    captured = capsys.readouterr()
    first, second = captured.out.splitlines()
    assert first == f"{video}: 1 event -> {tmp_path / 'out' / 'a'}.json, .csv, .png"
    assert second.split()[:2] == ["0.0", "to"]
    assert "knows Bell, Dog" in captured.err
    assert "localize" in captured.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.csv", "a.json", "a.png"]
    assert run([*words, "--threshold", "2", "--no-picture"]) == 2
    assert "dmin: --threshold is '2': must be a number from 0 to 1; see" in capsys.readouterr().err


def test_extract_says_what_became_of_each_video(fakes, tmp_path, capsys):
    video = write_video(tmp_path / "videos" / "a.mp4", sound=False)
    words = ["extract", str(video.parent), "--visual", "cli-eye", "--audio", "cli-ear", "--out", str(tmp_path / "out")]
    assert run(words) == 1
    assert "use --missing-audio silence" in capsys.readouterr().err
    for counts in ("1 extracted, 0 there already, 0 failed", "0 extracted, 1 there already, 0 failed"):
        assert run([*words, "--missing-audio", "silence"]) == 0
        captured = capsys.readouterr()
        assert captured.out == f"{counts} -> {tmp_path / 'out'}\n"
        assert "extract" in captured.err
    assert run([*words, "--missing-audio", "silence", "--pooled"]) == 1
    assert "averaged over regions (pooled): features of different settings do not mix" in capsys.readouterr().err
    assert run(["extract", str(video), "--visual", "light0", "--out", str(tmp_path / "new")]) == 2
    assert "did you mean 'lite0'?" in capsys.readouterr().err


class TestConsole:
    def test_a_warning_is_one_line_once(self, capsys):
        console = Console()
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = console.warning
            for _ in range(2):
                warnings.warn("half of it is missing", stacklevel=1)
            warnings.warn("only for programmers", DeprecationWarning, stacklevel=1)
        assert capsys.readouterr().err == "note: half of it is missing\n"

    def test_quiet_keeps_errors_and_results(self, capsys):
        console = Console(quiet=True)
        console.note("a note")
        console.step("a step")
        console.warning("a warning", UserWarning, "file", 1)
        with console.progress() as progress:
            progress("work", 1, 2)
        console.error("an [error]")
        console.result("a [result]")
        assert capsys.readouterr() == ("a [result]\n", "dmin: an [error]\n")

    def test_a_step_is_one_bar_of_a_terminal(self, capsys, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal
        with Console().progress() as progress:
            progress("training (best 0.91)", 1, 2)
            progress("training (best 0.92)", 2, 2)
        err = capsys.readouterr().err
        assert "training (best 0.92)" in err
        assert "2/2" in err

    def test_work_that_fails_at_once_draws_no_bar(self, capsys, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        with pytest.raises(RuntimeError, match="at once"), Console().progress():
            raise RuntimeError("at once")
        assert capsys.readouterr().err == ""

    def test_errors_of_others_in_half_a_sentence(self):
        assert described(OSError(28, "No space left on device", "a.json")) == "No space left on device: a.json"
        assert described(OSError("odd")) == "odd"
        assert described(RuntimeError("first\nsecond")) == "RuntimeError: first"
        assert described(RuntimeError()) == "RuntimeError: "


@pytest.mark.parametrize(
    "words",
    [
        ["localize", "video.mp4"],
        ["match", "bark.wav", "--in", "video.mp4", "--model", "run"],
        ["extract", "video.mp4"],
        ["train", "store"],
        ["evaluate", "run", "store"],
        ["reproduce", "table1"],
    ],
    ids=lambda words: words[0],
)
def test_every_command_refuses_a_device_before_it_looks_at_anything_else(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("store").mkdir()
    assert run([*words, "--out", str(tmp_path / "out"), "--device", "cuda:77"]) == 2
    assert capsys.readouterr().err.startswith("dmin: device is 'cuda:77', but this machine has ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_that_train_together_the_first_alone_speaks(
    rank, tiny_store, tmp_path, capsys, monkeypatch
):
    report = FitReport(tmp_path, 3, 0.5, 4, 10, 0.1, 0.5, 0.0)
    drawn = []
    monkeypatch.setattr("dmin.training.fit.fit", lambda *_, **__: report)
    monkeypatch.setattr("dmin.report.figures.save_curves", drawn.append)
    monkeypatch.setattr(rank_zero_only, "rank", rank)
    assert run(["train", str(tiny_store), "--out", str(tmp_path / "run")]) == 0
    captured = capsys.readouterr()
    assert ("best epoch 3 of 4" in captured.out, "Clips and seconds" in captured.err) == (rank == 0, rank == 0)
    assert rank == 0 or captured == ("", "")
    assert drawn == ([tmp_path] if rank == 0 else [])


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_have_hyphens_and_help_is_in_words(name, capsys):
    words = {"train": ["--preset", "weak-small"]}.get(name, [])
    assert run([name, *words, "--help"]) == 0
    text = capsys.readouterr().out
    assert not re.search(r"--[a-z.-]+_", text)
    for riddle in ("<class", "Literal[", "null", "type:", "tuple[", "%("):
        assert riddle not in text


def test_help_says_kinds_and_defaults(capsys):
    assert run(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--batch-size BATCH-SIZE Clips a step (a whole number, default: 32)" in text
    assert "(whole numbers, as [10,20], default: [10,20,30])" in text
    assert run(["compose", "--help"]) == 0
    assert "(a whole number, default: 8)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("flag", ["--batch-size=7", "--batch_size=7"])
@pytest.mark.parametrize("width", ["--model.visual-width=9", "--model.visual_width=9"])
def test_flags_with_underscores_are_still_understood(flag, width, tiny_store, tmp_path, monkeypatch, capsys):
    seen = []

    def fit(store, run, recipe, progress):
        seen.append(recipe)
        return FitReport(tmp_path, 3, 0.5, 4, 10, 0.1, 0.5, 0.0)

    monkeypatch.setattr("dmin.training.fit.fit", fit)
    monkeypatch.setattr("dmin.report.figures.save_curves", lambda run: None)
    assert run(["train", str(tiny_store), "--out", str(tmp_path / "run"), flag, width, "--quiet"]) == 0
    assert (seen[0].batch_size, seen[0].model.visual_width) == (7, 9)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("train s --out o --epochs x", "--epochs is 'x': must be a whole number"),
        ("train s --out o --model.fusion.heads 2.5", "--model.fusion.heads is '2.5': must be a whole number"),
        ("train s --out o --milestones 3,x", "--milestones is '3,x': must be whole numbers, as [10,20]"),
        ("train s --out o --model.unimodal-heads maybe", "--model.unimodal-heads is 'maybe': must be true or false"),
        ("train s", "--out must be given"),
        ("match a.wav", "--in and --model must be given"),
        ("localize", "VIDEOS must be given"),
        ("localize --missing-audio never a.mp4", "--missing-audio is 'never': must be error or silence"),
        ("localize --threshold high a.mp4", "--threshold is 'high': must be a number from 0 to 1"),
        ("compose --out x --split-shares 3", "--split-shares is '3': must be three numbers, as [0.7,0.15,0.15]"),
        ("list all", "unknown word 'all': Known: backbones, formats, presets, systems"),
        ("list", "backbones, formats, presets or systems must be given"),
        ("data check", "PATHS must be given"),
        ("train s --out o --model 3", "--model alone takes nothing: give one of its fields, --model.NAME VALUE"),
        ("train s --out o --select all", "--select is 'all': must be segment or clip"),
        ("train s --out o --relevance-loss max", "--relevance-loss is 'max': must be mean or sum"),
        ("extract s --out o --workers 0", "--workers is '0': must be a whole number of 1 or more"),
        ("compose --out o --workers=-2", "--workers is '-2': must be a whole number of 1 or more"),
        ("compose --out o --clips 0", "--clips is '0': must be a whole number of 1 or more"),
        ("compose --out o --seed=-1", "--seed is '-1': must be a whole number of 0 or more"),
        ("demo --out o --epochs 0", "--epochs is '0': must be a whole number of 1 or more"),
        ("reproduce table1 --out o --seeds 0", "--seeds is '0': must be a whole number of 1 or more"),
        ("evaluate m s --split valid", "unknown split 'valid': did you mean 'val'? Known: test, train, val"),
        ("evaluate m s --threshold 1.5", "--threshold is '1.5': must be a number from 0 to 1"),
        ("match a.wav --in b.mp4 --model m --start=-1", "--start is '-1': must be a number of 0 or more"),
        ("convert --from x y --out z", "--from is 'x': must be official"),
    ],
)
def test_a_mistyped_flag_is_told_in_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("s").mkdir()
    assert run(words.split()) == 2
    assert capsys.readouterr() == ("", f"dmin: {sentence}; see `dmin {words.split()[0]} --help`\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("train s --out o --epochs 0", "epochs is 0: must be at least 1"),
        ("train s --out o --batch-size 0", "batch_size is 0: must be at least 1"),
        ("train s --out o --seed=-1", "seed is -1: must be from 0 to 4294967295"),
        ("train s --out o --remix 2", "remix is 2: must be within 0 and 1"),
        ("train s --out o --preset a2v-small --splice 2", "splice is 2: must be within 0 and 1"),
        ("train s --out o --preset small --unimodal-weight 2", "unimodal_weight is 2: must be within 0 and 1"),
        (
            "train s --out o --preset small --mil-pooling average",
            "--mil-pooling is 'average': must be probabilities, logits, max or mean",
        ),
        (
            "train s --out o --model.inter_modality none",
            "--model.inter_modality alone takes nothing: give one of its",
        ),
        (
            "train s --out o --preset a2v-small --preset no-dima",
            "the system dmin is for localization, got task matching: choose",
        ),
        ("train s --out o --model.width 0", "width is 0: must be at least 1"),
        ("compose --out o --negatives 3", "negatives must be from 0 to 1, got 3.0"),
        ("compose --out o --clips 2", "clips must be at least 5, so that every split gets one, got 2"),
        ("demo --out o --clips 2", "clips must be at least 5, so that every split gets one, got 2"),
        ("match a.wav --in b.mp4 --model m --start 3 --end 2", "--end is 2 and --start 3: a query must end after its"),
    ],
)
def test_values_that_cannot_be_are_usage_errors_before_any_work(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("s").mkdir()
    assert run(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"dmin: {sentence}")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["s"]


def test_an_unknown_flag_is_answered_with_the_nearest(tmp_path, capsys):
    assert run(["train", str(tmp_path), "--out", "o", "--batch-siz=3"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("dmin: unknown flag '--batch-siz': did you mean '--batch-size', ")
    assert err.count("\n") == 1
