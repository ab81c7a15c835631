from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore, Settings, StoreWriteError
from dmin.features.index import Entry
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
        (lambda m: m | {"format_version": 3}, "has format version 3, this dmin reads 1 and 2: upgrade dmin"),
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
    assert store.ids() == ("a",)
    assert not list(store.folder.rglob("*.tmp"))


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
def test_any_id_is_a_file_in_one_of_the_folders(store: FeatureStore, video_id: str) -> None:
    store.write(video_id, features())
    assert store.ids() == (video_id,)
    assert store.path(video_id).resolve().parent.parent == (store.folder / "features").resolve()
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
    store.path(video_id).parent.mkdir()
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


def old(store: FeatureStore) -> FeatureStore:
    """The store as dmin 0.2 left it: version 1, all files in one folder, no index."""
    for file in list((store.folder / "features").glob("*/*")):
        file.rename(store.folder / "features" / file.name)
        file.parent.rmdir()
    shutil.rmtree(store.folder / "index")
    path = store.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["format_version"] = 1
    del manifest["settings"]["pooled"]
    path.write_text(json.dumps(manifest))
    return FeatureStore.open(store.folder)


def test_files_are_spread_over_folders(store: FeatureStore) -> None:
    ids = [f"clip{number}" for number in range(40)]
    for video_id in ids:
        store.write(video_id, features(1))
    folders = {store.path(video_id).parent for video_id in ids}
    assert len(folders) > 20
    assert all(re.fullmatch("[0-9a-f]{2}", folder.name) for folder in folders)
    assert store.ids() == tuple(sorted(ids))


def test_a_store_of_version_1_is_read_and_goes_on_as_it_is(store: FeatureStore) -> None:
    for video_id in ("a", "x" * 500):
        store.write(video_id, features(), source="abc")
    store = old(store)
    assert store.settings == SETTINGS
    assert store.path("a") == store.folder / "features" / "a.safetensors"
    assert store.ids() == ("a", "x" * 500)
    assert (len(store.read("a")), store.source("x" * 500)) == (3, "abc")
    assert [entry.seconds for _, entry in store.entries(["a", "x" * 500, "b"])] == [3, 3]
    more = FeatureStore.create(store.folder, SETTINGS)
    more.write("b", features(2))
    assert (store.folder / "features" / "b.safetensors").is_file()
    assert FeatureStore.open(store.folder).ids() == ("a", "b", "x" * 500)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files of features that are opened."""
    names: list[str] = []

    def noting(path: Path, framework: str) -> Any:
        names.append(path.stem)
        return safe_open(path, framework)

    monkeypatch.setattr("dmin.features.store.safe_open", noting)
    return names


def test_what_is_known_of_clips_is_known_without_opening_them(store: FeatureStore, opened: list[str]) -> None:
    for number in range(5):
        store.write(f"clip{number}", features(1 + number), source="s", stamp="12-34")
    found = dict(FeatureStore.open(store.folder).entries(["clip4", "clip2", "clip4", "gone"]))
    size_bytes = store.path("clip4").stat().st_size
    assert list(found) == ["clip4", "clip2"]
    assert found["clip4"] == Entry(5, 4.7, size_bytes, "s", ("12-34",))
    assert opened == []


def test_what_the_index_lacks_is_looked_up_once(store: FeatureStore, opened: list[str]) -> None:
    store.write("a", features(3), source="s")
    store.write("b", features(2))
    store = old(store)
    first = list(store.entries(["a", "b"]))
    assert (opened, [entry.seconds for _, entry in first]) == (["a", "b"], [3, 2])
    assert list(FeatureStore.open(store.folder).entries(["a", "b"])) == first
    assert opened == ["a", "b"]


def test_a_read_only_store_is_looked_up_each_time(
    store: FeatureStore, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a", features(3))
    store = old(store)

    def refuse(folder: Path, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    for _ in range(2):
        assert [entry.seconds for _, entry in store.entries(["a"])] == [3]
    assert opened == ["a", "a"]


def test_files_that_were_removed_replaced_or_damaged_are_told_from_those_that_were_indexed(
    store: FeatureStore,
) -> None:
    for video_id in "abcd":
        store.write(video_id, features(3))
    other = FeatureStore.create(store.folder.with_name("other"), SETTINGS)
    other.write("b", features(7))
    store.path("a").unlink()
    shutil.copy(other.path("b"), store.path("b"))
    store.path("c").write_bytes(store.path("c").read_bytes()[:-1])
    assert [(video_id, entry.seconds) for video_id, entry in store.entries("abcd")] == [("b", 7), ("d", 3)]


@pytest.mark.parametrize("moment", ["before the file", "within the line"])
def test_a_crash_between_the_line_and_the_file_leaves_no_wrong_answer(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    store.write("a", features(3), source="old")

    def crash(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        for video_id, seconds in {"a": 5, "b": 5}.items():
            with pytest.raises(KeyboardInterrupt):
                store.write(video_id, features(seconds), source="new")
    (file,) = (store.folder / "index").iterdir()
    if moment == "within the line":
        file.write_bytes(file.read_bytes()[:-3])
    assert [(i, entry.seconds, entry.source) for i, entry in store.entries("ab")] == [("a", 3, "old")]


def test_lines_that_contradict_each_other_name_no_source(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    store.write("a", features(3), source="1" * 32, stamp="1-1")
    store.write("a", features(3), source="2" * 32, stamp="2-2")
    assert [(entry.seconds, entry.source, entry.stamps) for _, entry in store.entries("a")] == [(3, None, ())]
    assert opened == []
    assert store.source("a") == "2" * 32


def write_part(folder: Path, writer: int) -> None:
    store = FeatureStore.create(folder, SETTINGS)
    for number in range(30):
        store.write(f"{writer}-{number}", features(1 + number % 4), source=f"s{writer}")


@pytest.mark.slow
def test_many_processes_write_one_index(store: FeatureStore, opened: list[str]) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_part, args=(store.folder, writer)) for writer in range(4)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    ids = [f"{writer}-{number}" for writer in range(4) for number in range(30)]
    found = dict(store.entries(ids))
    assert {i: (entry.seconds, entry.source) for i, entry in found.items()} == {
        f"{writer}-{number}": (1 + number % 4, f"s{writer}") for writer in range(4) for number in range(30)
    }
    assert opened == []
    assert len(list((store.folder / "index").iterdir())) == 4


def test_pooled_stores_hold_means_say_so_and_mix_with_no_other(tmp_path: Path) -> None:
    pooled = replace(SETTINGS, pooled=True)
    store = FeatureStore.create(tmp_path / "pooled", pooled)
    maps = torch.rand(3, 2, 2, 4)
    store.write("a", ClipFeatures(maps, torch.zeros(3, 5), 3.0))
    read = FeatureStore.open(store.folder).read("a")
    assert read.visual.shape == (3, 1, 1, 4)
    torch.testing.assert_close(read.visual.float(), maps.mean((1, 2), keepdim=True), atol=1e-3, rtol=1e-3)
    assert json.loads((store.folder / "manifest.json").read_text())["settings"]["pooled"] is True
    with pytest.raises(
        DataError, match=r"made with .* averaged over regions \(pooled\), now asked for .* 44100 Hz: feat"
    ):
        FeatureStore.create(store.folder, SETTINGS)
    FeatureStore.create(tmp_path / "maps", SETTINGS)
    with pytest.raises(DataError, match=r"do not mix"):
        FeatureStore.create(tmp_path / "maps", pooled)
