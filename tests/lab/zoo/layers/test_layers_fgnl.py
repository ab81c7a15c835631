from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.lab.zoo.layers.fgnl import (
    FullyGeneralizedNonLocal,
    ModifiedFullyGeneralizedNonLocal,
    RollExcitation,
    rolled,
    smooth,
)
from lab.zoo.layers.cross_clips import LENGTHS, assert_as_oracle, pair, real
from oracles import fgnl as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, draw, in_float64


@FEW
@given(lengths=LENGTHS, heads=st.sampled_from([1, 2, 6]))
def test_modified_against_the_oracle(lengths, heads):
    module = in_float64(ModifiedFullyGeneralizedNonLocal(6, heads, dropout=0.5))
    assert_as_oracle(module, lambda *pair: oracle.modified(weights_of(module), heads, *pair), lengths, width=6)


@FEW
@given(lengths=LENGTHS, reduction=st.sampled_from([1, 2, 3, 32]))
def test_unmodified_against_the_oracle(lengths, reduction):
    module = in_float64(FullyGeneralizedNonLocal(6, reduction, dropout=0.5))
    assert_as_oracle(module, lambda *pair: oracle.unmodified(weights_of(module), *pair), lengths, width=6)


def test_sizes():
    starred = ModifiedFullyGeneralizedNonLocal(256, 4, 0.1)
    assert (starred.restore.in_features, starred.restore.out_features) == (4096, 64)
    plain = FullyGeneralizedNonLocal(256)
    assert (plain.theta.out_features, plain.restore.in_features, plain.restore.out_features) == (8, 64, 256)
    assert FullyGeneralizedNonLocal(8).theta.out_features == 2


@FEW
@given(seconds=st.integers(1, 7), length=st.integers(1, 7))
def test_smoothing_sees_nothing_beyond_real_seconds(seconds, length):
    sequence, length = draw(1, 1, seconds, 3), min(length, seconds)
    smoothed = smooth(sequence, real([length], seconds))
    assert_agree(smoothed[0, 0, :length], oracle.smooth(sequence[0, 0, :length].detach().numpy()))
    assert_agree(smooth(sequence, None)[0, 0], oracle.smooth(sequence[0, 0].detach().numpy()))


def test_rolls_are_those_of_torch():
    keys = draw(2, 3, 4, 5)
    for roll in range(5):
        assert torch.equal(rolled(keys)[:, :, roll], keys.roll(roll, -1))


def test_rolls_are_weighed_by_real_seconds_alone():
    module, rolls = in_float64(RollExcitation()), draw(1, 2, 5, 3, 4)
    weighted = module(rolls, real([3], 5))
    assert_agree(weighted[:, :, :3], module(rolls[:, :, :3]).detach().numpy())


@pytest.mark.parametrize(
    "make", [lambda: ModifiedFullyGeneralizedNonLocal(4, 2, 0.0), lambda: FullyGeneralizedNonLocal(4)]
)
def test_gradients(make):
    module, mask, other_mask = in_float64(make()), real([3, 2], 3), real([1, 4], 4)
    assert_gradients(module, lambda x, y: module(x, y, mask, other_mask).values, *pair())
    assert_reaches_all(module, module(*pair(), mask, other_mask).values.square().sum())
    assert_finite(module, module(*(0 * sequence for sequence in pair()), mask, other_mask).values.sum())
