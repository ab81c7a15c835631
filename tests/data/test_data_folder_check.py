from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pytest
import torch

from dmin.data.clips import ClipDataset
from dmin.data.folder import DataFolder
from dmin.data.folder_check import WARNINGS_FILE, check_folder, check_times, write_warnings
from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore, Settings
from dmin.features.extract import ORIGIN_FILE


def data_set(folder: Path, lines: str, ids: str = "a b c", videos: str = "a b c") -> Path:
    """A data set whose first id is for training, the second for validation, the third for testing."""
    (folder / "videos").mkdir(parents=True)
    (folder / "splits").mkdir()
    (folder / "Annotations.txt").write_text(lines)
    for name, video_id in zip(("train", "val", "test"), ids.split(), strict=True):
        (folder / "splits" / f"{name}.txt").write_text(video_id)
    for name in videos.split():
        (folder / "videos" / f"{name}.mp4").touch()
    return folder


def store_of(folder: Path, store: Path, seconds: int = 10) -> Path:
    """A store of features, as extracted from a data set."""
    features = FeatureStore.create(store, Settings("eye", "1", "ear", "1", 2.0, 100))
    for video_id in ("a", "b", "c"):
        features.write(video_id, ClipFeatures(torch.zeros(seconds, 1, 1, 2), torch.zeros(seconds, 2), float(seconds)))
    (store / "splits").mkdir(exist_ok=True)
    for name in ("Annotations.txt", "splits/train.txt", "splits/val.txt", "splits/test.txt"):
        (store / name).write_bytes((folder / name).read_bytes())
    (store / ORIGIN_FILE).write_text(f"{folder}\n")
    return store


LINES = "Dog&a&good&0&5\nCat&b&good&1&3\nDog&c&good&0&10\n"


def test_a_sound_data_set_has_no_warning(tmp_path):
    assert check_folder(data_set(tmp_path, LINES)).warnings == ()


@pytest.mark.parametrize(
    ("written", "video", "hint"),
    [
        ("a.mp4", "a", "'a.mp4' (did you mean 'a', without the suffix?): 1 of 3 clips"),
        ("A", "a", "'A' (did you mean 'a'?): 1 of 3 clips"),
        (unicodedata.normalize("NFD", "é"), "é", "of the same letters is there in another Unicode form: copy it"),
        ("z", "a", "'z': 1 of 3 clips in the splits"),
    ],
)
def test_ids_without_a_video_are_an_error_that_names_the_likely_one(tmp_path, written, video, hint):
    folder = data_set(tmp_path, LINES.replace("&a&", f"&{written}&"), f"{written} b c", f"{video} b c")
    with pytest.raises(DataError, match=re.escape(hint)):
        check_folder(folder)


def test_ids_of_a_split_without_annotation_name_the_likely_one(tmp_path):
    with pytest.raises(DataError, match=re.escape("a.mp4 (did you mean 'a', without the suffix?) in")):
        DataFolder.open(data_set(tmp_path, LINES, "a.mp4 b c"))


def test_videos_that_no_line_names_and_near_categories_are_warnings(tmp_path):
    folder = data_set(tmp_path, LINES.replace("Cat", "Dig"), videos="a b c extra")
    (near, unnamed) = check_folder(folder).warnings
    assert "'Dig' (1 line) differs by one letter from 'Dog' (2 lines)" in near
    assert f"{folder / 'videos' / 'extra.mp4'}: no line of {folder / 'Annotations.txt'} names it" in unnamed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Dog,a,good,0,5", "row 1: got 'Dog,a,good,0,5', fields between commas: put & between them"),
        ("Dog\ta\tgood\t0\t5", "fields between tabs: put & between them"),
        ('{"a": 1}', "is JSON: write one event per line, as category&video id&quality&start&end"),
        ("Dog&a&good&5\nDog&b&good&1\nDog&c&good&0&1", "(1 more of 3 rows cannot be read either)"),
    ],
)
def test_foreign_formats_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=re.escape(message)):
        check_folder(data_set(tmp_path, text))


