"""A system of one's own is one new file: the one in the documentation, in every command."""

import json
import re
from pathlib import Path

import pytest

from dmin import plugins
from dmin.backbones import registry
from dmin.cli.commands import run
from dmin.errors import ModelError
from dmin.features import FeatureStore
from dmin.layers import INTER_MODALITY
from dmin.models.systems import SYSTEMS, systems
from dmin.plugins import load_plugin
from dmin.results.events import Event
from dmin.results.formats import FORMATS
from features.features_fakes import PAIR, make_video
from report.report_examples import answer

SLOT = """
from torch import nn
from dmin.layers import INTER_MODALITY, Attended

class OnlyOther(nn.Module):
    def forward(self, own, encoded, other, mask=None, other_mask=None, return_weights=False):
        return Attended(own + other, None)

@INTER_MODALITY.register("only-other")
def make(width, config):
    return OnlyOther()
"""
IDS = """
from dmin.results.formats import writes

@writes("ids", ".ids", "ids")
def to_ids(events):
    return "x"
"""
DOCUMENT = Path(__file__).parent.parent / "docs" / "systems.md"


@pytest.fixture(autouse=True)
def _plugins_as_before(monkeypatch):
    """Worker processes of later tests load nothing of these."""
    monkeypatch.setattr(plugins, "loaded", [])


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The file of the documentation, forgotten afterwards."""
    monkeypatch.setattr(SYSTEMS, "_entries", dict(systems()))
    (text,) = re.findall(r'```python title="each_second.py"\n(.*?)```', DOCUMENT.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "each_second.py"
    path.write_text(text, "utf-8")
    return str(path)


def test_it_is_listed(plugin, capsys):
    assert run(["list", "systems", "--plugin", plugin]) == 0
    assert "each-second" in capsys.readouterr().out
    assert run(["list", "presets", "--plugin", plugin]) == 0
    assert "each-second-weak-small" in capsys.readouterr().out


def test_it_is_trained_scored_and_compared(plugin, tiny_store, tmp_path, capsys):
    trained = str(tmp_path / "mine")
    words = ["train", str(tiny_store), "--plugin", plugin, "--preset", "each-second-full-small", "--out", trained]
    assert run([*words, "--epochs", "2", "--model.width", "8", "--device", "cpu"]) == 0
    assert json.loads((tmp_path / "mine" / "config.json").read_text())["model"] == "EachSecond"
    assert run(["evaluate", trained, str(tiny_store), "--plugin", plugin, "--out", str(tmp_path / "test")]) == 0
    assert "segment accuracy" in capsys.readouterr().out
    words = [
        "reproduce",
        "table1",
        "--plugin",
        plugin,
        "--rows",
        "each-second",
        "avel-audio",
        "--data",
        str(tiny_store),
    ]
    assert run([*words, "--out", str(tmp_path / "tables"), "--epochs", "1", "--device", "cpu"]) == 0
    table = json.loads((tmp_path / "tables" / "table1.json").read_text())
    rows = {(column["row"], column["column"]): column["paper_percent"] for column in table["columns"]}
    assert rows[("each-second", "full")] is None
    assert rows[("avel-audio", "weak")] == 53.4


def test_a_file_may_fill_a_slot_alone(tmp_path, tiny_store, capsys, monkeypatch):
    monkeypatch.setattr(INTER_MODALITY, "_entries", dict(INTER_MODALITY))
    path = tmp_path / "other.py"
    path.write_text(SLOT, "utf-8")
    words = [
        "train",
        str(tiny_store),
        "--preset",
        "small",
        "--model.inter_modality.name",
        "only-other",
        "--epochs",
        "1",
    ]
    words += ["--device", "cpu", "--out", str(tmp_path / "run")]
    assert run(words) == 2
    assert "if it is of your own making, give --plugin FILE" in capsys.readouterr().err
    assert run([*words, "--plugin", str(path)]) == 0
    assert "only-other" in (tmp_path / "run" / "config.json").read_text()


def test_without_its_file_a_model_says_what_to_give(plugin, tiny_store, tmp_path, capsys, monkeypatch):
    words = ["train", str(tiny_store), "--plugin", plugin, "--system", "each-second", "--out", str(tmp_path / "mine")]
    assert run([*words, "--epochs", "1", "--device", "cpu"]) == 0
    del SYSTEMS._entries["each-second"]
    assert run(["evaluate", str(tmp_path / "mine"), str(tiny_store)]) == 1
    assert "unknown network 'EachSecond'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "registers nothing: put @system"),
        ("import nowhere_to_be_found", r"fails in line 1: ModuleNotFoundError: No module named"),
        ("def f(:", "SyntaxError"),
        (
            "from dmin.models import system\n@system('a', title='A', paper='-', year=2026, source='-')\nclass A: ...",
            "A is neither a LocalizationModel nor a MatchingModel: derive from one",
        ),
        (
            "from dmin.models import DMIN, system\n"
            "system('psp', title='A', paper='-', year=2026, source='-')(type('A', (DMIN,), {}))",
            "there is a system 'psp' already: choose another name",
        ),
    ],
)
def test_a_bad_file_is_named(text, message, tmp_path, monkeypatch):
    monkeypatch.setattr(SYSTEMS, "_entries", dict(systems()))
    path = tmp_path / "plugin.py"
    path.write_text(text)
    with pytest.raises(ModelError, match=message):
        load_plugin(path)


def test_a_missing_file_is_named(tmp_path, capsys):
    assert run(["list", "systems", "--plugin", str(tmp_path / "none.py")]) == 2
    assert "no plugin" in capsys.readouterr().err


def test_the_format_of_the_documentation_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(FORMATS, "_entries", dict(FORMATS))
    text = (DOCUMENT.parent / "formats.md").read_text("utf-8")
    (code,) = re.findall(r'```python title="seconds_only.py"\n(.*?)```', text, re.DOTALL)
    (tmp_path / "seconds_only.py").write_text(code, "utf-8")
    assert run(["list", "formats", "--plugin", str(tmp_path / "seconds_only.py")]) == 0
    assert "one second with an event per line" in capsys.readouterr().out
    assert FORMATS["seconds"].to_text(answer(Event(2.0, 4.0, "Dog", 0.9))) == "2\n3\n"


@pytest.mark.slow
def test_the_format_of_a_file_is_written_by_several_workers(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(FORMATS, "_entries", dict(FORMATS))
    plugin = tmp_path / "ids.py"
    plugin.write_text(IDS)
    videos = [str(make_video(tmp_path / f"{name}.mkv", [(200, 30, 30), (30, 30, 200)])) for name in ("a", "b")]
    words = ["localize", *videos, "--out", str(tmp_path / "out"), "--no-picture", "--quiet", "--workers", "2"]
    assert run([*words, "--plugin", str(plugin), "--formats", "ids"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.ids")) == ["a.ids", "b.ids"]


def test_the_documentation_names_all_formats():
    text = (DOCUMENT.parent / "formats.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \| `([.\w]+)`", text, re.MULTILINE)) == {
        (form.name, form.suffix) for form in FORMATS.values()
    }


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_backbones_of_a_file_are_extracted_with(workers, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(registry._makers, "_entries", dict(registry._makers))
    (path := tmp_path / f"pair{workers}.py").write_text(PAIR)
    videos = [str(make_video(tmp_path / f"{i}.mp4", [(255, 0, 0), (0, 0, 255)])) for i in range(2)]
    words = ["extract", *videos, "--out", str(tmp_path / "store"), "--visual", "eye-of-mine", "--audio", "ear-of-mine"]
    assert run([*words, "--plugin", str(path), "--workers", str(workers)]) == 0
    store = FeatureStore.open(tmp_path / "store")
    assert store.ids() == ("0", "1")
    assert (store.read("0").visual.shape, store.read("0").audio.shape) == ((2, 1, 2, 3), (2, 2))
    assert run(["list", "backbones", "--plugin", str(path)]) == 0
    assert "ear-of-mine" in capsys.readouterr().out
