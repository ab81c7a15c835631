from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

from dmin.report.footage import plot_film, plot_spectrogram
from report.report_examples import film


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
