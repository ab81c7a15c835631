from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.report.footage import attended, glow, heat, plot_film, plot_spectrogram
from report.report_examples import drawn, film


def test_film_keeps_proportions_and_never_overlaps() -> None:
    for footage in (film(10, 36, 64), film(10, 64, 36), film(3600, 36, 64), film(0.6, 36, 64)):
        figure = Figure(figsize=(10, 2), dpi=100)
        ax = figure.add_axes((0, 0, 1, 1))
        plot_film(footage, ax)
        assert len(ax.images) == len(footage.frames)
        boxes = [image.get_extent() for image in ax.images]
        for (left, right, bottom, top), frame in zip(boxes, footage.frames, strict=True):
            inches = (right - left) / footage.duration_seconds * 10, (top - bottom) * 2
            assert inches[0] / inches[1] == pytest.approx(frame.shape[1] / frame.shape[0], rel=1e-3)
        assert all(one[1] < other[0] for one, other in itertools.pairwise(boxes))
        assert ax.get_xlim() == (0, footage.duration_seconds)


def test_spectrogram_says_that_there_is_no_sound() -> None:
    ax = drawn(plot_spectrogram, None, 10)
    assert [text.get_text() for text in ax.texts] == ["no sound"]
    assert not ax.images


def test_silence_is_not_blown_up_into_noise() -> None:
    ax = drawn(plot_spectrogram, np.full((64, 100), -100.0), 10)
    low, high = ax.images[0].get_clim()
    assert (low, high) == (-140, -70)


def test_spectrogram_of_a_part_of_a_second_more_ends_where_it_was_measured() -> None:
    ax = drawn(plot_spectrogram, np.zeros((64, 180)), 18.2)
    assert ax.images[0].get_extent()[:2] == [0, 18.0]
    assert ax.get_xlim() == (0, 18.2)
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["250 Hz", "1 kHz", "4 kHz"]


FRAME = np.full((56, 112, 3), 128, np.uint8)
WHOLE = np.ones(10)
"""Relevance of seconds that do not fade."""


def overlay(weights: np.ndarray) -> np.ndarray:
    return glow(FRAME, heat(weights), 1 - heat(weights)).astype(int)


def test_the_attended_region_glows() -> None:
    weights = np.full((7, 7), 0.01)
    weights[1:3, 4:6] = 0.1
    picture = overlay(weights)
    assert picture.shape == FRAME.shape
    warmth = picture[..., 0] - picture[..., 2]  # red over blue
    row, column = np.unravel_index(warmth.argmax(), warmth.shape)
    assert 8 <= row < 24
    assert 64 <= column < 96
    assert abs(warmth[40:, :32]).max() <= 2


def test_enlarging_is_bilinear_and_keeps_sides() -> None:
    picture = overlay(np.array([[0.0, 1.0]]))
    warmth = (picture[..., 0] - picture[..., 2])[28]
    assert warmth[:28].max() < warmth[-28:].min()
    assert len(np.unique(picture[28], axis=0)) > 20  # a ramp, no edge


def test_even_attention_shows_no_heat() -> None:
    assert heat(np.full((7, 7), 1 / 49)).max() == 0
    nearly = np.full((7, 7), 1 / 49)
    nearly[3, 3:5] *= 1.02
    assert heat(nearly).max() < 0.1


def test_a_single_outlier_does_not_dim_the_rest() -> None:
    weights = np.zeros((20, 20))
    weights[5:10, 5:10] = 1.0
    weights[0, 0] = 1000.0
    assert heat(weights)[7, 7] == 1.0


@given(st.integers(1, 7), st.integers(1, 7), st.floats(1e-6, 1e6))
def test_heat_does_not_depend_on_scale(height: int, width: int, scale: float) -> None:
    weights = np.random.default_rng(height * 8 + width).random((height, width))
    once, scaled = heat(weights), heat(weights * scale)
    assert once.min() >= 0
    assert once.max() <= 1
    np.testing.assert_allclose(once, scaled, atol=1e-3)


def test_the_shape_of_attention_is_checked() -> None:
    with pytest.raises(DminError, match=r"attention is \[7, 7\]: must be \[T, H, W\]"):
        attended(film(), np.ones((7, 7)), WHOLE)


def test_each_frame_gets_its_own_seconds_attention() -> None:
    attention = np.full((10, 1, 2), 0.5)
    attention[4] = [[0.0, 1.0]]
    looks = attended(film(), attention, WHOLE)
    lit = [bool((f[..., 0].astype(int) - f[..., 2] > 10).any()) for f in looks.frames]
    assert lit == [second == 4 for second in range(10)]


def test_attention_shorter_than_the_video_is_continued() -> None:
    assert len(attended(film(10.4), np.ones((9, 7, 7)), WHOLE).frames) == 10


def test_a_second_without_relevance_fades_into_the_page() -> None:
    attention, relevance = np.ones((10, 7, 7)), np.linspace(1, 0, 10)
    plain = attended(film(), attention, WHOLE).frames
    frames = attended(film(), attention, relevance).frames
    assert (frames[0] == plain[0]).all()
    for second, (frame, whole) in enumerate(zip(frames, plain, strict=True)):
        share = 0.12 + 0.88 * relevance[second]
        assert np.abs(255 - frame.astype(float) - share * (255.0 - whole)).max() <= 0.51
    ax = drawn(plot_film, attended(film(), attention, relevance))
    assert (np.asarray(ax.images[9].get_array()) == frames[9]).all()
