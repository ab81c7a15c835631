from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.queries import MatchingClips
from dmin.errors import DataError
from dmin.evaluation.cca import (
    DEFAULT,
    CcaChoice,
    ClipSeconds,
    fit_matcher,
    fit_ridges,
    read_seconds,
    window_cosines,
)
from oracles import cca as oracle
from oracles.checks import FEW


def pictures_and_sounds(count, visual=7, audio=5, shared=3, seed=0):
    """Two views of a few hidden numbers, each with noise, scales and offsets of its own."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(count, shared))
    views = []
    for width in (visual, audio):
        view = hidden @ generator.normal(size=(shared, width)) + 0.5 * generator.normal(size=(count, width))
        views.append(view * generator.uniform(0.1, 10, width) + generator.normal(size=width))
    return views


def clips_of(count, seed=0, length=2, seconds=6):
    """Clips whose every second has hidden numbers of its own, so that each window can be told from the others."""
    visual, audio = pictures_and_sounds(count * seconds, seed=seed)
    generator = np.random.default_rng(seed)
    starts = generator.integers(0, seconds - length + 1, count)
    parts = zip(np.split(visual, count), np.split(audio, count), starts, strict=True)
    return [ClipSeconds(v, a, int(start), length) for v, a, start in parts]


@FEW
@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from([1e-6, 0.1, 10.0]), st.integers(0, 99))
def test_correlations_are_the_roots_of_the_generalised_eigenproblem(visual, audio, ridge, seed):
    x, y = pictures_and_sounds(40, visual, audio, seed=seed)
    (cca,) = fit_ridges(x, y, [ridge])
    np.testing.assert_allclose(cca.correlations, oracle.correlations(x, y, ridge), atol=1e-9)


def test_projected_pairs_have_those_correlations_and_the_components_none_with_each_other():
    x, y = pictures_and_sounds(300)
    (cca,) = fit_ridges(x, y, [1e-9])
    matrix = np.corrcoef(cca.visual(x).T, cca.audio(y).T)
    count = len(cca.correlations)
    assert count == 5
    np.testing.assert_allclose(matrix[:count, count:], np.diag(cca.correlations), atol=1e-6)
    np.testing.assert_allclose(matrix[:count, :count], np.eye(count), atol=1e-6)


def test_scales_and_offsets_of_the_features_do_not_matter():
    x, y = pictures_and_sounds(50)
    (one,), (other,) = fit_ridges(x, y, [0.1]), fit_ridges(1000 * x + 3, y / 7, [0.1])
    np.testing.assert_allclose(one.correlations, other.correlations)


def test_a_channel_that_never_changes_is_ignored():
    x, y = pictures_and_sounds(50)
    still = np.column_stack([x, np.full(50, 0.3)])
    (one,), (other,) = fit_ridges(x, y, [0.1]), fit_ridges(still, y, [0.1])
    np.testing.assert_allclose(one.correlations, other.correlations)
    assert np.isfinite(other.visual(still)).all()


def test_features_as_wide_as_backbones_make_them_with_few_seconds():
    x, y = pictures_and_sounds(600, visual=1280, audio=512)
    (cca,) = fit_ridges(x, y, [1.0])
    assert cca.correlations.shape == (128,)
    assert 0.9 < cca.correlations[0] < 1
    assert cca.visual(x[:3]).shape == (3, 128)


@pytest.mark.parametrize(("pictures", "sounds"), [(1, 1), (4, 5)])
def test_seconds_that_cannot_be_paired(pictures, sounds):
    message = f"got {pictures} seconds of picture and {sounds} of sound: must be as many, at least 2"
    with pytest.raises(DataError, match=message):
        next(fit_ridges(np.zeros((pictures, 3)), np.zeros((sounds, 2)), [1.0]))


@FEW
@given(st.integers(1, 5), st.integers(5, 8), st.integers(1, 4))
def test_cosines_of_windows_second_by_second(length, seconds, width):
    generator = np.random.default_rng(length)
    query, candidates = generator.normal(size=(length, width)), generator.normal(size=(seconds, width))
    np.testing.assert_allclose(window_cosines(query, candidates), oracle.window_cosines(query, candidates), atol=1e-12)


def test_cosines_of_means_forget_the_order_of_seconds():
    generator = np.random.default_rng(0)
    query, candidates = generator.normal(size=(3, 4)), generator.normal(size=(5, 4))
    cosines = window_cosines(query, candidates, "means")
    np.testing.assert_allclose(cosines, window_cosines(query[::-1], candidates, "means"))
    mean, window = query.mean(0), candidates[1:4].mean(0)
    assert cosines[1] == pytest.approx(mean @ window / np.linalg.norm(mean) / np.linalg.norm(window))


@pytest.mark.parametrize("direction", ["a2v", "v2a"])
def test_queries_are_found_where_the_two_modalities_share_something(direction):
    clips = clips_of(90)
    matcher = fit_matcher(clips[:40], clips[40:60], direction)
    truth = np.array([clip.start for clip in clips[60:]])
    assert (matcher.starts(clips[60:]) == truth).mean() > 0.6  # at random: 0.2
    validation = np.array([clip.start for clip in clips[40:60]])
    assert (matcher.starts(clips[40:60]) == validation).mean() == matcher.choice.validation_exact > 0.6


def test_without_validation_the_settings_are_the_middle_ones():
    clips = clips_of(40)
    assert fit_matcher(clips, None, "a2v").choice == CcaChoice(DEFAULT[0], 5, DEFAULT[2], None)


def test_the_clips_of_a_store(tiny_store):
    clips = MatchingClips(tiny_store, "test")
    said = []
    seconds = read_seconds(clips, lambda *words: said.append(words), "read")
    assert [(clip.start, clip.length, clip.visual.shape, clip.audio.shape) for clip in seconds] == [
        (2, 3, (6, 8), (6, 6)),
        (0, 3, (6, 8), (6, 6)),
        (1, 3, (6, 8), (6, 6)),
    ]
    assert said[-1] == ("read", 3, 3)
    np.testing.assert_allclose(seconds[0].visual, clips[0].visual.float().mean((1, 2)))
