"""AVE's own videos in a feature store: each computed once, an entry per row."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dmin.backbones import Backbone, Card
from dmin.data.clips import ClipDataset
from dmin.data.folder import DataFolder
from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore
from dmin.lab.ave.videos import extract_videos
from dmin.shard import Shard
from lab.ave.ave_maker import ORDERS, ROWS, labels, make_release, write_sets

WORDS = {"input": "", "version": "1", "source": "", "licence": "", "citation": ""}
IDS = ("a", "b", "c", "a~2", "-d", "e", "f", "g")


class Eye(Backbone):
    card = Card("ave-eye", "visual", (1, 1, 2), frames_per_second=2.0, rate_hz=0, **WORDS)


class Ear(Backbone):
    card = Card("ave-ear", "audio", (3,), frames_per_second=0.0, rate_hz=8000, **WORDS)


FAKES = {"visual": Eye(), "audio": Ear()}


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """Names of the videos that were decoded; each one's features hold its name's first letter."""
    names: list[str] = []

    def features_of(path: Path, *rest: object) -> ClipFeatures:
        if not path.is_file():
            raise DataError(f"{path} does not exist: check the name")
        names.append(path.stem)
        value: Tensor = torch.full((10, 1, 1, 2), float(ord(path.stem[0])))
        return ClipFeatures(value, torch.zeros(10, 3), 10.0)

    # By its module: `dmin.features.extract` is the function.
    monkeypatch.setattr(sys.modules["dmin.features.extract"], "features_of", features_of)
    return names


@pytest.fixture(params=["AVE", "videos", "data/AVE"])
def raw(request, tmp_path: Path) -> Path:
    """AVE's archive of videos, unpacked: no HDF5 files, splits as text."""
    folder = make_release(tmp_path / "ave")
    for path in (folder / "data").glob("*.h5"):
        path.unlink()
    write_sets(folder / "data")
    (folder / request.param).mkdir()
    for _, video_id, *_ in ROWS:
        (folder / request.param / f"{video_id}.mp4").write_bytes(video_id.encode())
    return folder


def test_each_video_is_computed_once_and_written_for_each_row(raw: Path, tmp_path: Path, computed: list[str]) -> None:
    extract_videos(raw, tmp_path / "store", **FAKES).require_all()
    assert sorted(computed) == sorted({row[1] for row in ROWS})
    store = FeatureStore.open(tmp_path / "store")
    assert set(store.ids()) == set(IDS)
    assert torch.equal(store.read("a").visual, store.read("a~2").visual)
    folder = DataFolder.open(tmp_path / "store")
    assert [folder.labels(video_id, 10).tolist() for video_id in IDS] == labels().tolist()
    assert {name: tuple(map(IDS.index, ids)) for name, ids in folder.splits.items()} == ORDERS
    assert [len(ClipDataset(tmp_path / "store", name)) for name in ORDERS] == [4, 2, 2]


def test_the_same_call_goes_on_and_notices_changed_videos(raw: Path, tmp_path: Path, computed: list[str]) -> None:
    for part in (1, 2, 2):
        extract_videos(raw, tmp_path / "store", shard=Shard(part, 2), **FAKES)
    assert len(computed) == 7
    assert len(FeatureStore.open(tmp_path / "store")) == 8
    (video,) = raw.rglob("a.mp4")
    video.write_bytes(b"another")
    before = FeatureStore.open(tmp_path / "store").source("a~2")
    assert extract_videos(raw, tmp_path / "store", **FAKES).done == ("a",)
    store = FeatureStore.open(tmp_path / "store")
    assert store.source("a~2") == store.source("a") != before


def test_a_missing_video_is_reported_and_the_rest_goes_on(raw: Path, tmp_path: Path, computed: list[str]) -> None:
    (video,) = raw.rglob("a.mp4")
    video.unlink()
    report = extract_videos(raw, tmp_path / "store", **FAKES)
    (failure,) = report.failed
    assert str(failure).endswith("a.mp4 does not exist: check the name")
    assert len(FeatureStore.open(tmp_path / "store")) == 6


def test_a_test_split_alone_leaves_the_other_videos(raw: Path, tmp_path: Path, computed: list[str]) -> None:
    for name in ("train", "val"):
        (raw / "data" / f"{name}Set.txt").unlink()
    extract_videos(raw, tmp_path / "store", **FAKES).require_all()
    assert sorted(computed) == ["a", "g"]
    assert len(ClipDataset(tmp_path / "store", "test")) == 2


def test_no_videos_and_another_stores_splits(raw: Path, tmp_path: Path, computed: list[str]) -> None:
    extract_videos(raw, tmp_path / "store", **FAKES)
    (raw / "data" / "valSet.txt").write_text("b\n")
    with pytest.raises(DataError, match=r"val\.txt is there and differs from what would be written"):
        extract_videos(raw, tmp_path / "store", **FAKES)
    for video in raw.rglob("*.mp4"):
        video.unlink()
    with pytest.raises(DataError, match=r"no video in AVE, videos, .* of .*: get AVE's videos from AVE's project page"):
        extract_videos(raw, tmp_path / "other", **FAKES)
