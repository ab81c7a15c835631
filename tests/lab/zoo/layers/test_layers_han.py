from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.lab.zoo.layers.han import HybridAttention
from lab.zoo.layers.cross_clips import LENGTHS, assert_as_oracle, pair
from oracles import han as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_finite, assert_gradients, assert_reaches_all, in_float64


@FEW
@given(lengths=LENGTHS, heads=st.sampled_from([1, 2, 4]))
def test_against_the_oracle(lengths, heads):
    module = in_float64(HybridAttention(4, heads))
    assert_as_oracle(module, lambda *pair: oracle.hybrid_attention(weights_of(module), heads, *pair), lengths)


def test_gradients():
    module = in_float64(HybridAttention(4, 2))
    assert_gradients(module, lambda x, y: module(x, y).values, *pair())
    assert_reaches_all(module, module(*pair()).values.square().sum())
    assert_finite(module, module(*(0 * sequence for sequence in pair())).values.sum())


def test_dropout_falls_on_both_results():
    module = HybridAttention(4, 2, dropout=0.9).double().train()
    module.own.dropout = module.other.dropout = 0.0  # of the attention weights
    own, other = pair(20, 10, 10)
    none_left = (module(own, other).values == 0).double().mean().item()
    assert none_left == pytest.approx(0.81, abs=0.1)
