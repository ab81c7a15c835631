"""The paper's figures: what the rules choose, and that pictures are drawn of trained systems."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dmin.errors import DataError
from dmin.lab.paper import examples, figures
from dmin.lab.paper.examples import Answer, Example
from dmin.lab.paper.figures import FIGURES, FigureOptions, draw
from dmin.lab.paper.reproduce import RunOptions

SIZES = {
    "width": 16,
    "hidden": 8,
    "encoder": {"layers": 1, "heads": 2, "hidden": 16},
    "inter_modality": {"heads": 2, "hidden": 16},
    "visual_attention": {"size": 8, "bottleneck": 4},
}
RUN = RunOptions(recipe_options={"epochs": 1, "device": "cpu", "model": SIZES})


def system(*answers):
    return SimpleNamespace(
        answers=answers, answer=lambda name: next(answer for answer in answers if answer.video_id == name)
    )


def answer(name, truth, labels=None):
    return Answer(name, tuple(truth), tuple(truth if labels is None else labels))


EVENT, NOTHING, FULL = ["Dog"] * 3 + [None], [None] * 4, ["Dog"] * 4


def test_clips_are_chosen_by_what_they_are_and_not_by_who_is_right():
    one = system(answer("a", EVENT), answer("b", EVENT, NOTHING), answer("c", NOTHING), answer("d", FULL, EVENT))
    other = system(answer("a", EVENT), answer("b", EVENT), answer("c", NOTHING), answer("d", FULL))
    assert examples.where_answers_differ([one, other]) == ["b", "d"]
    assert examples.where_answers_differ([one, one]) == ["a", "b"]
    assert examples.with_room([one]) == ["a", "b"]
    assert examples.events_and_background([one]) == ["a", "b", "d", "c"]


def video(seconds=6):
    frames = np.full((seconds, 48, 64, 3), 127, np.uint8)
    return frames, np.zeros((seconds, 16_000), np.float32)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_of_trained_systems(name, tiny_store, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "watched", lambda asked, video_id, videos: Example(video_id, *video()))
    monkeypatch.setattr(figures, "_videos", lambda prepared, options: {"clip20": Path("clip20.mp4")})
    drawn = draw(name, tiny_store, tmp_path, FigureOptions(run=RUN))
    assert drawn
    for picture in drawn:
        assert picture.path.read_bytes().startswith(b"\x89PNG")
        assert "chosen by rule" in picture.words
    again = draw(name, tiny_store, tmp_path, FigureOptions(["clip20"], run=RUN))
    assert all("chosen by name" in picture.words for picture in again)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fig7", {"clips": ["clip0"]}, "clip0 is no clip of the test split: give some of clip20, "),
        ("fig7", {"videos": Path("nowhere")}, "nowhere is no folder: give the one that holds the clips' videos"),
        ("fig9", {}, "no videos of the clips are at hand: give their folder with --videos"),
    ],
)
def test_mistakes_are_named_before_anything_is_trained(name, options, message, tiny_store, tmp_path):
    with pytest.raises(DataError, match=message):
        draw(name, tiny_store, tmp_path, FigureOptions(**options, run=RUN))
    assert not (tmp_path / "runs").exists()


def test_attention_over_regions_needs_the_frames_of_its_clips(tiny_store, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "_videos", lambda prepared, options: {"other": Path("other.mp4")})
    with pytest.raises(DataError, match="no video of clip2. is at hand: give their folder with --videos"):
        draw("fig9", tiny_store, tmp_path, FigureOptions(run=RUN))
