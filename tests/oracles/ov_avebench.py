"""OV-AVEBench's three figures as its public code (jasongief/OV-AVEL) defines them: means over clips.

A clip is a table of 0 and 1, a row a label, background the last row, a column a second. Rows that are empty in truth
and answer do not count; F1s are of seconds, and of stretches that overlap by at least half of their union.
"""

from __future__ import annotations


def table(labels, background):
    return [[1 if label == row else 0 for label in labels] for row in range(background + 1)]


def accuracy(clips):
    shares = []
    for labels, said in clips:
        right = 0
        for one, other in zip(labels, said, strict=True):
            right += one == other
        shares.append(right / len(labels))
    return sum(shares) / len(shares)


def stretches(row):
    """Sets of neighbouring seconds that are 1."""
    found, open_one = [], set()
    for second, value in enumerate([*row, 0]):
        if value:
            open_one.add(second)
        elif open_one:
            found.append(open_one)
            open_one = set()
    return found


def f1(tp, fp, fn):
    return 2 * tp / (2 * tp + fp + fn)


def segment_f1(clips, background):
    scores = []
    for labels, said in clips:
        of_rows = []
        for true_row, said_row in zip(table(labels, background), table(said, background), strict=True):
            pairs = list(zip(true_row, said_row, strict=True))
            tp, fp, fn = pairs.count((1, 1)), pairs.count((0, 1)), pairs.count((1, 0))
            if tp + fp + fn:
                of_rows.append(f1(tp, fp, fn))
        scores.append(sum(of_rows) / len(of_rows))
    return sum(scores) / len(scores)


def fits(one, other):
    return len(one & other) >= 0.5 * len(one | other)


def event_f1(clips, background):
    scores = []
    for labels, said in clips:
        of_rows = []
        for true_row, said_row in zip(table(labels, background), table(said, background), strict=True):
            true_events, said_events = stretches(true_row), stretches(said_row)
            tp = sum(any(fits(event, true) for true in true_events) for event in said_events)
            fp = len(said_events) - tp
            fn = sum(not any(fits(event, true) for event in said_events) for true in true_events)
            if tp + fp + fn:
                of_rows.append(f1(tp, fp, fn))
        scores.append(sum(of_rows) / len(of_rows))
    return sum(scores) / len(scores)
