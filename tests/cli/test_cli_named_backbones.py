"""Networks by name through the commands: a store, a DMIN trained on it, a video localized, a card."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from itertools import cycle

import numpy as np
import pytest

from backbones.hub_tiny import IMAGES, SOUNDS, TIMM, save_both, save_hf, save_own_code, save_timm
from dmin import Localizer, backbones
from dmin.backbones import registry
from dmin.cli.commands import run
from dmin.errors import ModelError
from dmin.features import FeatureStore
from dmin.publish.card import model_card
from dmin.publish.run import Run
from features.features_fakes import make_video

LIGHT, DARK = (255, 250, 240), (10, 20, 30)
TINY = ["--model.visual-width", "8", "--model.width", "8", "--epochs", "1", "--device", "cpu"]
FAMILIES = list(zip([*TIMM, *IMAGES], cycle(SOUNDS), strict=False))
"""Every family of pictures, each with one of sound."""


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


def check_the_way(data, folder, visual, audio, capsys):
    """All the way; features and maps are as the cards say."""
    store, _, events, said = all_the_way(data, folder, visual, audio, capsys)
    shapes = [backbones.card_of(*names).output_shape for names in ((visual, "visual"), (audio, "audio"))]
    clip = store.read("test")
    assert (clip.visual.shape[1:], clip.audio.shape[1:]) == tuple(shapes)
    assert len(events.seconds) == 4
    assert events.attention.shape == (4, *shapes[0][:2])
    assert "licence not stated" in said


@pytest.mark.parametrize(("image", "sound"), FAMILIES)
@pytest.mark.slow
def test_every_family_all_the_way(image, sound, data, tmp_path, capsys, monkeypatch):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    # OpenVINO takes ten seconds to compile some; that it gives the same maps is tested beside the backbones.
    monkeypatch.setattr("dmin.backbones.runtime._is_installed", lambda: False)
    eye, ear = tmp_path / "eye", tmp_path / "ear"
    of_timm = image in TIMM
    save_timm(image, eye) if of_timm else save_hf(image, eye)
    save_hf(sound, ear)
    check_the_way(data, tmp_path, f"timm:local-dir:{eye}" if of_timm else f"hf:{eye}", f"hf:{ear}", capsys)


@pytest.mark.slow
def test_one_network_for_both_all_the_way(data, tmp_path, capsys):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    save_both(tmp_path / "both")
    check_the_way(data, tmp_path, f"hf:{tmp_path / 'both'}", f"hf:{tmp_path / 'both'}", capsys)


@pytest.fixture
def untrusted(monkeypatch, tmp_path):
    """Forget what was allowed and read; code that transformers copies goes into a folder of the test."""
    monkeypatch.setenv("DMIN_TRUST_REMOTE_CODE", "0")  # so that it is as before afterwards
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))

    def forget():
        monkeypatch.setenv("DMIN_TRUST_REMOTE_CODE", "0")
        registry._card.cache_clear()

    return forget


@contextmanager
def serving(settings):
    """The page, of which only the loading of a model is left."""
    Localizer.from_pretrained(settings.models, "cpu")
    raise KeyboardInterrupt
    yield ""


@pytest.mark.slow
def test_code_of_a_backbone_runs_in_no_command_unless_it_is_allowed(data, tmp_path, capsys, monkeypatch, untrusted):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    monkeypatch.setattr("dmin.web.page.serving", serving)
    save_own_code(tmp_path / "mine")
    store, trained, video = str(tmp_path / "store"), str(tmp_path / "run"), str(data / "videos" / "test.mp4")
    flag, on_cpu = "--trust-remote-code", ["--device", "cpu"]
    extracted = ["extract", str(data), "--out", store, "--visual", f"hf:{tmp_path / 'mine'}", *on_cpu, flag]
    assert run(extracted) == 0, capsys.readouterr().err
    assert run(["train", store, "--preset", "small", "--out", trained, *TINY]) == 0, capsys.readouterr().err
    commands = {
        ("evaluate", trained, store, "--out", str(tmp_path / "scores"), *on_cpu): 0,
        ("export", trained, "--out", str(tmp_path / "model.onnx")): 0,
        ("localize", video, "--model", trained, "--out", str(tmp_path / "events"), "--no-picture", *on_cpu): 0,
        ("serve", "--models", trained, *on_cpu): 130,  # stopped by Ctrl-C, as ever
        (
            "reproduce",
            "table1",
            "--data",
            store,
            "--rows",
            "dmin",
            "--epochs",
            "1",
            "--out",
            str(tmp_path / "tables"),
            *on_cpu,
        ): 0,
    }
    for words, status in commands.items():
        untrusted()
        capsys.readouterr()
        assert run(list(words)) == 1, words
        assert "--trust-remote-code" in capsys.readouterr().err, words
        assert run([*words, flag]) == status, (words, capsys.readouterr().err)


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
