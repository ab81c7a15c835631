import pytest
import torch

from dmin.data.clips import ClipDataset
from dmin.data.held import HeldFeatures
from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore, Settings


@pytest.fixture
def store(tmp_path):
    """Three clips of different lengths."""
    store = FeatureStore.create(tmp_path / "store", Settings("eye", "1", "ear", "1", 2.0, 100))
    generator = torch.Generator().manual_seed(0)
    for video_id, seconds in {"a": 3, "b": 5, "c": 1}.items():
        maps, sounds = (torch.rand(seconds, *shape, generator=generator) for shape in ((2, 2, 4), (3,)))
        store.write(video_id, ClipFeatures(maps, sounds, seconds + 0.25))
    return store


def test_what_is_held_is_what_the_files_hold(store):
    told = []
    held = HeldFeatures(store, {"c": 1, "a": 3, "b": 5}, progress=lambda *step: told.append(step))
    assert told == [("read clips", done, 3) for done in (1, 2, 3)]
    for video_id in "abc":
        ours, theirs = held.read(video_id), store.read(video_id)
        assert (ours.visual.dtype, ours.audio.dtype) == (torch.float16, torch.float32)
        assert torch.equal(ours.visual, theirs.visual)
        assert torch.equal(ours.audio, theirs.audio)
        assert ours.duration_seconds == theirs.duration_seconds
    assert len({held.read(video_id).visual.untyped_storage().data_ptr() for video_id in "abc"}) == 1


def test_clips_of_other_lengths_or_shapes_are_refused(store):
    with pytest.raises(DataError, match=r"features of 'b' have shape \[5, 2, 2, 4\], expected was \[4, 2, 2, 4\]"):
        HeldFeatures(store, {"a": 3, "b": 4})
    store.write("b", ClipFeatures(torch.zeros(5, 1, 1, 4), torch.zeros(5, 3), 5.0))  # would be spread over 2 x 2
    with pytest.raises(DataError, match=r"features of 'b' have shape \[5, 1, 1, 4\], expected was \[5, 2, 2, 4\]"):
        HeldFeatures(store, {"a": 3, "b": 5})


def test_a_held_split_is_read_once_and_gives_the_same_samples(tiny_store, monkeypatch):
    clips, held = (ClipDataset(tiny_store, "train", window_seconds=4) for _ in range(2))
    read, files = [], FeatureStore.read

    def noting(store, video_id):
        read.append(video_id)
        return files(store, video_id)

    monkeypatch.setattr(FeatureStore, "read", noting)
    held.hold()
    assert read == list(clips.seconds)
    samples = [held[index] for index in range(len(held))]
    assert len(read) == len(clips.seconds)
    for ours, theirs in zip(samples, (clips[index] for index in range(len(clips))), strict=True):
        assert ours.window == theirs.window
        assert torch.equal(ours.visual, theirs.visual)
        assert torch.equal(ours.audio, theirs.audio)
        assert torch.equal(ours.labels, theirs.labels)
    assert torch.equal(held.features("clip03").audio, clips.features("clip03").audio)
