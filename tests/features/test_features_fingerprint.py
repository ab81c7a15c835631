from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from dmin.features import ClipFeatures, FeatureStore, Settings
from dmin.features import fingerprint as fingerprints
from dmin.features.fingerprint import current, fingerprint, made_from, stamp


@pytest.fixture
def videos(tmp_path: Path) -> dict[str, Path]:
    """Three files."""
    found = {name: tmp_path / f"{name}.mp4" for name in "abc"}
    for name, path in found.items():
        path.write_bytes(name.encode() * 200_000)
    return found


@pytest.fixture
def store(tmp_path: Path, videos: dict[str, Path]) -> FeatureStore:
    """Features of a and b; those of b were written by someone who left no stamp."""
    store = FeatureStore.create(tmp_path / "store", Settings("eye", "1", "ear", "1", 2.0, 100))
    features = ClipFeatures(torch.zeros(2, 1, 1, 2), torch.zeros(2, 2), 2.0)
    store.write("a", features, fingerprint(videos["a"]), stamp(videos["a"]))
    store.write("b", features, fingerprint(videos["b"]))
    return store


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read for their fingerprints."""
    names: list[str] = []

    def noting(path: Path) -> str:
        names.append(path.name)
        return fingerprint(path)

    monkeypatch.setattr(fingerprints, "fingerprint", noting)
    return names


def test_only_files_that_may_have_changed_are_read_and_those_once(store, videos, read):
    assert current(store, videos) == {"a", "b"}
    assert read == ["b.mp4"]
    assert current(FeatureStore.open(store.folder), videos) == {"a", "b"}
    assert read == ["b.mp4"]


def test_a_moved_file_is_the_same_and_a_changed_one_is_not(store, videos, read):
    os.utime(videos["a"], (1, 1))
    videos["b"].write_bytes(b"B" * 200_000)
    assert current(store, videos) == {"a"}
    assert read == ["a.mp4", "b.mp4"]


def test_a_file_that_changed_there_and_back_is_done_again(store, videos):
    """Its features are of the change; the index contradicts itself, and the file of features decides."""
    before = videos["a"].read_bytes(), videos["a"].stat()
    videos["a"].write_bytes(b"A" * 200_000)
    features = ClipFeatures(torch.ones(2, 1, 1, 2), torch.zeros(2, 2), 2.0)
    store.write("a", features, fingerprint(videos["a"]), stamp(videos["a"]))
    assert "a" in current(store, videos)
    videos["a"].write_bytes(before[0])
    os.utime(videos["a"], ns=(before[1].st_atime_ns, before[1].st_mtime_ns))
    assert "a" not in current(store, videos)


def test_a_video_that_is_gone_is_not_current(store, videos):
    videos["a"].unlink()
    assert (current(store, videos), fingerprint(videos["a"]), stamp(videos["a"])) == ({"b"}, "", "")


def test_made_from(store, videos):
    sources = {name: fingerprint(path) for name, path in videos.items()}
    assert made_from(store, sources) == {"a", "b"}
    assert made_from(store, sources | {"a": "other", "b": ""}) == set()
