from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore, Settings, StoreWriteError
from dmin.features.store import file_name

SETTINGS = Settings("lite0", "1", "sfx", "2", 4.0, 44_100)


def features(seconds: int = 3, value: float = 1.0) -> ClipFeatures:
    return ClipFeatures(torch.full((seconds, 2, 2, 4), value), torch.full((seconds, 5), value / 3), seconds - 0.3)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore.create(tmp_path / "store", SETTINGS)


def test_round_trip(store: FeatureStore) -> None:
    store.write("a", features(), source="abc")
    read = FeatureStore.open(store.folder).read("a")
    assert (read.visual.dtype, read.audio.dtype) == (torch.float16, torch.float32)
    torch.testing.assert_close(read.visual, features().visual.half())
    torch.testing.assert_close(read.audio, features().audio)
    assert read.duration_seconds == 2.7
    assert store.source("a") == "abc"
    assert ("a" in store, "b" in store, len(store)) == (True, False, 1)


def test_manifest_says_what_made_the_features(store: FeatureStore) -> None:
    manifest = json.loads((store.folder / "manifest.json").read_text())
    assert manifest["format"] == "dmin feature store"
    assert manifest["created_by"].startswith("dmin ")
    assert manifest["settings"]["visual"] == "lite0"
    assert FeatureStore.open(store.folder).settings == SETTINGS


def test_the_version_of_dmin_is_no_reason_to_refuse(store: FeatureStore) -> None:
    FeatureStore.create(store.folder, replace(SETTINGS, dmin_version="99"))


def test_mixing_settings_is_refused_with_both_named(store: FeatureStore) -> None:
    with pytest.raises(DataError) as caught:
        FeatureStore.create(store.folder, replace(SETTINGS, visual="vgg19", frames_per_second=16.0))
    assert "was made with lite0 1 at 4 frames/s + sfx 2 at 44100 Hz" in str(caught.value)
    assert "now asked for vgg19 1 at 16 frames/s" in str(caught.value)


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not a feature store .no manifest"):
        FeatureStore.open(tmp_path)
    (tmp_path / "manifest.json").write_text('{"clips": 3}')
    with pytest.raises(DataError, match="is not a feature store's manifest: give another folder"):
        FeatureStore.create(tmp_path, SETTINGS)
    assert (tmp_path / "manifest.json").read_text() == '{"clips": 3}'
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreWriteError, match=r"cannot create a feature store in .*file: "):
        FeatureStore.create(tmp_path / "file", SETTINGS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m | {"format_version": 2}, "has format version 2, this dmin reads 1: upgrade dmin"),
        (lambda m: m | {"settings": {}}, "is damaged"),
        (lambda m: [], "is not a feature store's manifest"),
    ],
)
def test_bad_manifests(store: FeatureStore, change, message: str) -> None:
    path = store.folder / "manifest.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(DataError, match=message):
        FeatureStore.open(store.folder)
    path.write_text("{")
    with pytest.raises(DataError, match="cannot read"):
        FeatureStore.open(store.folder)


def test_missing_and_damaged_features(store: FeatureStore) -> None:
    with pytest.raises(DataError, match=r"no features of 'a' in the store .*: extract its video into this store first"):
        store.read("a")
    store.write("a", features())
    whole = store.path("a").read_bytes()
    for damaged in (b"", b"text", whole[:-1], whole[:40], b"\xff" * 100):
        store.path("a").write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.safetensors is damaged .*: delete it and run the extraction again"):
            store.read("a")


def test_a_reader_keeps_the_file_it_opened(store: FeatureStore) -> None:
    store.write("a", features(value=1.0))
    old = store.read("a")
    store.write("a", features(value=2.0))
    assert old.visual.mean() == 1
    assert store.read("a").visual.mean() == 2


