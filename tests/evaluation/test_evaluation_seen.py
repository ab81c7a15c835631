"""Seen and unseen categories kept apart, and OV-AVEBench's figures against a literal version of them."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.cli.evaluate_tables import groups_table, metrics_table
from dmin.data.annotations import Annotation, write_annotations
from dmin.data.folder import DataFolder, write_split
from dmin.evaluation import ClipResult
from dmin.evaluation.localization import report
from dmin.evaluation.seen import Seen, by_group
from oracles import ov_avebench as oracle

C = 3


def result(labels, predicted, named=(2,)):
    labels, predicted = np.array(labels), np.array(predicted)
    return ClipResult("a", labels, predicted, np.minimum(predicted, C - 1), predicted < C, named)


labels = st.lists(st.integers(0, C), min_size=10, max_size=10)


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=6))
def test_figures_are_those_of_the_benchmark(pairs):
    figures = by_group([result(*pair) for pair in pairs], C, seen=[0, 1])["all"]
    assert figures.benchmark_accuracy.value == pytest.approx(oracle.accuracy(pairs), abs=1e-12)
    assert figures.benchmark_segment_f1.value == pytest.approx(oracle.segment_f1(pairs, C), abs=1e-12)
    assert figures.benchmark_event_f1.value == pytest.approx(oracle.event_f1(pairs, C), abs=1e-12)


def test_clips_count_alike_whatever_their_length():
    figures = by_group([result([2] * 2, [2] * 2), result([2] * 8, [3] * 8)], C, seen=[0])["all"]
    assert figures.benchmark_accuracy.value == 0.5
    assert figures.segment_accuracy.value == 0.2


def test_a_clip_belongs_to_the_group_of_its_annotated_categories():
    right, wrong = [3] * 10, [0] * 10
    clips = [
        result(right, right, named=(0,)),  # seen, without an event
        result(right, wrong, named=(2,)),  # unseen, without an event
        result(right, wrong, named=(0, 2)),  # one of them is unseen
        result(right, right, named=()),
    ]
    groups = by_group(clips, C, seen={0, 1})
    assert {name: (figures.clips, figures.segment_accuracy.value) for name, figures in groups.items()} == {
        "seen": (1, 1.0),
        "unseen": (2, 0.0),
        "all": (4, 0.5),
    }
    assert by_group(clips[:1], C, seen={0, 1}) is None
    assert list(by_group(clips[1:3], C, seen={0, 1})) == ["unseen", "all"]


def test_seen_are_the_categories_of_seen_txt_or_else_of_the_training_split(tmp_path):
    lines = [Annotation(*line, 0.0, 0.0) for line in (("Dog", "a", "good"), ("Bell", "b", "good"))]
    write_annotations(tmp_path / "Annotations.txt", lines)
    (tmp_path / "splits").mkdir()
    write_split(tmp_path / "splits" / "test.txt", ["b"])
    assert Seen.of(DataFolder.open(tmp_path), ("Bell", "Dog")) is None
    write_split(tmp_path / "splits" / "train.txt", ["a"])  # has a dog, if no event of it
    assert Seen.of(DataFolder.open(tmp_path), ("Bell", "Dog")) == Seen(frozenset({1}), "the training split")
    (tmp_path / "seen.txt").write_text("Bell\nno clip is here\n")
    assert Seen.of(DataFolder.open(tmp_path), ("Bell", "Dog")) == Seen(frozenset({0}), "seen.txt")
    (tmp_path / "splits" / "train.txt").unlink()
    assert Seen.of(DataFolder.open(tmp_path), ("Bell", "Dog")) == Seen(frozenset({0}), "seen.txt")
    (tmp_path / "seen.txt").write_text("")  # of a release that has unseen ones alone
    assert Seen.of(DataFolder.open(tmp_path), ("Bell", "Dog")) == Seen(frozenset(), "seen.txt")


def test_groups_are_in_the_report_and_in_rows(tmp_path):
    clips = [result([0] * 10, [0] * 10, (0,)), result([2] * 10, [3] * 10, (2,))]
    figures = report(clips, ("a", "b", "c"), "m", "d", "test", 0.5, Seen(frozenset({0, 1}), "seen.txt"))
    figures.save(tmp_path)
    saved = json.loads((tmp_path / "metrics.json").read_text())
    assert saved["groups"]["unseen"] == asdict(figures.groups["unseen"])
    assert saved["seen_by"] == "seen.txt"
    assert metrics_table(figures).caption == "which categories training has, in the table below, is told by seen.txt"
    table = groups_table(figures.groups)
    assert [column.header for column in table.columns][1:] == ["seen, 1 clip", "unseen, 1 clip", "all, 2 clips"]
    cells = {name: values for name, *values in zip(*(column.cells for column in table.columns), strict=True)}
    assert cells["OV-AVEBench: event F1"] == ["1.000", "0.000", "0.500"]
    assert len(cells) == 6
    unknown = report(clips, ("a", "b", "c"), "m", "d", "test", 0.5)
    assert (unknown.groups, unknown.seen_by, metrics_table(unknown).caption) == (None, None, None)


def test_figures_that_are_not_defined_are_dashes():
    silent = report([result([C] * 4, [C] * 4, ())], ("a", "b", "c"), "m", "d", "test", 0.5)
    words, values = (column.cells for column in metrics_table(silent).columns)
    cells = dict(zip(words, values, strict=True))
    for name in ("event / background F1", "whole events, F1 at IoU 0.5"):
        assert cells[name] == "-"
    assert cells["what: category, seconds given"] == "- (0 clips)"
    assert cells["both: segment accuracy"] == "1.000 (1 clip, no interval)"
    missed = report([result([0] * 4, [C] * 4, (0,))], ("a", "b", "c"), "m", "d", "test", 0.5)
    words, values = (column.cells for column in metrics_table(missed).columns)
    assert dict(zip(words, values, strict=True))["event / background F1"] == "0.000"
