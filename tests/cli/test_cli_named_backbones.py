"""Networks by name through the commands: a store, a DMIN trained on it, a video localized, a card."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from backbones.hub_tiny import save_hf, save_timm
from dmin import Localizer, backbones
from dmin.cli.commands import run
from dmin.errors import ModelError
from dmin.features import FeatureStore
from dmin.publish.card import model_card
from dmin.publish.run import Run
from features.features_fakes import make_video

LIGHT, DARK = (255, 250, 240), (10, 20, 30)
TINY = ["--model.visual-width", "8", "--model.width", "8", "--epochs", "2", "--device", "cpu"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set of three clips of four seconds; the light ones sound."""
    folder = tmp_path_factory.mktemp("clips")
    lines = ["Category&VideoID&Quality&StartTime&EndTime"]
    (folder / "splits").mkdir()
    for name in ("train", "val", "test"):
        make_video(folder / "videos" / f"{name}.mp4", [DARK, LIGHT, LIGHT, DARK], size=64)
        lines.append(f"Light&{name}&good&1&3")
        (folder / "splits" / f"{name}.txt").write_text(f"{name}\n")
    (folder / "Annotations.txt").write_text("\n".join(lines) + "\n")
    return folder


def all_the_way(data, folder, visual, audio, capsys):
    """Extract, train and localize; the store, the answer, and what was said on the way."""
    store, trained = folder / "store", folder / "run"
    words = ["extract", str(data), "--out", str(store), "--visual", visual, "--audio", audio, "--device", "cpu"]
    assert run(words) == 0, capsys.readouterr().err
    said = capsys.readouterr().err
    assert run(["train", str(store), "--preset", "small", "--out", str(trained), *TINY]) == 0, capsys.readouterr().err
    events = Localizer.from_pretrained(trained, device="cpu")(data / "videos" / "test.mp4", threshold=0.0)
    return FeatureStore.open(store), trained, events, said


def test_timm_and_frame_wise_sound(data, tmp_path, capsys):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    save_timm("test_vit", tmp_path / "vit", pretrained_cfg_overlay={"input_size": (3, 48, 80)}, img_size=(48, 80))
    save_hf("wav2vec2", tmp_path / "w2v")
    (tmp_path / "w2v" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    visual, audio = f"timm:local-dir:{tmp_path / 'vit'}", f"hf:{tmp_path / 'w2v'}"
    store, trained, events, said = all_the_way(data, tmp_path, visual, audio, capsys)
    clip = store.read("test")
    assert (clip.visual.shape, clip.audio.shape) == ((4, 3, 5, 64), (4, 16))
    assert "licence apache-2.0" in said
    assert "licence cc-by-nc-4.0" in said
    settings = json.loads((store.folder / "manifest.json").read_text())["settings"]
    assert (settings["visual_licence"], settings["audio_licence"]) == ("apache-2.0", "cc-by-nc-4.0")
    assert settings["visual_version"] == backbones.card_of(visual, "visual").version
    # A map that is no square reaches the answer and its picture.
    assert events.attention.shape == (4, 3, 5)
    assert np.allclose(events.attention.sum((1, 2)), 1, atol=1e-4)
    events.plot(tmp_path / "answer.png")
    assert (tmp_path / "answer.png").stat().st_size > 1000
    card = model_card(Run.open(trained), "ann/net")
    assert f"**Backbone `{audio}`**, not part of this repository: cc-by-nc-4.0" in card
    save_timm("test_vit", tmp_path / "vit", img_size=(48, 80))  # another configuration in the same place
    with pytest.raises(ModelError, match=r"was trained on features of timm:local-dir:.*give the files and the dmin"):
        Localizer.from_pretrained(trained, device="cpu")


@pytest.mark.parametrize(("image", "sound"), [("siglip", "ast"), ("dinov3", "clap"), ("convnext", "whisper")])
@pytest.mark.slow
def test_transformers_for_both(image, sound, data, tmp_path, capsys):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    save_hf(image, tmp_path / "eye")
    save_hf(sound, tmp_path / "ear")
    _, _, events, said = all_the_way(data, tmp_path, f"hf:{tmp_path / 'eye'}", f"hf:{tmp_path / 'ear'}", capsys)
    assert len(events.seconds) == 4
    assert "licence not stated" in said


def test_a_search_lists_networks_of_timm(capsys):
    assert run(["list", "backbones", "--search", "test_vit"]) == 0
    out = capsys.readouterr().out
    assert "timm:test_vit.r160_in1k" in out
    assert "timm:test_resnet" not in out
    assert run(["list", "backbones", "--search", "nothing-like-it"]) == 1
    assert "timm has no network with weights whose name holds 'nothing-like-it'" in capsys.readouterr().err
    assert run(["list", "systems", "--search", "psp"]) == 2


def test_transformers_missing_is_said_in_a_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert run(["extract", str(make_video(tmp_path / "a.mp4", [LIGHT])), "--out", "s", "--audio", "hf:a/b"]) == 2
    assert "run `pip install 'dmin[hub]'`" in capsys.readouterr().err
