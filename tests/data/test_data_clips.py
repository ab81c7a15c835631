import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import CategoryCount, ClipDataset, Sample, Window, collate, count_categories, pad, windows_of
from dmin.errors import DataError


@given(st.integers(1, 100), st.integers(1, 20))
def test_windows_cover_every_second_and_never_exceed_the_clip(seconds, length):
    windows = windows_of("a", seconds, length)
    assert {t for w in windows for t in range(w.start, w.stop)} == set(range(seconds))
    assert all(0 < w.stop - w.start <= length for w in windows)
    assert all(w.stop - w.start == length for w in windows) or seconds < length


def test_unequal_lengths_are_padded_and_masked():
    samples = [
        Sample(Window("a", 0, n), torch.ones(n, 2, 2, 3), torch.ones(n, 4), torch.zeros(n, dtype=torch.int64))
        for n in (2, 5)
    ]
    batch = collate(samples)
    assert batch.visual.shape == (2, 5, 2, 2, 3)
    assert batch.mask.sum(1).tolist() == [2, 5]
    assert batch.audio[~batch.mask].abs().sum() == 0
    assert batch.padding_mask is batch.mask
    assert collate(samples[1:]).padding_mask is None


def test_a_dataset_reads_features_and_labels(tiny_store):
    clips = ClipDataset(tiny_store, "train")
    assert clips.categories == ("Bell", "Dog", "Rain")
    assert clips[1].labels.tolist() == [3, 1, 1, 1, 3, 3]
    assert clips[3].labels.tolist() == [3] * 6
    assert len(ClipDataset(tiny_store, "train", window_seconds=4)) == 2 * len(clips)


def test_an_unknown_split_is_named(tiny_store):
    with pytest.raises(DataError, match="did you mean 'test'"):
        ClipDataset(tiny_store, "tests")


def test_a_dataset_is_opened_without_opening_its_files(tiny_store, monkeypatch):
    def refuse(*anything, **more):
        raise AssertionError("a file of features was opened")

    monkeypatch.setattr("dmin.features.store.safe_open", refuse)
    clips = ClipDataset(tiny_store, "train")
    assert set(clips.seconds.values()) == {6}
    assert clips.size_bytes == sum(clips.store.path(video_id).stat().st_size for video_id in clips.seconds)
    assert count_categories(clips)["Dog"] == CategoryCount(4, 12)


def test_a_damaged_clip_is_named_before_training(tiny_store, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(tiny_store, store)
    path = ClipDataset(store, "train").store.path("clip02")
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"clip02\.safetensors is damaged .*: delete it and run the extraction again"):
        ClipDataset(store, "train")


def test_batches_can_stay_as_they_are_stored(tiny_store):
    clips = ClipDataset(tiny_store, "train")
    samples = [clips[index] for index in range(3)]
    stored, ready = pad(samples), collate(samples)
    assert (stored.visual.dtype, ready.visual.dtype) == (torch.float16, torch.float32)
    for ours, theirs in zip(stored.float()._tensors, ready._tensors, strict=True):
        assert torch.equal(ours, theirs)
