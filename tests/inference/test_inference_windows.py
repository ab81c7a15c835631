import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.inference.windows import Average, windows


def chunks_of(seconds, size):
    rows = torch.arange(seconds, dtype=torch.float32)
    maps, vectors = rows[:, None, None, None].expand(-1, 2, 2, 8), rows[:, None].expand(-1, 6)
    for start in range(0, seconds, size):
        yield maps[start : start + size], vectors[start : start + size]


@given(st.integers(1, 60), st.integers(1, 25), st.integers(1, 12))
def test_windows_cover_all_seconds_whatever_the_chunks(seconds, chunk, length):
    found = list(windows(chunks_of(seconds, chunk), length))
    assert {window.start + t for window in found for t in range(len(window))} == set(range(seconds))
    assert all(len(window) == min(length, seconds) for window in found)
    for window in found:
        for features in window.features:
            assert features.flatten(1)[:, 0].tolist() == list(range(window.start, window.start + len(window)))
    assert [window.start for window in found] == [w.start for w in windows(chunks_of(seconds, 1000), length)]


def test_nothing_has_no_windows():
    assert list(windows([], 10)) == []


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 9))
def test_a_second_is_the_mean_of_the_windows_that_saw_it(seconds, length, seed):
    rng = np.random.default_rng(seed)
    average, said = Average(), [[] for _ in range(seconds)]
    for window in windows(chunks_of(seconds, 7), length):
        rows = rng.random((len(window), 2))
        average.add(window.start, rows)
        for t, row in enumerate(rows, window.start):
            said[t].append(row)
    assert np.allclose(average.take(), [np.mean(rows, 0) for rows in said])
