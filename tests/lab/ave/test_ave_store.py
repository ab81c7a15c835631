"""AVE's released features in a feature store: whole, resumed, trained on, and never mixed with others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from dmin.data.clips import ClipDataset
from dmin.data.folder import DataFolder
from dmin.errors import DataError, ModelError
from dmin.evaluation import evaluate
from dmin.features import FeatureStore, StoreWriteError
from dmin.inference import Localizer
from dmin.lab.ave.release import AveRelease
from dmin.lab.ave.store import RELEASED, RELEASED_VECTORS, store_released
from dmin.shard import Shard
from lab.ave.ave_maker import MATCH_ORDERS, NOISY, ORDERS, features, labels, make_release, write_h5


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "ave")


class TestStore:
    def test_every_row_is_an_entry(self, release: Path, tmp_path: Path) -> None:
        seen = []
        report = store_released(release, tmp_path / "store", progress=lambda *step: seen.append(step))
        report.require_all()
        store = FeatureStore.open(tmp_path / "store")
        assert store.settings == RELEASED
        assert str(RELEASED) == "ave-vgg19 released at 16 frames/s + ave-vggish released at 16000 Hz"
        assert seen[-1] == ("extract", 8, 8)
        ids = AveRelease.open(release).ids
        assert set(store.ids()) == set(ids)
        data = features()
        for row, video_id in enumerate(ids):
            clip = store.read(video_id)
            visual, audio = data["visual_feature.h5"][row], data["audio_feature.h5"][row]
            assert torch.equal(clip.visual, torch.from_numpy(visual).to(torch.float16))
            assert torch.equal(clip.audio, torch.from_numpy(audio))
            assert clip.duration_seconds == 10.0

    def test_labels_and_splits_of_the_store_are_those_of_the_release(self, release: Path, tmp_path: Path) -> None:
        store_released(release, tmp_path / "store")
        ids = AveRelease.open(release).ids
        folder = DataFolder.open(tmp_path / "store")
        assert folder.categories == ("Bell", "Dog", "Rain")
        assert [folder.labels(video_id, 10).tolist() for video_id in ids] == labels().tolist()
        assert folder.splits == {name: tuple(ids[row] for row in rows) for name, rows in ORDERS.items()}
        assert len(ClipDataset(tmp_path / "store", "train")) == 4

    def test_matching_takes_the_vectors_and_the_other_orders(self, release: Path, tmp_path: Path) -> None:
        store_released(release, tmp_path / "store", task="matching").require_all()
        store = FeatureStore.open(tmp_path / "store")
        assert store.settings == RELEASED_VECTORS
        clip = store.read("e")
        assert clip.visual.shape == (10, 1, 1, 6)
        vectors = torch.from_numpy(features()["visual_feature_vec.h5"][5])
        assert torch.equal(clip.visual[:, 0, 0], vectors.to(torch.float16))
        splits = DataFolder.open(tmp_path / "store").splits
        assert {name: len(ids) for name, ids in splits.items()} == {n: len(r) for n, r in MATCH_ORDERS.items()}
        with pytest.raises(
            DataError, match=r"was made with ave-vgg19-mean released .* now asked for ave-vgg19 released"
        ):
            store_released(release, tmp_path / "store")

    def test_maps_can_be_averaged(self, release: Path, tmp_path: Path) -> None:
        store_released(release, tmp_path / "store", pooled=True)
        store = FeatureStore.open(tmp_path / "store")
        assert store.settings == replace(RELEASED, pooled=True)
        expected = torch.from_numpy(features()["visual_feature.h5"][5]).half().float().mean((1, 2))
        torch.testing.assert_close(store.read("e").visual[:, 0, 0].float(), expected, atol=1e-3, rtol=1e-3)
        with pytest.raises(DataError, match="do not mix"):
            store_released(release, tmp_path / "store")

    def test_one_task_does_not_overwrite_the_other(self, release: Path, tmp_path: Path) -> None:
        (release / "data" / "visual_feature_vec.h5").unlink()
        store_released(release, tmp_path / "store")
        message = r"splits/train\.txt is there and differs from what would be written: give another folder for another"
        with pytest.raises(DataError, match=message):
            store_released(release, tmp_path / "store", task="matching")
        assert len(DataFolder.open(tmp_path / "store").split("test")) == 2

    def test_vectors_alone_will_do_with_a_warning(self, release: Path, tmp_path: Path) -> None:
        (release / "data" / "visual_feature.h5").unlink()
        with pytest.warns(UserWarning, match=r"no visual_feature\.h5 in .*, so .*vec\.h5 is taken: maps of one region"):
            store_released(release, tmp_path / "store")
        assert FeatureStore.open(tmp_path / "store").settings == RELEASED_VECTORS
        with pytest.raises(DataError, match="the background clips are released as maps only"), pytest.warns():
            store_released(release, tmp_path / "other", noisy=True)

    def test_background_clips_join_the_training_split(self, release: Path, tmp_path: Path) -> None:
        store_released(release, tmp_path / "store", noisy=True).require_all()
        clips = ClipDataset(tmp_path / "store", "train")
        assert len(clips) == len(ORDERS["train"]) + NOISY
        assert clips.categories == ("Bell", "Dog", "Rain")
        assert clips[len(clips) - 1].labels.tolist() == [3] * 10
        write_h5(release / "data" / "audio_feature_noisy.h5", np.zeros((3, 10, 4)))
        with pytest.raises(DataError, match=r"visual_feature_noisy\.h5 has 2 rows, .*audio_feature_noisy\.h5 has 3"):
            store_released(release, tmp_path / "other", noisy=True)

    def test_the_alias_of_the_audio_file(self, release: Path, tmp_path: Path) -> None:
        (release / "data" / "audio_feature.h5").rename(release / "data" / "audio_features.h5")
        assert len(store_released(release, tmp_path / "store").done) == 8


class TestStreaming:
    def test_rows_are_read_one_at_a_time(self, release: Path, tmp_path: Path, monkeypatch) -> None:
        asked = []
        original = h5py.Dataset.__getitem__

        def note(dataset, key):
            if dataset.ndim == 5:
                asked.append(key)
            return original(dataset, key)

        monkeypatch.setattr(h5py.Dataset, "__getitem__", note)
        store_released(release, tmp_path / "store")
        assert asked == list(range(8))

    def test_a_stopped_conversion_goes_on(self, release: Path, tmp_path: Path, monkeypatch) -> None:
        def stop(step: str, completed: int, total: int | None) -> None:
            if completed == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store_released(release, tmp_path / "store", progress=stop)
        report = store_released(release, tmp_path / "store")
        assert (len(report.reused), len(report.done)) == (3, 5)
        FeatureStore.open(tmp_path / "store").path("e").write_bytes(b"damaged")
        assert store_released(release, tmp_path / "store").done == ("e",)
        write_h5(release / "data" / "audio_feature.h5", np.ones((8, 10, 4)))  # another file: all is made anew
        assert len(store_released(release, tmp_path / "store").done) == 8

    def test_parts(self, release: Path, tmp_path: Path) -> None:
        done = [store_released(release, tmp_path / "store", shard=Shard(i, 3)).done for i in (1, 2, 3)]
        assert sorted(map(len, done)) == [2, 3, 3]
        assert len(FeatureStore.open(tmp_path / "store")) == 8

    def test_a_full_disk(self, release: Path, tmp_path: Path, monkeypatch) -> None:
        def full(store, video_id, features, source):
            raise StoreWriteError("cannot write: No space left on device")

        monkeypatch.setattr(FeatureStore, "write", full)
        with pytest.raises(StoreWriteError, match=r"stopped with 0 of 8 rows in the store, which stay good: make room"):
            store_released(release, tmp_path / "store")


class TestHostile:
    @pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
    def test_a_bad_row_costs_that_row(self, release: Path, tmp_path: Path, value: float) -> None:
        maps = features()["visual_feature.h5"]
        maps[4, 2, 0, 0, 0] = value
        write_h5(release / "data" / "visual_feature.h5", maps)
        report = store_released(release, tmp_path / "store")
        assert len(report.done) == 7
        (failure,) = report.failed
        words = (
            r"-d: .*visual_feature\.h5, row 4: holds numbers that are not finite, or too large for float16: download"
        )
        assert re.match(words, str(failure))

    @pytest.mark.parametrize("name", ["audio_feature.h5", "visual_feature.h5"])
    def test_rows_that_are_not_the_annotations(self, release: Path, tmp_path: Path, name: str) -> None:
        write_h5(release / "data" / name, features()[name][:7])
        with pytest.raises(DataError, match=rf"{name}: 'avadataset' is \[7, 10, .*must be numbers \[8, 10, any"):
            store_released(release, tmp_path / "store")
        (release / "data" / name).unlink()
        (release / "data" / "visual_feature_vec.h5").unlink()
        with pytest.raises(DataError, match=rf"no {name} in .*: get it from the links in the README of https://github"):
            store_released(release, tmp_path / "store")
        assert not (tmp_path / "store").exists()

    def test_labels_that_contradict(self, release: Path, tmp_path: Path) -> None:
        write_h5(release / "data" / "labels_closs.h5", np.zeros((8, 10)))
        with pytest.raises(DataError, match=r"labels_closs\.h5, row 0: says 'background' in second 0, but 'Bell&a"):
            store_released(release, tmp_path / "store")

    def test_no_splits(self, release: Path, tmp_path: Path) -> None:
        for path in (release / "data").glob("*_order*.h5"):
            path.unlink()
        message = r"no split in .*: get \{train,val,test\}_order\.h5 from the folder data/ of https.*, or trainSet\.txt"
        with pytest.raises(DataError, match=message):
            store_released(release, tmp_path / "store")
        with pytest.raises(DataError, match=r"get \{train,val,test\}_order_match\.h5 from the folder"):
            store_released(release, tmp_path / "store", task="matching")


@pytest.mark.slow
def test_training_on_it_works_and_other_features_are_refused(
    release: Path, tmp_path: Path, tiny_recipe, tiny_store: Path, tiny_run: Path, tiny_backbones: None, video: Path
) -> None:
    from dmin.training.fit import fit

    store_released(release, tmp_path / "store")
    fit(tmp_path / "store", tmp_path / "run", replace(tiny_recipe, epochs=1))
    localizer = Localizer.from_pretrained(tmp_path / "run")
    assert evaluate(localizer, tmp_path / "store", "test").clips == 2
    message = r"trained on features of ave-vgg19 released .* holds tiny-visual 1 .*: extract the videos again"
    with pytest.raises(ModelError, match=message):
        evaluate(localizer, tiny_store, "test")
    with pytest.raises(ModelError, match=r"trained on features of tiny-visual 1 .* holds ave-vgg19 released"):
        evaluate(Localizer.from_pretrained(tiny_run), tmp_path / "store", "test")
    with pytest.raises(ModelError, match="unknown backbone 'ave-vgg19'"):
        localizer(video)


def test_settings_that_nothing_else_has() -> None:
    from dmin import backbones

    assert not {RELEASED.visual, RELEASED.audio, RELEASED_VECTORS.visual} & set(backbones.cards())
