from __future__ import annotations

import torch
from hypothesis import given

from dmin.lab.zoo.layers.cmca import CrossModalityCoAttention
from lab.zoo.layers.cross_clips import LENGTHS, assert_as_oracle, pair, real
from oracles import cmca as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, draw, in_float64


@FEW
@given(lengths=LENGTHS)
def test_against_the_oracle(lengths):
    module = in_float64(CrossModalityCoAttention(4, 4))

    def attend(encoded, other, mask, other_mask, return_weights):
        return module(None, encoded, other, mask, other_mask, return_weights)

    assert_as_oracle(attend, lambda *pair: (oracle.co_attention(weights_of(module), *pair), None), lengths)


def test_modalities_of_two_widths():
    module = in_float64(CrossModalityCoAttention(3, 5))
    encoded, other = draw(1, 2, 3), draw(1, 4, 5, seed=1)
    literal = oracle.co_attention(weights_of(module), encoded[0].detach().numpy(), other[0].detach().numpy())
    assert_agree(module(None, encoded, other).values[0], literal)


def test_later_seconds_say_nothing_of_earlier_ones():
    module, (encoded, other) = in_float64(CrossModalityCoAttention(4, 4)), pair()
    changed = encoded.clone()
    changed[:, 2] = 9
    assert torch.equal(module(None, encoded, other).values[:, :2], module(None, changed, other).values[:, :2])


def test_with_no_say_in_it_the_sentinel_is_one_of_equals():
    module, (encoded, other) = in_float64(CrossModalityCoAttention(4, 4)), pair(others=1)
    module.score.weight.data.zero_()
    hidden, sentinel = module._run(encoded)
    torch.testing.assert_close(module(None, encoded, other).values, hidden + (sentinel + other) / 2)


def test_gradients():
    module, other_mask = in_float64(CrossModalityCoAttention(4, 4)), real([1, 4], 4)
    assert_gradients(module, lambda x, y: module(None, x, y, None, other_mask).values, *pair())
    assert_reaches_all(module, module(None, *pair(), None, other_mask).values.square().sum())
    assert_finite(module, module(None, *(0 * sequence for sequence in pair())).values.sum())
