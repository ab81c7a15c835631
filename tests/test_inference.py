import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dmin.inference
from dmin.errors import ModelError
from dmin.features import ClipFeatures, FeatureStore
from dmin.inference import Localizer, _windows


def chunks_of(seconds, size, visual=8, audio=6):
    rows = torch.arange(seconds, dtype=torch.float32)
    maps, vectors = rows[:, None, None, None].expand(-1, 2, 2, visual), rows[:, None].expand(-1, audio)
    for start in range(0, seconds, size):
        stop = min(start + size, seconds)
        yield ClipFeatures(maps[start:stop], vectors[start:stop], float(stop - start))


@given(st.integers(1, 60), st.integers(1, 25), st.integers(1, 12))
def test_windows_cover_all_seconds_whatever_the_chunks(seconds, chunk, length):
    windows = [(start, len(part), part) for start, part in _windows(chunks_of(seconds, chunk), length)]
    assert {start + t for start, n, _ in windows for t in range(n)} == set(range(seconds))
    assert all(part.audio[0, 0] == start for start, _, part in windows)
    assert all(n == min(length, seconds) for _, n, _ in windows)
    assert windows == [] or [w[:2] for w in windows] == [
        (start, len(part)) for start, part in _windows(chunks_of(seconds, 1000), length)
    ]


@pytest.mark.slow
def test_events_come_out_of_features(tiny_run, tiny_store, tiny_backbones, monkeypatch):
    store = FeatureStore.open(tiny_store)
    monkeypatch.setattr(dmin.inference, "stream_features", lambda video, *a, **k: iter([store.read(video)]))
    localizer = Localizer.from_pretrained(tiny_run)
    assert localizer.categories == ("Bell", "Dog", "Rain")
    found = localizer("clip20")  # Bell, from second 2 to 5
    assert found.duration_seconds == 6.0
    assert [(e.start_seconds, e.end_seconds, e.category) for e in found] == [(2.0, 5.0, "Bell")]
    assert found.attention.shape == (6, 2, 2)
    assert np.allclose(found.attention.sum((1, 2)), 1.0, atol=1e-5)
    assert all(abs(sum(second.scores.values()) - 1) < 1e-4 for second in found.seconds)
    assert len(localizer("clip23")) == 0  # nothing of any category
    assert len(localizer("clip20", threshold=1.0)) == 0
    assert len(localizer("clip20", min_seconds=4.0)) == 0
    with pytest.raises(ModelError, match="threshold is 2"):
        localizer("clip20", threshold=2)


def test_an_unknown_model_says_what_can_be_given():
    with pytest.raises(ModelError, match="no model 'nothing': give 'starter', a folder"):
        Localizer.from_pretrained("nothing")
