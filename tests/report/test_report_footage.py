from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from dmin.errors import MediaError
from dmin.media import decode
from dmin.report.footage import columns_per_second, plot_film, plot_spectrogram, spectrogram, thumbnail_instants, watch
from report.report_examples import film


@given(st.floats(0.5, 100_000))
def test_thumbnails_are_few_and_evenly_spaced(duration: float) -> None:
    instants = thumbnail_instants(duration)
    assert 7 <= len(instants) <= 14
    assert 0 < instants[0] < instants[-1] < duration
    np.testing.assert_allclose(np.diff(instants), duration / len(instants), rtol=1e-6)


@given(st.integers(1, 10_000))
def test_spectrograms_stay_small(seconds: int) -> None:
    columns = columns_per_second(seconds)
    assert 100 % columns == 0
    assert columns == 1 or columns * seconds <= 1600


def test_watch_takes_frames_and_sound_at_their_times(video: Path) -> None:
    footage = watch(video)
    assert footage.instants_seconds == thumbnail_instants(footage.duration_seconds)
    assert footage.duration_seconds == pytest.approx(3.0, abs=0.1)
    assert footage.frames[0].shape == (200, 267, 3)
    brightness = [float(frame.mean()) for frame in footage.frames]
    assert brightness == pytest.approx([40] * 3 + [120] * 3 + [200] * 3, abs=8)
    assert footage.spectrogram_db is not None
    assert footage.spectrogram_db.shape == (64, 300)
    band = footage.spectrogram_db.max(1).argmax()
    assert band == pytest.approx(64 * 1000 / 2840, abs=2)  # 1000 Hz are 1000 mel of 2840 up to 8 kHz
    loud = footage.spectrogram_db[band]
    assert loud[130:170].min() > loud[:80].max() + 30
    assert loud[130:170].min() > loud[220:].max() + 30


def test_watch_takes_open_segments_of_any_setting(video: Path) -> None:
    footage = watch(decode(video, frames_per_second=2, frame_size=(24, 32), rate_hz=44_100))
    assert len(footage.frames) == 9
    assert footage.frames[0].shape == (24, 32, 3)
    assert [float(frame.mean()) // 40 for frame in footage.frames[::3]] == pytest.approx([1, 3, 5], abs=1)


def test_watch_without_the_video(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        watch(tmp_path / "gone.mp4")


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_a_full_scale_tone_is_found_at_its_height(rate_hz: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    decibels = spectrogram(tone, rate_hz, 4)
    assert decibels.shape == (64, 4)
    mel = 2595 * math.log10(1 + 440 / 700)
    assert decibels.mean(1).argmax() == pytest.approx(65 * mel / 2840 - 1, abs=2.5)
    assert -15 < decibels.max() <= 0.1


def test_film_keeps_proportions_and_never_overlaps() -> None:
    for footage in (film(10, 36, 64), film(10, 64, 36), film(3600, 36, 64), film(0.6, 36, 64)):
        figure = Figure(figsize=(10, 2), dpi=100)
        ax = plot_film(footage, figure.add_axes((0, 0, 1, 1)))
        assert len(ax.images) == len(footage.frames)
        boxes = [image.get_extent() for image in ax.images]
        for (left, right, bottom, top), frame in zip(boxes, footage.frames, strict=True):
            inches = (right - left) / footage.duration_seconds * 10, (top - bottom) * 2
            assert inches[0] / inches[1] == pytest.approx(frame.shape[1] / frame.shape[0], rel=1e-3)
        assert all(one[1] < other[0] for one, other in itertools.pairwise(boxes))
        assert ax.get_xlim() == (0, footage.duration_seconds)


def test_spectrogram_says_that_there_is_no_sound() -> None:
    ax = plot_spectrogram(None, 10)
    assert [text.get_text() for text in ax.texts] == ["no sound"]
    assert not ax.images


def test_silence_is_not_blown_up_into_noise() -> None:
    ax = plot_spectrogram(np.full((64, 100), -100.0), 10)
    low, high = ax.images[0].get_clim()
    assert (low, high) == (-140, -70)


def test_spectrogram_of_a_part_of_a_second_more_ends_where_it_was_measured() -> None:
    ax = plot_spectrogram(np.zeros((64, 180)), 18.2)
    assert ax.images[0].get_extent()[:2] == [0, 18.0]
    assert ax.get_xlim() == (0, 18.2)
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["250 Hz", "1 kHz", "4 kHz"]
