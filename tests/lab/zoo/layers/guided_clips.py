"""What the tests of visual attentions share: tiny clips of unequal length, and the comparison with an oracle."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from oracles.basics import weights_of
from oracles.checks import assert_agree, draw

LENGTHS = st.lists(st.integers(1, 4), min_size=1, max_size=3)
"""Real seconds of each clip."""


def clips(lengths, seconds, regions=3, seed=0):
    """Regions [B, T, R, 5], audio [B, T, 3] and mask [B, T]; noise stands in the padding."""
    mask = torch.arange(seconds) < torch.tensor(lengths)[:, None]
    return draw(len(lengths), seconds, regions, 5, seed=seed), draw(len(lengths), seconds, 3, seed=seed + 1), mask


def assert_as_oracle(module, oracle, lengths, regions=3):
    """Each clip of a batch, padded or of full length, is looked at as the oracle looks at its real seconds alone.

    ``oracle(weights, regions, sounds)`` gives the fields of `Guided` in their order; those at the end may be missing.
    """
    _compare(module, oracle, lengths, max(lengths) + 1, regions, masked=True)
    _compare(module, oracle, [max(lengths)] * len(lengths), max(lengths), regions, masked=False)


def _compare(module, oracle, lengths, seconds, regions, masked):
    visual, audio, mask = clips(lengths, seconds, regions)
    guided = module(visual, audio, mask if masked else None)
    weights = weights_of(module)
    for clip, length in enumerate(lengths):
        expected = oracle(weights, *(tensor[clip, :length].detach().numpy() for tensor in (visual, audio)))
        expected = [*expected, *[None] * (3 - len(expected))]
        for ours, literal in zip((guided.values, guided.spatial, guided.channel), expected, strict=True):
            assert (ours is None) == (literal is None)
            if ours is not None:
                assert_agree(ours[clip, :length], literal)


def size(module):
    """How many parameters it has."""
    return sum(parameter.numel() for parameter in module.parameters())
