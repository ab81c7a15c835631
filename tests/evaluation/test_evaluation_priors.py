from __future__ import annotations

import numpy as np
import pytest

from dmin.data.queries import MatchingClips, query_of
from dmin.evaluation.priors import Query, chances, most_frequent_starts, priors, queries_of
from dmin.lab.ave.release import AveRelease

TRAIN = [Query(start, 3, 10) for start in (7, 0, 7, 0)] + [Query(4, 5, 10)] * 3
"""Queries of 3 s start at 0 and 7 equally often; 4 is the most frequent start of all."""


@pytest.mark.parametrize(
    ("query", "start"),
    [
        (Query(0, 3, 10), 0),  # the earliest among equals
        (Query(0, 5, 10), 4),
        (Query(0, 6, 10), 4),  # no such length in training: the most frequent start of all
        (Query(0, 7, 10), 0),  # which does not fit here
        (Query(0, 5, 6), 0),  # the right length, in too short a clip
    ],
)
def test_the_most_frequent_start(query, start):
    assert most_frequent_starts([query], TRAIN).tolist() == [start]


def test_shares_counted_by_hand():
    queries = [Query(0, 3, 10), Query(4, 5, 10), Query(5, 5, 10), Query(1, 9, 10)]
    shares = priors(chances(queries, TRAIN))
    assert shares.uniform == pytest.approx((1 / 8 + 1 / 6 + 1 / 6 + 1 / 2) / 4)
    assert shares.starts_with_clip == 1 / 4
    assert shares.ends_with_clip == 2 / 4
    assert shares.most_frequent == 2 / 4
    assert shares.best == "ends_with_clip"  # the first among equals


def test_without_training_there_is_no_most_frequent_start():
    shares = priors(chances([Query(0, 9, 10)], None))
    assert shares.most_frequent is None
    assert shares.best == "starts_with_clip"


def test_queries_of_a_split(tiny_store):
    assert queries_of(MatchingClips(tiny_store, "test")) == [Query(2, 3, 6), Query(0, 3, 6), Query(1, 3, 6)]


def test_on_ave_the_content_free_answers_are_the_published_splits_own(shared):
    """The figures of `shared/official/README.md`, counted there with code of its own."""
    release = AveRelease.open(shared / "ave")
    background = len(release.categories)
    queries = {
        split: [Query(*query, 10) for row in order if (query := query_of(release.labels[row] < background)) is not None]
        for split, order in release.splits("matching").items()
    }
    assert len(queries["train"]) == 792
    assert len(queries["test"]) == 402
    shares = priors(chances(queries["test"], queries["train"]))
    percent = [shares.uniform, shares.starts_with_clip, shares.ends_with_clip, shares.most_frequent]
    assert np.round(100 * np.array(percent), 1).tolist() == [20.8, 35.3, 46.8, 47.0]
    assert shares.best == "most_frequent"
