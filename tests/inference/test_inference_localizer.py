from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dmin.errors import DminError, ModelError
from dmin.features import FeatureStore, Settings
from dmin.inference import Localizer, localizer
from dmin.layers import EncoderConfig, FusionConfig, InterModalityConfig, VisualAttentionConfig
from dmin.media import Recording
from dmin.models import DMIN, DMINConfig
from dmin.models.settings import LocalizerSettings
from features.features_fakes import make_video
from inference.inference_fakes import Ear, Eye


class Probed(Recording):
    """A recording whose features are in a store."""

    footage = None
    info = SimpleNamespace(picture_rate=25.0)

    def __init__(self, name):
        self.name = name


@pytest.mark.slow
def test_events_come_out_of_features(tiny_run, tiny_store, tiny_backbones, monkeypatch):
    store = FeatureStore.open(tiny_store)
    monkeypatch.setattr(localizer, "stream_features", lambda recording, *a, **k: iter([store.read(recording.name)]))
    find = Localizer.from_pretrained(tiny_run)
    assert find.categories == ("Bell", "Dog", "Rain")
    found = find(Probed("clip20"))  # Bell, from second 2 to 5
    assert found.duration_seconds == 6.0
    assert [(e.start_seconds, e.end_seconds, e.category) for e in found] == [(2.0, 5.0, "Bell")]
    assert (found.video, found.frames_per_second) == ("clip20", 25.0)
    assert found.attention.shape == (6, 2, 2)
    assert np.allclose(found.attention.sum((1, 2)), 1.0, atol=1e-5)
    assert all(abs(sum(second.scores.values()) - 1) < 1e-4 for second in found.seconds)
    assert len(find(Probed("clip23"))) == 0  # nothing of any category
    assert len(find(Probed("clip20"), threshold=1.0)) == 0
    assert len(find(Probed("clip20"), min_seconds=4.0)) == 0
    with pytest.raises(ModelError, match="threshold is 2"):
        find(Probed("clip20"), threshold=2)


SMALL = DMINConfig(
    ("Dog",), visual_size=8, audio_size=6, visual_width=8, width=8, encoder=EncoderConfig(layers=1, heads=2, hidden=8),
    inter_modality=InterModalityConfig(heads=2, hidden=8), fusion=FusionConfig(heads=2),
    visual_attention=VisualAttentionConfig(size=8, bottleneck=8),
)  # fmt: skip


def test_a_converted_checkpoint_in_double_precision_answers_as_float32(tmp_path):
    DMIN(SMALL).double().save_pretrained(tmp_path)
    LocalizerSettings("ave-visual", "1", "ave-audio", "1", 4.0, 8000, window_seconds=10, threshold=0.5).save(tmp_path)
    find = Localizer.from_pretrained(tmp_path)
    assert {parameter.dtype for parameter in find.model.parameters()} == {torch.float32}
    assert repr(find) == f"Localizer(model {tmp_path} knows Dog)"


@pytest.mark.parametrize(
    ("version", "frames_per_second", "rate_hz", "message"),
    [
        (
            "0",
            2.0,
            100,
            r"tiny-visual 0 \(frames_per_second 2\), here is 1 \(2\): give the files and the dmin it was trained with",
        ),
        ("1", 4.0, 100, r"tiny-visual 1 \(frames_per_second 4\), here is 1 \(2\)"),
        ("1", 2.0, 200, r"tiny-audio 1 \(rate_hz 200\), here is 1 \(100\)"),
    ],
)
def test_features_of_another_kind_are_refused(version, frames_per_second, rate_hz, message, tiny_backbones):
    features = Settings("tiny-visual", version, "tiny-audio", "1", frames_per_second, rate_hz)
    with pytest.raises(ModelError, match=f"'mine' was trained on features of {message}"):
        Localizer(DMIN(SMALL), LocalizerSettings.of(features, 10, threshold=0.5), "mine")


def test_fast_backbones_where_the_machine_has_them(tmp_path, make_known, monkeypatch):
    make_known(Eye, Ear)
    DMIN(replace(SMALL, visual_size=1, audio_size=1)).save_pretrained(tmp_path)
    exact = LocalizerSettings("match-eye", "1", "match-ear", "1", 2.0, 8000, window_seconds=10, threshold=0.5)
    for settings in (exact, replace(exact, fast=True)):
        settings.save(tmp_path)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
        asked = Localizer.from_pretrained(tmp_path, device="cpu", fast=True)
        unasked = Localizer.from_pretrained(tmp_path, device="cpu")
        assert (asked.visual.runtime.fast, asked.audio.runtime.fast) == (True, True)
        assert (unasked.visual.runtime.fast, unasked.audio.runtime.fast) == (settings.fast, settings.fast)
        assert (asked.digest == unasked.digest) == settings.fast  # their answers do not pass for each other's
        monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
        assert not Localizer.from_pretrained(tmp_path, device="cpu").visual.runtime.fast
        with pytest.raises(ModelError, match="work without --fast"):
            Localizer.from_pretrained(tmp_path, device="cpu", fast=True)


def test_an_unknown_model_says_what_can_be_given():
    with pytest.raises(ModelError, match="no model 'nothing': give 'starter', a folder"):
        Localizer.from_pretrained("nothing")


@pytest.mark.slow
def test_many_videos_give_answers_and_errors_as_values(tmp_path):
    for name in ("a", "b", "c"):
        make_video(tmp_path / f"{name}.mkv", [(200, 30, 30), (30, 30, 200)])
    (tmp_path / "bad.mp4").write_text("no video")
    videos = [*sorted(tmp_path.glob("*.*")), tmp_path / "gone.mp4"]
    find = Localizer.from_pretrained()
    with closing(find.many(videos, threshold=0.0)) as answers:
        here = dict(answers)
    with closing(find.many(videos, workers=2, threshold=0.0)) as answers:
        there = dict(answers)
    assert list(here) == videos
    assert set(there) == set(videos)
    for video in videos:
        if video.suffix == ".mkv":
            assert [event.category for event in here[video]] == [event.category for event in there[video]]
            assert here[video].seconds[0].relevance == pytest.approx(there[video].seconds[0].relevance, abs=1e-4)
        else:
            assert isinstance(there[video], DminError)
            assert str(here[video]) == str(there[video])
            assert "bad.mp4 is not a video" in str(here[video]) or "gone.mp4 does not exist" in str(here[video])
    with pytest.raises(DminError, match="workers is 0: must be at least 1"):
        next(find.many(videos, workers=0))
