"""Figures of data sets, counted by hand, and clips that two splits share."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from cli.cli_fakes import write_video
from dmin.cli.commands import run
from dmin.data.annotations import Annotation
from dmin.data.clips import CategoryCount
from dmin.data.statistics import Lengths, SharedRecording, count, describe, pairs_of_splits
from dmin.data.twins import _similarity, find_twins
from dmin.features import ClipFeatures, FeatureStore, Settings

LINES = (
    Annotation("Dog", "a", "good", 1, 3),
    Annotation("Bell", "a", "good", 3, 3.6),
    Annotation("Dog", "b", "good", 0, 0),
    Annotation("Bell", "c", "good", 0.0, 10.0),
)
SPLITS = {"train": ("a", "b"), "test": ("c",)}


def test_every_figure_by_hand():
    found = count("d", LINES, SPLITS, {"a": 4.5, "b": 2.4})
    assert found.categories == ("Dog", "Bell")
    train, test = found.splits["train"], found.splits["test"]
    assert (train.clips, train.without_event, train.unknown_length) == (2, 1, 0)
    assert train.lengths == Lengths(2.4, 3.45, 4.5)
    assert (train.seconds, train.background_seconds, train.background_share) == (7, 4, 4 / 7)  # 4.5 s are 5
    assert train.categories == {
        "Dog": CategoryCount(1, 2),
        "Bell": CategoryCount(1, 1),
        "Background": CategoryCount(1, 4),
    }
    assert (test.lengths, test.unknown_length, test.seconds, test.background_share) == (None, 1, 0, None)
    assert test.categories == {
        "Dog": CategoryCount(0, 0),
        "Bell": CategoryCount(1, 10),
        "Background": CategoryCount(0, 0),
    }
    assert (found.shared, found.twins) == ((), None)


def test_ids_of_one_recording_in_two_splits():
    splits = {
        "train": ("4YdbENYcIyE_000010", "x~2", "alone"),
        "val": ("4YdbENYcIyE_30_40",),
        "test": ("4YdbENYcIyE_50_60", "x", "a b"),
    }
    lines = [Annotation("Dog", video_id, "good", 0, 1) for ids in splits.values() for video_id in ids]
    shared = count("d", lines, splits, {}).shared
    assert shared == (
        SharedRecording("4YdbENYcIyE", {name: (ids[0],) for name, ids in splits.items()}),
        SharedRecording("x", {"train": ("x~2",), "test": ("x",)}),
    )
    assert pairs_of_splits(shared) == {("train", "val"): 1, ("train", "test"): 2, ("val", "test"): 1}


def test_lengths_of_videos_that_are_there(tmp_path):
    (tmp_path / "splits").mkdir()
    for split, video_id in (("train", "a"), ("val", "b"), ("test", "c")):
        (tmp_path / "splits" / f"{split}.txt").write_text(f"{video_id}\n")
    (tmp_path / "Annotations.txt").write_text("Bell&a&good&0&1\nBell&b&good&0&1\nBell&c&good&0&1\n")
    write_video(tmp_path / "videos" / "a.mp4", seconds=3.0)
    (tmp_path / "videos" / "b.mp4").write_bytes(b"no video")
    found = describe(tmp_path)
    assert found.splits["train"].lengths.longest_seconds == pytest.approx(3.0, abs=0.2)
    assert found.splits["train"].background_seconds == 2
    assert [found.splits[name].unknown_length for name in ("train", "val", "test")] == [0, 1, 1]


@pytest.fixture
def store(tmp_path) -> FeatureStore:
    """Six clips of 4 s of noise."""
    made = FeatureStore.create(tmp_path / "store", Settings("v", "1", "a", "1", 2.0, 100))
    generator = torch.Generator().manual_seed(0)
    for name in "abcdef":
        visual, audio = torch.rand(4, 2, 2, 8, generator=generator), torch.rand(4, 6, generator=generator)
        made.write(name, ClipFeatures(visual + 5, audio + 5, 4.0))
    return made


def copy(store: FeatureStore, source: str, name: str, **changes) -> None:
    clip = store.read(source)
    parts = {"visual": clip.visual.float(), "audio": clip.audio, "duration_seconds": 4.0} | changes
    store.write(name, ClipFeatures(**parts))


def test_twins_are_alike_in_picture_and_sound_second_by_second(store):
    a, b = store.read("a"), store.read("b")
    noise = torch.rand(4, 6, generator=torch.Generator().manual_seed(1))
    copy(store, "a", "again", audio=a.audio + 0.01 * noise)
    copy(store, "a", "deaf", audio=b.audio)  # the picture alone
    copy(store, "a", "blind", visual=b.visual.float())  # the sound alone
    order = [1, 0, 2, 3]  # the same on average, and half of it in its place
    copy(store, "a", "mixed", visual=a.visual.float()[order], audio=a.audio[order])
    splits = {
        "train": ("a", "b", "c"),
        "val": ("d", "again"),
        "test": ("deaf", "blind", "mixed", "e", "lost"),
    }
    told = []
    (twin,) = find_twins(store, splits, lambda *step: told.append(step))
    assert (twin.first_split, twin.first_id, twin.second_split, twin.second_id) == ("train", "a", "val", "again")
    assert 0.99 <= twin.similarity < 1
    assert told[-1] == ("features", 9, 9)
    centre = [torch.full((8,), 5.5), torch.full((6,), 5.5)]
    assert _similarity(store, "a", "deaf", centre) < 0.9
    assert _similarity(store, "a", "blind", centre) < 0.9
    assert find_twins(store, {"train": ("a", "again")}) == ()  # of one split
    assert find_twins(store, {"train": ("lost",)}) == ()


@pytest.mark.parametrize("number", [2, 3, 5])
def test_clips_that_are_all_the_same_are_twins_though_their_mean_leaves_nothing(store, number):
    still = {"visual": torch.full((4, 2, 2, 8), 5.3), "audio": torch.full((4, 6), 0.7)}
    for name in "vwxyz":
        copy(store, "a", name, **still)
    splits = {"train": tuple("vwxyz"[: number - 1]), "test": ("z",)}
    found = find_twins(store, splits)
    assert [(twin.first_id, twin.second_id) for twin in found] == [(name, "z") for name in splits["train"]]
    assert all(twin.similarity == pytest.approx(1) for twin in found)
    copy(store, "a", "z", **still | {"audio": store.read("b").audio})  # the picture alone
    assert find_twins(store, splits) == ()
    for name in ("x", "y"):
        copy(store, "b", name)  # one file that is not still
    assert len(find_twins(store, {"train": ("x",), "test": ("y",)})) == 1


def test_a_longer_copy_is_compared_as_far_as_the_shorter_one_reaches(store):
    a = store.read("a")
    copy(store, "a", "longer", visual=a.visual.float()[[0, 1, 2, 3, 3]], audio=a.audio[[0, 1, 2, 3, 3]])
    assert _similarity(store, "a", "longer", [torch.full((8,), 5.5), torch.full((6,), 5.5)]) == pytest.approx(1.0)


def test_by_command_as_rows_and_as_json(tiny_store, tmp_path, capsys):
    folder = tmp_path / "store"
    shutil.copytree(tiny_store, folder)
    file = tmp_path / "figures" / "stats.json"
    assert run(["data", "stats", str(folder), "--json", str(file), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "Clips / seconds of each category" in said
    assert "have nearly the same features" in said  # clips of one category and start, by construction
    data = json.loads(file.read_text())
    assert data["splits"]["train"]["clips"] == 16
    assert data["splits"]["train"]["background_share"] == 1 - 12 * 3 / 96
    assert data["splits"]["test"]["categories"]["Dog"] == {"clips": 1, "seconds": 3}
    assert {"first_split", "first_id", "second_split", "second_id", "similarity"} == set(data["twins"][0])
    assert run(["data", "stats", str(tmp_path)]) == 1
    assert "no Annotations.txt" in capsys.readouterr().err
    assert run(["data", "stats", str(folder), str(folder)]) == 2
