import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dmin.tasks.scores import Span, confusion, event_f1, spans

labels = st.lists(st.integers(0, 3), min_size=1, max_size=12).map(np.array)


@given(labels)
def test_spans_paint_the_labels_again(sequence):
    painted = np.full(len(sequence), 3)
    for span in spans(sequence, background=3):
        assert span.stop > span.start
        painted[span.start : span.stop] = span.label
    assert (painted == sequence).all()


@given(labels)
def test_a_perfect_answer_finds_every_event(sequence):
    expected = 1.0 if (sequence < 3).any() else 0.0
    assert event_f1([(sequence, sequence)], background=3, iou=0.7) == expected


def test_one_event_is_found_once():
    truth, answer = np.array([0, 0, 0, 0]), np.array([0, 3, 0, 3])
    assert Span(0, 0, 4).iou(Span(0, 0, 1)) == 0.25
    # Two answers, one event: one hit, 2 * 1 / (2 + 1).
    assert event_f1([(truth, answer)], background=3, iou=0.2) == 2 / 3


@given(labels, st.randoms())
def test_confusion_counts_every_second(sequence, random):
    said = np.array([random.randrange(4) for _ in sequence])
    matrix = confusion(sequence, said, 4)
    assert matrix.sum() == len(sequence)
    assert matrix.trace() == (sequence == said).sum()
