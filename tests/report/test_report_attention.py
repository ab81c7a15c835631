from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import DminError
from dmin.report.attention import attended, heat, overlay, plot_attention
from report.report_examples import film

FRAME = np.full((56, 112, 3), 128, np.uint8)


def test_the_attended_region_glows() -> None:
    weights = np.full((7, 7), 0.01)
    weights[1:3, 4:6] = 0.1
    picture = overlay(FRAME, weights).astype(int)
    assert picture.shape == FRAME.shape
    warmth = picture[..., 0] - picture[..., 2]  # red over blue
    row, column = np.unravel_index(warmth.argmax(), warmth.shape)
    assert 8 <= row < 24
    assert 64 <= column < 96
    assert abs(warmth[40:, :32]).max() <= 2


def test_enlarging_is_bilinear_and_keeps_sides() -> None:
    picture = overlay(FRAME, np.array([[0.0, 1.0]])).astype(int)
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


def test_shapes_are_checked() -> None:
    with pytest.raises(DminError, match=r"frame \[56, 112\] and weights \[7, 7\]: must be \[H, W, 3\] and \[h, w\]"):
        overlay(FRAME[..., 0], np.ones((7, 7)))
    with pytest.raises(DminError, match=r"attention is \[7, 7\]: must be \[T, H, W\]"):
        attended(film(), np.ones((7, 7)))


def test_each_frame_gets_its_own_seconds_attention() -> None:
    attention = np.full((10, 1, 2), 0.5)
    attention[4] = [[0.0, 1.0]]
    looks = attended(film(), attention)
    lit = [bool((f[..., 0].astype(int) - f[..., 2] > 10).any()) for f in looks.frames]
    assert lit == [second == 4 for second in range(10)]


def test_attention_shorter_than_the_video_is_continued() -> None:
    ax = plot_attention(film(10.4), np.ones((9, 7, 7)))
    assert len(ax.images) == 10


def test_a_second_without_relevance_fades_into_the_page() -> None:
    attention, relevance = np.ones((10, 7, 7)), np.linspace(1, 0, 10)
    plain = attended(film(), attention).frames
    frames = attended(film(), attention, relevance).frames
    assert (frames[0] == plain[0]).all()
    for second, (frame, whole) in enumerate(zip(frames, plain, strict=True)):
        share = 0.12 + 0.88 * relevance[second]
        assert np.abs(255 - frame.astype(float) - share * (255.0 - whole)).max() <= 0.51
    ax = plot_attention(film(), attention, None, relevance)
    assert (np.asarray(ax.images[9].get_array()) == frames[9]).all()
