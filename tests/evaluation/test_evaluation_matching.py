from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dmin.data.queries import MatchingClips
from dmin.errors import DataError, ModelError
from dmin.evaluation import evaluate_matching
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DCMR, DCMRConfig
from dmin.models.outputs import WindowOutput
from dmin.models.settings import MatcherSettings
from dmin.report.figures import save_matches

SETTINGS = MatcherSettings("tiny-visual", "1", "tiny-audio", "1", 2.0, 100, window_seconds=10)


class Answers(nn.Module):
    """A network that says the truth, or a start that is always the same."""

    objective, matching, protocol = "windows", "windowed", "context"

    def __init__(self, start: int | None = None, direction: str = "a2v") -> None:
        super().__init__()
        self.config = DCMRConfig(direction)
        self.start = start
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, visual, audio, query_mask, mask):
        assert visual.shape[:2] == audio.shape[:2] == query_mask.shape
        assert (visual.ndim, self.training, self.weight.dtype) == (3, False, torch.float32)
        said = query_mask
        if self.start is not None:
            lengths, second = query_mask.sum(1, keepdim=True), torch.arange(query_mask.shape[1])
            said = (second >= self.start) & (second < self.start + lengths)
        return WindowOutput(said.float() + self.weight)


def test_every_figure_on_three_clips_counted_by_hand(tiny_store):
    """The queries of the test split are 3 of 6 s and start at 2, 0 and 1; in training each of these four times."""
    report = evaluate_matching(Answers(0), SETTINGS, tiny_store, name="first window")
    assert (report.model, report.data, report.split) == ("first window", str(tiny_store), "test")
    assert (report.direction, report.matching, report.protocol) == ("a2v", "windowed", "context")
    assert (report.clips, report.left_out) == (3, 1)
    assert report.exact.value == pytest.approx(1 / 3)
    assert (report.exact.low, report.exact.clips) == (None, 3)
    assert report.mean_absolute_offset_seconds.value == 1.0
    (row,) = report.lengths
    assert (row.seconds, row.clips, row.uniform) == (3, 3, 1 / 4)
    assert row.exact == pytest.approx(1 / 3)
    assert report.priors.uniform == 1 / 4
    assert report.priors.starts_with_clip == report.priors.most_frequent == pytest.approx(1 / 3)
    assert report.priors.ends_with_clip == 0.0
    assert report.best_prior == "starts_with_clip"
    assert report.minus_best_prior.value == 0.0
    assert [result.video_id for result in report.results] == ["clip20", "clip21", "clip22"]
    assert [result.offset_seconds for result in report.results] == [-2, 0, -1]
    assert report.results[0].window_scores == (3.0, 2.0, 1.0, 0.0)


def test_the_linear_answer_stands_beside_the_model(tiny_store):
    report = evaluate_matching(Answers(direction="v2a"), SETTINGS, tiny_store)
    assert report.exact.value == 1.0
    assert report.direction == "v2a"
    right = np.array([result.cca_start == result.start for result in report.results])
    assert report.cca.exact.value == right.mean()
    assert report.minus_cca.value == pytest.approx(1 - right.mean())
    offsets = [abs(result.cca_start - result.start) for result in report.results]
    assert report.cca.mean_absolute_offset_seconds.value == pytest.approx(np.mean(offsets))
    assert report.cca.choice.validation_exact is not None


def test_longer_clips_are_scored_window_by_window(tiny_store):
    report = evaluate_matching(Answers(), replace(SETTINGS, window_seconds=4), tiny_store)
    found = [(r.video_id, r.window_start, r.seconds, r.start, r.length) for r in report.results]
    assert found[:2] == [("clip20", 0, 4, 2, 2), ("clip20", 2, 4, 0, 3)]
    assert report.clips == len(MatchingClips(tiny_store, "test", window_seconds=4)) == len(found)
    assert report.exact.value == 1.0
    assert report.exact.clips == len({video_id for video_id, *_ in found})


