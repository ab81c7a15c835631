"""`dmin evaluate` of networks that match sounds and pictures, and how it tells them from the others."""

from __future__ import annotations

import json

import pytest
import torch
from cli_fakes import Ear, Eye, make_model, write_video

from dmin.cli.commands import run
from dmin.data.annotations import Annotation, write_annotations
from dmin.data.folder import write_split
from dmin.features import FeatureStore
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DCMR, DCMRConfig
from dmin.models.settings import MatcherSettings


def make_matcher(folder, visual="cli-eye", audio="cli-ear", rate_hz=8000):
    """Write an untrained DCMR for features of these backbones."""
    torch.manual_seed(0)
    config = DCMRConfig(
        "a2v", protocol="strict", visual_size=8, audio_size=6, width=8,
        encoder=EncoderConfig(layers=1, heads=2, hidden=8), inter_modality=InterModalityConfig(heads=2, hidden=8),
    )  # fmt: skip
    DCMR(config).save_pretrained(folder)
    MatcherSettings(visual, "1", audio, "1", 2.0, rate_hz, window_seconds=10).save(folder)
    return folder


@pytest.fixture
def matcher(tmp_path):
    """For the features of the tiny store."""
    return make_matcher(tmp_path / "matcher", "tiny-visual", "tiny-audio", 100)


def test_a_matcher_is_scored_beside_priors_and_cca(matcher, tiny_store, tmp_path, capsys):
    assert run(["evaluate", str(matcher), str(tiny_store), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    said = " ".join(captured.out.split())  # whatever the width of the terminal
    for words in (
        "a2v, on test: 3 clips (1 without a query left out)",
        "exact window",
        "prior: any window at random",
        "0.250",
        "model minus best prior",
        "linear CCA, exact window",
        "mean absolute offset, s",
        "exact, queries of 3 s",
        "protocol strict, matching windowed; CCA of ",
        ", 4 components, ridge ",
        "chosen on validation",
        "offsets.png, lengths.png",
    ):
        assert words in said
    data = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (data["model"], data["clips"], data["direction"]) == (str(matcher), 3, "a2v")


def test_a_threshold_is_nothing_for_a_matcher(matcher, tiny_store, capsys):
    assert run(["evaluate", str(matcher), str(tiny_store), "--threshold", "0.3"]) == 1
    error = capsys.readouterr().err
    assert f"dmin: got --threshold 0.3 for {matcher}, which matches" in error
    assert "leave --threshold out" in error


def test_features_of_other_backbones_are_refused(tiny_store, tmp_path, capsys):
    other = make_matcher(tmp_path / "other")
    assert run(["evaluate", str(other), str(tiny_store), "--out", str(tmp_path / "out"), "--quiet"]) == 1
    assert "extract the videos again with the model's backbones" in capsys.readouterr().err


@pytest.mark.parametrize("make", [make_matcher, make_model], ids=["matcher", "localizer"])
def test_features_of_a_folder_of_videos_are_extracted_first(make, tmp_path, make_known, capsys):
    make_known(Eye, Ear)
    data = tmp_path / "data"
    (data / "splits").mkdir(parents=True)
    names = {split: [f"{split}{i}" for i in range(2)] for split in ("train", "val", "test")}
    for split, ids in names.items():
        write_split(data / "splits" / f"{split}.txt", ids)
        for video_id in ids:
            write_video(data / "videos" / f"{video_id}.mp4", seconds=3)
    lines = [Annotation("Bell", video_id, "good", 1.0, 3.0) for ids in names.values() for video_id in ids]
    write_annotations(data / "Annotations.txt", lines)
    model, out = make(tmp_path / "model"), tmp_path / "out"
    assert run(["evaluate", str(model), str(data), "--out", str(out), "--quiet"]) == 0
    assert "2 clips" in capsys.readouterr().out
    assert "test0" in FeatureStore.open(out / "store")
    assert (out / "metrics.json").is_file()


@pytest.mark.parametrize("text", [None, "{", "[]", '{"model": "Other"}'])
def test_a_folder_that_holds_no_known_network(text, tmp_path, capsys):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    assert run(["evaluate", str(tmp_path), str(tmp_path)]) == 1
    assert "config.json" in capsys.readouterr().err


def test_a_name_that_is_no_model(tmp_path, capsys):
    assert run(["evaluate", str(tmp_path / "none"), str(tmp_path)]) == 1
    assert "a folder that `dmin train` wrote" in capsys.readouterr().err


def test_unseen_categories_are_kept_apart(tmp_path, make_known, capsys):
    make_known(Eye, Ear)
    data = tmp_path / "data"
    (data / "splits").mkdir(parents=True)
    lines = [Annotation("Bell", "a", "good", 0, 1), Annotation("Bell", "b", "good", 0, 0)]
    lines += [Annotation("Dog", "c", "good", 0, 1), Annotation("Bell", "d", "good", 0, 1)]
    write_annotations(data / "Annotations.txt", lines)
    for split, ids in (("train", "a"), ("val", "b"), ("test", "cd")):
        write_split(data / "splits" / f"{split}.txt", list(ids))
        for video_id in ids:
            write_video(data / "videos" / f"{video_id}.mp4")
    words = ["evaluate", str(make_model(tmp_path / "model")), str(data), "--out", str(tmp_path / "out"), "--quiet"]
    assert run([*words, "--split", "val"]) == 0
    assert "OV-AVEBench" not in capsys.readouterr().out
    assert run([*words, "--split", "test"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for row in (
        "when: event / background, category given",
        "F1 of boundaries, off by 1 s at most",
        "OV-AVEBench: event F1",
    ):
        assert row in said
    groups = json.loads((tmp_path / "out" / "metrics.json").read_text())["groups"]
    assert {name: figures["clips"] for name, figures in groups.items()} == {"seen": 1, "unseen": 1, "all": 2}
