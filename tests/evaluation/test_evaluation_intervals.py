from __future__ import annotations

import math

import numpy as np
import pytest

from dmin.evaluation import Interval
from dmin.evaluation.intervals import mean, share


def resampled(hits, totals, count=4000):
    """The bootstrap, written out: as many clips as there are are drawn with replacement, again and again."""
    generator = np.random.default_rng(7)
    shares = []
    for _ in range(count):
        drawn = generator.integers(0, len(hits), len(hits))
        shares.append(sum(hits[i] for i in drawn) / sum(totals[i] for i in drawn))
    return np.quantile(shares, [0.025, 0.975])


def test_it_is_what_drawing_clips_again_gives():
    generator = np.random.default_rng(1)
    totals = generator.integers(1, 11, 40)
    hits = generator.integers(0, totals + 1)
    interval = share(hits, totals)
    assert interval.value == hits.sum() / totals.sum()
    assert [interval.low, interval.high] == pytest.approx(resampled(hits, totals), abs=0.01)


def test_intervals_are_of_clips_not_of_seconds():
    """Ten clips all right and ten all wrong: the spread is that of 20 coins, not of 200."""
    interval = share([10 * (i % 2) for i in range(20)], [10] * 20)
    assert interval.value == 0.5
    assert 0.2 < interval.low < 0.35
    assert 0.65 < interval.high < 0.8


def test_paired_differences_are_narrower_than_the_two_apart():
    generator = np.random.default_rng(2)
    ours = generator.integers(0, 2, 100).astype(float)
    theirs = np.where(generator.random(100) < 0.9, ours, 1 - ours)
    both = mean(ours - theirs)
    apart = [mean(values).high - mean(values).low for values in (ours, theirs)]
    assert both.value == pytest.approx(ours.mean() - theirs.mean())
    assert both.high - both.low < min(apart)


def test_clips_without_what_is_counted_are_no_division_by_zero():
    assert share([0, 0], [0, 0]) == Interval(0.0, None, None, 0)
    assert share([1] * 5 + [0], [1] * 5 + [0]) == Interval(1.0, 1.0, 1.0, 5)


@pytest.mark.parametrize("clips", [1, 4, 5])
def test_fewer_than_five_clips_give_no_interval(clips):
    interval = mean([1.0] * clips)
    assert (interval.low is None, interval.high is None, interval.clips) == (clips < 5, clips < 5, clips)
    assert interval.bounds == ((1, 1) if clips == 5 else (-math.inf, math.inf))
    assert str(interval) == ("1.000 [1.000, 1.000]" if clips == 5 else "1.000")


def test_an_interval_is_written_with_its_bounds():
    assert str(share([0, 0], [0, 0])) == "-"
    assert str(Interval(0.5, None, None)) == "0.500"
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


def test_figures_of_one_clip_are_drawn_together():
    hits, totals = [2, 0, 1, 1, 0, 3], [3, 1, 1, 2, 2, 3]
    figures, clips = [], []
    for clip, (right, all_) in enumerate(zip(hits, totals, strict=True)):
        figures += [1.0] * right + [0.0] * (all_ - right)
        clips += [f"clip{9 - clip}"] * all_
    assert mean(figures, clips) == share(hits, totals)
    assert mean(figures, clips) != mean(figures)
