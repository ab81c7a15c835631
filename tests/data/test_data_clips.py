import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import ClipDataset, Sample, Window, collate, windows_of
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


def test_a_dataset_reads_features_and_labels(tiny_store):
    clips = ClipDataset(tiny_store, "train")
    assert clips.categories == ("Bell", "Dog", "Rain")
    assert clips[1].labels.tolist() == [3, 1, 1, 1, 3, 3]
    assert clips[3].labels.tolist() == [3] * 6
    assert len(ClipDataset(tiny_store, "train", window_seconds=4)) == 2 * len(clips)


def test_an_unknown_split_is_named(tiny_store):
    with pytest.raises(DataError, match="did you mean 'test'"):
        ClipDataset(tiny_store, "tests")