def test_times_in_milliseconds_are_named(tmp_path):
    folder = data_set(tmp_path / "data", "Dog&a&good&3000&8000\nCat&b&good&1000&3000\nDog&c&good&0&10000\n")
    (sentence,) = check_times(store_of(folder, tmp_path / "store"))
    assert sentence.startswith(f"{folder / 'Annotations.txt'}: 3 of 3 events end after their clips")
    assert "'Dog&a&good&3000&8000' of a clip of 10.0 s" in sentence
    assert sentence.endswith("the times look like milliseconds, write seconds")


def test_times_after_the_end_are_named(tmp_path):
    folder = data_set(tmp_path / "data", LINES)
    assert check_times(store_of(folder, tmp_path / "store")) == ()
    (sentence,) = check_times(store_of(folder, tmp_path / "short", seconds=9))
    assert (
        "1 of 3 events end after their clips (first: 'Dog&c&good&0&10' of a clip of 9.0 s): correct these" in sentence
    )


def test_warnings_are_kept_until_there_are_none(tmp_path):
    write_warnings(tmp_path, ("one", "two"))
    assert (tmp_path / WARNINGS_FILE).read_text() == "one\ntwo\n"
    write_warnings(tmp_path, ())
    assert not (tmp_path / WARNINGS_FILE).exists()


class TestMending:
    """Annotations of a store are read from its data set."""

    def later(self, path: Path, text: str, seconds: float) -> None:
        path.write_text(text)
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime + seconds))

    def test_a_newer_original_is_taken(self, tmp_path):
        folder = data_set(tmp_path / "data", LINES)
        store = store_of(folder, tmp_path / "store")
        assert DataFolder.open(store).source == folder
        self.later(folder / "Annotations.txt", LINES.replace("0&5", "0&7"), 60)
        with pytest.warns(UserWarning, match=r"Annotations.txt of .* is newer than the copy in .* and is taken"):
            assert DataFolder.open(store).lines["a"][0].end_seconds == 7

    def test_a_mistake_names_the_original(self, tmp_path):
        folder = data_set(tmp_path / "data", LINES)
        store = store_of(folder, tmp_path / "store")
        self.later(folder / "Annotations.txt", "Dog&a", 60)
        with (
            pytest.warns(UserWarning, match="is newer"),
            pytest.raises(DataError, match=re.escape(str(folder / "Annotations.txt"))),
        ):
            DataFolder.open(store)

    def test_a_newer_copy_stays(self, tmp_path):
        folder = data_set(tmp_path / "data", LINES)
        store = store_of(folder, tmp_path / "store")
        self.later(store / "Annotations.txt", LINES.replace("0&5", "0&7"), 60)
        assert DataFolder.open(store).lines["a"][0].end_seconds == 7

    def test_the_copy_serves_when_the_original_is_gone(self, tmp_path):
        folder = data_set(tmp_path / "data", LINES)
        store = store_of(folder, tmp_path / "store")
        folder.rename(tmp_path / "elsewhere")
        assert DataFolder.open(store).source == store


class TestClipsWithoutFeatures:
    def missing(self, tmp_path: Path) -> tuple[Path, Path]:
        folder = data_set(tmp_path / "data", LINES)
        store = store_of(folder, tmp_path / "store")
        FeatureStore.open(store).path("a").unlink()
        return folder, store

    def test_extraction_is_advised_where_there_is_a_video(self, tmp_path):
        folder, store = self.missing(tmp_path)
        with pytest.raises(DataError, match=re.escape(f"run `dmin extract {folder} --out {store}`, it does only")):
            ClipDataset(store, "train")

    def test_not_where_there_is_none(self, tmp_path):
        folder, store = self.missing(tmp_path)
        for names in ("a", "bc"):  # some videos are gone, then all
            for name in names:
                (folder / "videos" / f"{name}.mp4").unlink()
            with pytest.raises(DataError, match=re.escape(f"1 have no video in {folder} either: add it and extract")):
                ClipDataset(store, "train")
        (store / ORIGIN_FILE).unlink()
        with pytest.raises(DataError, match="extract their videos into this store, or take them out of the split"):
            ClipDataset(store, "train")
