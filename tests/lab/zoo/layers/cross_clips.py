"""What the tests of inter-modality attentions share: sequences of unequal length, and the comparison with an oracle."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from oracles.checks import assert_agree, draw

LENGTHS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=2)
"""Real seconds of x and of y, a clip."""


def real(lengths, seconds):
    """A mask [B, T] of clips with so many real seconds."""
    return torch.arange(seconds) < torch.tensor(lengths)[:, None]


def pair(batch=2, seconds=3, others=4, width=4):
    """x [B, T, d] and y [B, S, d]."""
    return draw(batch, seconds, width), draw(batch, others, width, seed=1)


def assert_as_oracle(attend, oracle, lengths, width=4):
    """Each clip of a batch, padded or of full length, is answered as the oracle answers its real seconds alone.

    ``attend(own, other, mask, other_mask, return_weights)`` gives `Attended`; ``oracle(own, other)`` gives features
    [T, d] and the map [heads, T, T + S] or None.
    """
    _compare(attend, oracle, lengths, width, masked=True)
    longest = tuple(max(of_one) for of_one in zip(*lengths, strict=True))
    _compare(attend, oracle, [longest] * len(lengths), width, masked=False)


def _compare(attend, oracle, lengths, width, masked):
    owns, others = zip(*lengths, strict=True)
    seconds, memory = max(owns) + masked, max(others) + 2 * masked  # noise stands in the padding
    own, other = pair(len(lengths), seconds, memory, width)
    masks = (real(owns, seconds), real(others, memory)) if masked else (None, None)
    attended = attend(own, other, *masks, True)
    assert attended.values.shape == own.shape
    assert_agree(attend(own, other, *masks, False).values, attended.values.detach().numpy())
    for clip, (time, length) in enumerate(lengths):
        values, weights = oracle(own[clip, :time].detach().numpy(), other[clip, :length].detach().numpy())
        assert_agree(attended.values[clip, :time], values)
        assert (attended.weights is None) == (weights is None)
        if weights is not None:
            ours = attended.weights[clip, :, :time]  # [heads, T, seconds + memory]
            assert ours.shape[-1] == seconds + memory
            looked_at = torch.cat([torch.arange(time), seconds + torch.arange(length)])
            assert_agree(ours[..., looked_at], weights)
            assert_agree(ours.sum(-1), torch.ones(ours.shape[:2]))
