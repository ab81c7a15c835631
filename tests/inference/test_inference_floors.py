"""Floors chosen on labelled clips: they move as far as the clips demand, and in the right direction."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dmin import Localizer
from dmin.backbones import Backbone, Card, TextTower
from dmin.errors import DataError, ModelError
from dmin.inference import calibrate_floors
from inference.inference_fakes import write_levels

WORDS = {"input": "", "version": "1", "source": "", "licence": "", "citation": "", "space": "levels"}


def embedding(levels: Tensor) -> Tensor:
    """Levels [N] of 0 to 1 -> [N, 2]: 1 is the first text, 0 the second, what is between lies between."""
    angles = (1 - levels) * math.pi / 2
    return torch.stack([angles.cos(), angles.sin()], 1)


def tower() -> TextTower:
    return TextTower(lambda texts: embedding(torch.tensor([float("dog" in text) for text in texts])), 4.0)


def probability(level: float) -> float:
    """Of the label, which is compared with three texts at level 0."""
    angle = (1 - level) * math.pi / 2
    odds = math.exp(4 * (math.cos(angle) - math.sin(angle)))
    return odds / (odds + 3)


class Eye(Backbone):
    """Brightness is how much the picture shows a dog: [N, 1, 1, 2]."""

    card = Card("floor-eye", "visual", (1, 1, 2), frames_per_second=2.0, rate_hz=0, **WORDS)

    def forward(self, frames: Tensor) -> Tensor:
        return embedding(frames.float().mean((1, 2, 3)) / 255)[:, None, None]

    def text_tower(self) -> TextTower:
        return tower()


class Ear(Backbone):
    """Loudness is how much the sound is that of a dog: [N, 2]."""

    card = Card("floor-ear", "audio", (2,), frames_per_second=0.0, rate_hz=8000, **WORDS)

    def forward(self, waveforms: Tensor) -> Tensor:
        return embedding(waveforms.square().mean(1).sqrt())

    def text_tower(self) -> TextTower:
        return tower()


@pytest.fixture
def find(make_known) -> Localizer:
    make_known(Eye, Ear)
    distractors = ["noise", "wind", "silence"]
    return Localizer.from_labels(["dog"], visual="floor-eye", audio="floor-ear", distractors=distractors, device="cpu")


@pytest.fixture
def clips(tmp_path):
    """Writes a data set of one clip by the levels of its seconds, sound and picture alike; the event is 1 to 3 s."""

    def write(levels: list[float], category: str = "dog"):
        (tmp_path / "videos").mkdir()
        write_levels(tmp_path / "videos" / "a.mkv", levels)
        (tmp_path / "Annotations.txt").write_text(f"{category}&a&good&1&3\n")
        (tmp_path / "splits").mkdir()
        (tmp_path / "splits" / "test.txt").write_text("a\n")
        return tmp_path

    return write


def test_events_that_are_missed_bring_the_floors_down(find, clips):
    folder = clips([0.1, 0.55, 0.55, 0.1])
    assert 0.3 < probability(0.55) < 0.35
    digest, ticks = find.digest, []
    assert [second.relevance < 0.5 for second in find(folder / "videos" / "a.mkv").seconds] == [True] * 4
    found = calibrate_floors(find, folder, lambda *tick: ticks.append(tick))
    assert (found.visual_floor, found.audio_floor) == (0.3, 0.3)  # the first of those tried that does
    assert (found.right_before, found.right, found.clips, found.seconds) == (0.5, 1.0, 1, 4)
    assert str(found) == (
        "floors are 0.3 (picture) and 0.3 (sound), chosen on 1 clip (4 seconds): 100.0 % of their seconds are right, "
        "50.0 % before; expect less of other videos"
    )
    assert [(event.start_seconds, event.end_seconds) for event in find(folder / "videos" / "a.mkv")] == [(1.0, 3.0)]
    assert find.digest != digest
    find.save_pretrained(folder / "model")
    assert Localizer.from_pretrained(folder / "model", device="cpu").digest == find.digest
    assert ticks == [("calibrate", 1, 1)]


def test_events_that_are_none_bring_a_floor_up(find, clips):
    folder = clips([0.75, 0.95, 0.95, 0.75])
    assert 0.7 < probability(0.75) < 0.75
    found = calibrate_floors(find, folder)
    assert sorted([found.visual_floor, found.audio_floor]) == [0.5, 0.75]  # one of both is enough
    assert (found.right_before, found.right) == (0.5, 1.0)


def test_clips_that_are_right_already_move_nothing(find, clips):
    found = calibrate_floors(find, clips([0.1, 0.9, 0.9, 0.1]))
    assert (found.visual_floor, found.audio_floor, found.right) == (0.5, 0.5, 1.0)


def test_categories_that_are_no_labels_are_background(find, clips):
    folder = clips([0.1, 0.85, 0.85, 0.1], category="cat")
    with pytest.raises(DataError, match="has no category that is a label, but cat: labels are dog, and must be spelt"):
        calibrate_floors(find, folder)
    with (folder / "Annotations.txt").open("a") as file:
        file.write("dog&b&good&0&1\n")
    with pytest.raises(DataError, match=r"^b in .*Annotations.txt without a video in .*: add it"):
        calibrate_floors(find, folder)
    write_levels(folder / "videos" / "b.mkv", [0.98, 0.1])
    (folder / "splits" / "test.txt").write_text("a\nb\n")
    found = calibrate_floors(find, folder)
    assert found.others == ("cat",)
    assert (found.right_before, found.right) == (4 / 6, 1.0)
    assert probability(0.85) < max(found.visual_floor, found.audio_floor) < probability(0.98)
    assert str(found).endswith("; no labels, so background: cat")


def test_a_trained_model_has_no_floors(tmp_path):
    with pytest.raises(ModelError, match="starter was trained, and has no floors: `dmin train` sets its threshold"):
        calibrate_floors(Localizer.from_pretrained(device="cpu"), tmp_path)