def test_features_are_checked(store: FeatureStore) -> None:
    with pytest.raises(DataError, match=r"got visual \[3, 4\] and audio \[3, 5\]: must be \[T, H, W, D_v\]"):
        ClipFeatures(torch.zeros(3, 4), torch.zeros(3, 5), 3.0)
    with pytest.raises(DataError, match="'a' are empty or not finite"):
        store.write("a", features(0))
    for bad in (float("nan"), 1e6):  # beyond float16 too
        with pytest.raises(DataError, match="'a' are empty or not finite"):
            store.write("a", features(value=bad))
    assert store.ids() == ()


def test_a_full_disk_leaves_nothing_half_written(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("a", features())

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreWriteError, match=r"cannot write .*b\.safetensors: No space left on device"):
        store.write("b", features())
    assert [file.name for file in (store.folder / "features").iterdir()] == ["a.safetensors"]


def test_what_killed_processes_left_is_removed_once_old(store: FeatureStore) -> None:
    for name, age_seconds in {".old.tmp": 7200, ".new.tmp": 0}.items():
        path = store.folder / "features" / name
        path.write_text("half")
        os.utime(path, (time.time() - age_seconds,) * 2)
    FeatureStore.create(store.folder, SETTINGS)
    assert [file.name for file in (store.folder / "features").iterdir()] == [".new.tmp"]
    assert store.ids() == ()


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(path: Path, target: Path) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    FeatureStore.create(tmp_path / "store", SETTINGS)
    assert FeatureStore.open(tmp_path / "store").settings == SETTINGS
    assert sorted(file.name for file in (tmp_path / "store").iterdir()) == ["features", "manifest.json"]


def test_many_creators_at_once_agree_on_one_manifest(tmp_path: Path) -> None:
    def create(name: str) -> str:
        try:
            return FeatureStore.create(tmp_path / "store", replace(SETTINGS, visual=name)).settings.visual
        except DataError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, (f"net{i}" for i in range(8))))
    assert sum(answer.startswith("net") for answer in answers) == 1
    assert sum("do not mix" in answer for answer in answers) == 7


@pytest.mark.parametrize(
    "video_id",
    [
        *("../../etc/x", "a/b\\c", ".", "..", ".hidden", "x" * 500, "犬" * 90, "a%2Fb", "a%2Fb" * 90, "a "),
        *(os.fsdecode(b"caf\xe9"), os.fsdecode(b"caf\xe9" * 90)),  # not UTF-8
    ],
)
def test_any_id_is_a_file_in_the_folder(store: FeatureStore, video_id: str) -> None:
    store.write(video_id, features())
    assert store.ids() == (video_id,)
    assert store.path(video_id).parent == store.folder / "features"
    assert len(store.read(video_id)) == 3
    assert store.source(video_id) == ""


def test_other_programs_find_the_id_in_the_file(store: FeatureStore) -> None:
    for video_id, readable in {"犬%": "犬%", os.fsdecode(b"caf\xe9"): "caf?"}.items():
        store.write(video_id, features())
        with safe_open(store.path(video_id), framework="pt") as file:
            assert file.metadata()["video_id"] == readable


def test_ids_were_once_stored_unquoted(store: FeatureStore) -> None:
    video_id = "a%2Fb" * 90
    tensors = {"visual": features().visual.half(), "audio": features().audio}
    save_file(tensors, store.path(video_id), {"video_id": video_id, "duration_seconds": "2.7", "source": "abc"})
    assert store.ids() == (video_id,)
    assert store.read(video_id).duration_seconds == 2.7


@given(first=st.text(min_size=1), second=st.text(min_size=1))
def test_file_names_are_safe_and_never_shared(first: str, second: str) -> None:
    names = file_name(first), file_name(second)
    assert (names[0] == names[1]) == (first == second)
    for name in names:
        assert len(name) <= 180
        assert name == Path(name).name
        assert not name.startswith(".")


def test_an_empty_id_is_refused(store: FeatureStore) -> None:
    with pytest.raises(DataError, match="got an empty video id"):
        store.write("", features())
