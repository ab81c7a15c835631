from types import SimpleNamespace

import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.tasks.matching import matching_loss, window_scores


@given(st.integers(1, 3), st.integers(2, 7), st.integers(0, 999))
def test_the_answer_is_the_first_window_of_largest_sum(clips, seconds, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(clips, seconds, generator=generator)
    real = torch.randint(2, seconds + 1, (clips,), generator=generator)
    lengths = torch.tensor([int(torch.randint(1, int(n) + 1, (), generator=generator)) for n in real])
    mask = torch.arange(seconds) < real[:, None]
    scores = window_scores(logits, lengths, mask)
    starts = scores.argmax(1)
    for i in range(clips):
        sums = [float(logits[i, k : k + lengths[i]].sum()) for k in range(int(real[i] - lengths[i]) + 1)]
        torch.testing.assert_close(scores[i, : len(sums)], torch.tensor(sums))
        assert (scores[i, len(sums) :] == -torch.inf).all()
        assert abs(sums[int(starts[i])] - max(sums)) < 1e-5


def test_of_equals_the_first_window_wins():
    scores = window_scores(torch.zeros(1, 5), torch.tensor([2]), torch.ones(1, 5, dtype=torch.bool))
    assert scores.argmax(1).tolist() == [0]


def test_padding_is_no_part_of_the_loss():
    query, mask = torch.tensor([[True, False, False]]), torch.tensor([[True, True, False]])
    losses = [
        matching_loss(SimpleNamespace(segment_logits=torch.tensor([[1.0, -1.0, last]])), query, mask)
        for last in (0.0, 99.0)
    ]
    assert losses[0] == losses[1]
    torch.testing.assert_close(losses[0], torch.tensor(1.0).neg().exp().log1p())