def test_a_double_model_answers_in_float32_and_is_left_as_it_was(tiny_store):
    model = Answers(1).double().train()
    assert evaluate_matching(model, SETTINGS, tiny_store).exact.value == pytest.approx(1 / 3)
    assert (model.training, model.weight.dtype) == (True, torch.float64)


@pytest.mark.parametrize("protocol", ["context", "strict"])
def test_the_network_itself_is_scored_under_its_own_protocol(tiny_store, protocol):
    torch.manual_seed(0)
    config = DCMRConfig(
        "v2a", protocol=protocol, visual_size=8, audio_size=6, width=8,
        encoder=EncoderConfig(layers=1, heads=2, hidden=8), inter_modality=InterModalityConfig(heads=2, hidden=8),
    )  # fmt: skip
    model = DCMR(config).eval()
    report = evaluate_matching(model, SETTINGS, tiny_store)
    assert report.protocol == protocol
    sample = MatchingClips(tiny_store, "test")[0]
    query = (sample.labels < 3)[None]
    with torch.inference_mode():
        logits = model(sample.visual.float().mean((1, 2))[None], sample.audio[None], query).segment_logits[0]
    expected = [float(logits[start : start + 3].sum()) for start in range(4)]
    assert report.results[0].window_scores == pytest.approx(expected, abs=1e-5)


def test_it_is_saved_with_pictures(tiny_store, tmp_path):
    report = evaluate_matching(Answers(0), SETTINGS, tiny_store)
    report.save(tmp_path / "new")
    save_matches(report, tmp_path / "new")
    data = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert set(data["exact"]) == {"value", "low", "high", "clips"}
    assert data["priors"]["uniform"] == 0.25
    assert data["lengths"][0]["seconds"] == 3
    assert data["cca"]["choice"]["comparison"] in {"seconds", "means"}
    assert len(data["results"][0]["window_scores"]) == 4
    for name in ("offsets.png", "lengths.png"):
        assert (tmp_path / "new" / name).stat().st_size > 3000


def test_features_of_other_backbones_are_refused(tiny_store):
    with pytest.raises(ModelError, match="extract the videos again with the model's backbones"):
        evaluate_matching(Answers(), replace(SETTINGS, audio_version="2"), tiny_store)


def test_without_other_splits_only_what_needs_none_stands_beside_the_model(tiny_store, tmp_path):
    store = shutil.copytree(tiny_store, tmp_path / "store")
    for split in ("train", "val"):
        (store / "splits" / f"{split}.txt").unlink()
    with pytest.warns(UserWarning, match="the usual start and linear CCA are left out: .*'train'"):
        report = evaluate_matching(Answers(), SETTINGS, store)
    assert (report.priors.most_frequent, report.cca, report.minus_cca) == (None, None, None)
    assert report.results[0].cca_start is None
    assert report.to_dict()["cca"] is None


def test_without_validation_the_linear_settings_are_the_default(tiny_store, tmp_path):
    store = shutil.copytree(tiny_store, tmp_path / "store")
    (store / "splits" / "val.txt").unlink()
    with pytest.warns(UserWarning, match="linear CCA compares seconds in 8 components with ridge 1, unchosen: "):
        report = evaluate_matching(Answers(), SETTINGS, store)
    assert report.cca.choice.validation_exact is None


def test_a_split_without_any_query_is_an_error(tiny_store, tmp_path):
    store = shutil.copytree(tiny_store, tmp_path / "store")
    (store / "splits" / "test.txt").write_text("clip23\n")
    with pytest.raises(DataError, match="so nothing can be searched for"):
        evaluate_matching(Answers(), SETTINGS, store)


def test_progress_counts_clips(tiny_store):
    said = {}

    def note(step, completed, total):
        said[step] = completed, total

    evaluate_matching(Answers(), SETTINGS, tiny_store, progress=note)
    assert said == {
        "evaluate": (3, 3),
        "linear CCA: training clips": (12, 12),
        "linear CCA: validation clips": (3, 3),
        "linear CCA: test clips": (3, 3),
    }
