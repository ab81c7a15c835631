"""`dmin reproduce`: what it prints, and what it says of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dmin.cli.commands import run
from dmin.lab.paper.material import PreparedData, SourceOptions


@pytest.fixture
def tiny_data(tiny_store: Path, monkeypatch) -> list[Any]:
    """The tiny store in place of composed clips; what was asked for is noted."""
    asked: list[Any] = []

    def prepare(data: Any, out: Path, materials: Any, source: SourceOptions, progress: Any) -> PreparedData:
        asked.append((data, set(materials), source))
        stores = dict.fromkeys(("full", "weak", "matching"), tiny_store)
        return PreparedData(stores, words="tiny clips", remark="Not comparable.", on_ave=data != "composed")

    monkeypatch.setattr("dmin.lab.paper.reproduce.prepare_data", prepare)
    return asked


def words(out: Path, *more: str) -> list[str]:
    return ["reproduce", "table1", "--out", str(out), "--epochs", "1", "--device", "cpu", *more]


def test_ours_are_printed_beside_the_papers(tiny_data: list[Any], tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("dmin.cli.console._Lines.EVERY_SECONDS", 0.0)
    assert run(words(tmp_path, "--data", "composed", "--clips", "24", "--bank", "stamps", "--rows", "dmin")) == 0
    captured = capsys.readouterr()
    assert tiny_data == [("composed", {"full", "weak"}, SourceOptions(bank="stamps", clips=24, workers=2))]
    rows = [line.split() for line in captured.out.splitlines() if line.startswith("DMIN")]
    assert [row[-3] for row in rows] == ["79.6", "74.3"]
    assert rows[1][-1] == "probabilities"
    assert max(map(len, captured.out.split("tiny clips")[0].splitlines())) <= 80
    assert "table1: full supervision" in captured.out
    assert "tiny clips; presets of the family small, with epochs 1" in captured.out
    assert "(on AVE)" in " ".join(captured.out.split())
    assert captured.out.endswith(f"Not comparable.\n-> {tmp_path}/table1.json, .md, .png and .html\n")
    assert "dmin weak seed 0" in captured.err
    assert (tmp_path / "table1.html").is_file()
    assert (tmp_path / "table1.png").read_bytes().startswith(b"\x89PNG")
    assert run(words(tmp_path, "--data", "composed", "--quiet", "--seeds", "0")) == 2
    assert "dmin: --seeds is '0': must be a whole number of 1 or more; see" in capsys.readouterr().err


def test_an_unknown_preset_family_is_named(tiny_data: list[Any], tmp_path: Path, capsys) -> None:
    assert run(words(tmp_path, "--data", "composed", "--preset-family", "smal")) == 2
    assert "unknown preset family 'smal': did you mean 'small'? Known: brief, official" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["table1", "--data", "nowhere", "--clips", "9"],
            "got --clips with --data nowhere: leave out what is for --data composed only",
        ),
        (["table1", "--data", "composed", "--rows", "pps"], "unknown row of table1 'pps': did you mean 'psp', "),
        (["tabel1", "--data", "composed"], "unknown table or figure 'tabel1': did you mean 'table1', "),
        (["table1", "--data", "composed", "--bank", "scene"], "unknown bank 'scene': did you mean 'scenes'?"),
        (["table1", "--data", "composed", "--visual", "lite1"], "unknown visual backbone 'lite1': did you mean 'lite0"),
        (["fig7", "--data", "composed", "--rows", "pps"], "unknown row of table1 'pps': did you mean 'psp', "),
    ],
)
def test_mistakes_of_usage_are_named(options: list[str], message: str, tmp_path: Path, capsys) -> None:
    assert run(["reproduce", *options, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["table1", "--data", "nowhere"], "no folder nowhere: give a folder of AVE, a feature store, or the"),
        (["table1", "--data", "composed", "--bank", "folder"], "bank folder needs a folder: say where"),
    ],
)
def test_missing_data_are_named(options: list[str], message: str, tmp_path: Path, capsys) -> None:
    assert run(["reproduce", *options, "--out", str(tmp_path / "out")]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_neither_features_nor_videos_is_named(tmp_path: Path, capsys) -> None:
    assert run(["reproduce", "table2", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "holds neither AVE's released features" in capsys.readouterr().err
