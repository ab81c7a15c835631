import subprocess
import sys

import pytest
import yaml

import dmin
from dmin.cli.commands import COMMANDS, run


def test_the_public_names_are_these():
    assert dmin.__all__ == ["Event", "Events", "Localizer", "Match", "Matcher", "__version__"]


def test_importing_dmin_loads_nothing_heavy():
    heavy = "{'torch', 'numpy', 'lightning', 'matplotlib', 'gradio', 'h5py', 'jsonargparse', 'rich', 'PIL.Image'}"
    code = f"import sys, dmin; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "words",
    [
        "localize gone",
        "extract gone --out o",
        "extract --ave gone --out o",
        "train gone --out o",
        "evaluate model gone",
        "convert gone --out o",
        "cut gone",
        "data check gone",
    ],
)
def test_a_missing_file_is_named_before_torch_is_loaded(words, tmp_path):
    code = f"import sys; from dmin.cli.commands import run; print(run({words.split()}), 'torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert (found.stdout, found.stderr) == ("1 False\n", "dmin: gone does not exist: check the name\n")
    assert not list(tmp_path.iterdir())


def test_public_names_are_found_at_first_use():
    assert dmin.Localizer.__module__ == "dmin.inference.localizer"
    assert set(dmin.__all__) < set(dir(dmin))
    with pytest.raises(AttributeError, match="module 'dmin' has no attribute 'Localiser'"):
        _ = dmin.Localiser


def test_without_words_the_commands_are_listed(capsys):
    assert run([]) == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name} " in out


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_helps_with_an_example(name, capsys):
    assert run([name, "--help"]) == 0
    assert f"Example: dmin {name}" in " ".join(capsys.readouterr().out.split())


def test_a_misspelt_command_is_answered_with_the_nearest(capsys):
    assert run(["localise", "x.mp4"]) == 2
    assert "did you mean 'localize' or 'list'?" in capsys.readouterr().err


def test_a_misspelt_preset_is_answered_with_the_three_nearest(tmp_path, capsys):
    assert run(["train", str(tmp_path), "--out", "run", "--preset", "papr"]) == 2
    words = "did you mean 'paper', 'v2a-paper' or 'a2v-paper'? "
    assert words in (err := capsys.readouterr().err)
    assert err.endswith("are known, `dmin list presets` shows them\n")


@pytest.mark.slow
def test_bad_videos_get_a_sentence_each_and_no_traceback(tiny_run, tiny_backbones, tmp_path, capsys):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all")
    videos = [str(tmp_path / name) for name in ("empty.mp4", "text.mp4", "missing.mp4")] + [str(tmp_path / "nothing")]
    (tmp_path / "nothing").mkdir()
    assert run(["localize", *videos, "--model", str(tiny_run), "--out", str(tmp_path / "out")]) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "empty.mp4 is empty" in err
    assert "text.mp4 is not a video" in err
    assert "missing.mp4 does not exist" in err
    assert "nothing has no video in it or below" in err
    assert "4 of 4 videos failed" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_evaluate_writes_the_contracts_metrics(tiny_run, tiny_store, tiny_backbones, tmp_path, capsys):
    assert run(["evaluate", str(tiny_run), str(tiny_store), "--out", str(tmp_path), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert "segment accuracy" in captured.out
    assert captured.err == ""
    assert (tmp_path / "metrics.json").is_file()


@pytest.mark.slow
def test_flags_override_presets_wherever_they_stand(capsys):
    words = ["--epochs", "3", "--preset", "small", "--model.width=64", "--preset=agva", "--print-config"]
    for order in (words, words[::-1][:1] + words[:-1], [*words[2:], *words[:2]]):
        assert run(["train", "--out", "run", *order]) == 0
        recipe = yaml.safe_load(capsys.readouterr().out)
        assert (recipe["epochs"], recipe["batch_size"]) == (3, 16)
        assert (recipe["model"]["width"], recipe["model"]["visual_attention"]["name"]) == (64, "agva")


def test_train_takes_presets_and_flags(tiny_store, tmp_path, capsys):
    words = ["train", str(tiny_store), "--out", str(tmp_path / "run"), "--preset", "small", "--epochs", "1"]
    assert run([*words, "--model.width", "32", "--device", "cpu", "--cache", "memory"]) == 0
    captured = capsys.readouterr()
    assert "best epoch 1 of 1" in captured.out
    assert "\nfeatures (0.0 MB) are read once and held in memory, where " in captured.err
    assert "% of the time waiting for data\n" in captured.err
    recipe = (tmp_path / "run" / "train.yaml").read_text()
    assert "width: 32" in recipe
    assert "batch_size: 16" in recipe


def test_flags_have_no_abbreviations(capsys):
    assert run(["localize", "--thresh", "0.5", "a.mp4"]) == 2
    assert "unknown flag '--thresh': did you mean '--threshold'" in capsys.readouterr().err
