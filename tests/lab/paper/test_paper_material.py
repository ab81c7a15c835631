"""From AVE or composed clips to stores: which, how many, and what is said of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dmin.data.folder import DataFolder
from dmin.errors import DataError
from dmin.features import ExtractionReport, FeatureStore
from dmin.lab.paper.material import SourceOptions, prepare_data
from lab.ave.ave_maker import make_release

ALL = ("full", "weak", "matching")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "ave")


def test_released_features_make_a_store_for_each_kind_of_column(release: Path, tmp_path: Path) -> None:
    prepared = prepare_data(release, tmp_path / "out", ALL)
    assert (prepared.on_ave, prepared.videos) == (True, {})
    assert "same clips and features" in prepared.remark
    trained = {material: DataFolder.open(store).split("train") for material, store in prepared.stores.items()}
    assert len(trained["weak"]) == len(trained["full"]) + 2  # two background clips
    assert len(trained["matching"]) == 5
    assert FeatureStore.open(prepared.stores["matching"]).settings.visual == "ave-vgg19-mean"
    assert len(set(prepared.stores.values())) == 3


def test_without_background_clips_weak_supervision_shares_the_store_and_says_so(release: Path, tmp_path: Path) -> None:
    (release / "data" / "visual_feature_noisy.h5").unlink()
    with pytest.warns(UserWarning, match=r"no visual_feature_noisy.h5 .* without AVE's 178 background clips"):
        prepared = prepare_data(release, tmp_path / "out", ("full", "weak"))
    assert prepared.stores["full"] == prepared.stores["weak"]


def test_only_what_is_needed_is_made(release: Path, tmp_path: Path) -> None:
    prepared = prepare_data(release, tmp_path / "out", ("matching", "matching"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["store-match"]
    assert list(prepared.stores) == ["matching"]


def test_videos_are_extracted_where_there_are_no_features(release: Path, tmp_path: Path, monkeypatch) -> None:
    (release / "data" / "audio_feature.h5").unlink()
    (release / "AVE").mkdir()
    (release / "AVE" / "a.mp4").touch()
    calls: list[Any] = []

    def extract_videos(folder: Path, store: Path, **options: Any) -> ExtractionReport:
        calls.append((store.name, options["task"], options["visual"]))
        return ExtractionReport((), ())

    monkeypatch.setattr("dmin.lab.ave.videos.extract_videos", extract_videos)
    prepared = prepare_data(release, tmp_path / "out", ALL, SourceOptions(visual="vgg19", audio="vggish"))
    assert calls == [
        ("store", "localization", "vgg19"),
        ("store", "localization", "vgg19"),
        ("store-match", "matching", "vgg19"),
    ]
    assert prepared.videos == {"a": release / "AVE" / "a.mp4"}
    assert prepared.words == "AVE, its videos through vgg19 and vggish"


def test_a_copy_without_features_and_videos_is_refused(release: Path, tmp_path: Path) -> None:
    (release / "data" / "audio_feature.h5").unlink()
    with pytest.raises(DataError, match=r"neither AVE's released features .* nor its videos .* the word composed"):
        prepare_data(release, tmp_path / "out", ALL)


def test_composed_clips_serve_all_columns_and_are_called_not_comparable(tmp_path: Path, monkeypatch) -> None:
    made: list[Any] = []

    def compose(bank: Any, clips: int, out: Path, **options: Any) -> Any:
        made.append((bank.name, clips, out))
        return SimpleNamespace(folder=out)

    def extract(source: Path, store: Path, **options: Any) -> ExtractionReport:
        made.append((source, store, options["workers"]))
        return ExtractionReport((), ())

    monkeypatch.setattr("dmin.lab.compose.compose.compose", compose)
    monkeypatch.setattr("dmin.features.extract", extract)
    monkeypatch.setattr(DataFolder, "open", lambda folder: SimpleNamespace(videos={"a": folder / "a.mp4"}))
    prepared = prepare_data("composed", tmp_path, ALL, SourceOptions(clips=30, workers=3))
    assert made == [("scenes", 30, tmp_path / "clips"), (tmp_path / "clips", tmp_path / "store", 3)]
    assert set(prepared.stores.values()) == {tmp_path / "store"}
    assert not prepared.on_ave
    assert "not comparable" in prepared.remark
    assert prepared.words.startswith("30 composed clips of the bank scenes")


def test_a_feature_store_is_taken_as_it_is(tiny_store: Path, tmp_path: Path) -> None:
    prepared = prepare_data(tiny_store, tmp_path / "out", ["full", "matching"])
    assert dict(prepared.stores) == {"full": tiny_store, "matching": tiny_store}
    assert "clips of the reader's own, features of" in prepared.words
    assert (prepared.on_ave, prepared.videos) == (False, {})
    copy = tmp_path / "store"
    shutil.copytree(tiny_store, copy)
    settings = {"degrade": 0.5, "degraded_splits": ["train"]}
    (copy / "composition.json").write_text(json.dumps({"identity": {"bank": "stamps", "settings": settings}}))
    words = prepare_data(copy, tmp_path / "out", ["full"]).words
    assert "clips composed of the bank stamps, 50% of clips of train degraded, features of" in words
