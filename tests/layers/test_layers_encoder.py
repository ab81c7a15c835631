from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dmin.layers import Encoder, EncoderConfig, InterModalityConfig
from dmin.layers.encoder import FeedForward
from dmin.layers.inter_modality import dima as make_dima
from oracles import blocks as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, draw, in_float64

shapes = {"batch": st.integers(1, 2), "seconds": st.integers(1, 4), "heads": st.integers(1, 2)}
HALF = torch.tensor([[True, True, True, True], [True, True, False, False]])
SMALL = EncoderConfig(layers=2, heads=2, hidden=5, dropout=0.0)


def dima(heads=2, dropout=0.0, **options):
    config = InterModalityConfig(heads=heads, hidden=5, dropout=dropout, **options)
    return in_float64(make_dima("mha", "dfa")(4, config))


@FEW
@given(**shapes, layers=st.integers(1, 2))
def test_encoder(batch, seconds, heads, layers):
    module = in_float64(Encoder(3, 4, EncoderConfig(layers=layers, heads=heads, hidden=5, dropout=0.5)))
    sequence = draw(batch, seconds, 3)
    encoded = module(sequence, return_weights=True)
    for clip in range(batch):
        values, weights = oracle.encoder(weights_of(module), layers, heads, sequence[clip].detach().numpy())
        assert_agree(encoded.values[clip], values)
        assert_agree(encoded.weights[clip], weights)


@FEW
@given(**shapes, alpha=st.floats(0, 1), mean_pairs=st.booleans())
def test_dima(batch, seconds, heads, alpha, mean_pairs):
    module = dima(heads=heads, dropout=0.5, alpha=alpha, mean_pairs=mean_pairs)
    own, other = draw(batch, seconds, 4), draw(batch, seconds, 4, seed=1)
    attended = module(own, None, other, return_weights=True)
    for clip in range(batch):
        values, weights = oracle.dima(
            weights_of(module), heads, own[clip].detach().numpy(), other[clip].detach().numpy(), alpha, mean_pairs
        )
        assert_agree(attended.values[clip], values)
        assert_agree(attended.weights[clip], weights)


def test_padding_changes_no_real_second():
    encoder, crossing = in_float64(Encoder(4, 4, SMALL)), dima()
    own, other = draw(2, 4, 4), draw(2, 4, 4, seed=1)
    assert_agree(encoder(own, HALF).values[1:, :2], encoder(own[1:, :2]).values.detach().numpy())
    short = crossing(own[1:, :2], None, other[1:, :2]).values
    assert_agree(crossing(own, None, other, HALF, HALF).values[1:, :2], short.detach().numpy())


def test_gradients():
    encoder, crossing = in_float64(Encoder(3, 4, SMALL)), dima()
    assert_gradients(encoder, lambda x: encoder(x, HALF).values, draw(2, 4, 3))
    assert_gradients(
        crossing, lambda x, y: crossing(x, None, y, HALF, HALF).values, draw(2, 4, 4), draw(2, 4, 4, seed=1)
    )


def test_gradients_reach_all_parameters_and_zero_input_is_no_exception():
    encoder, crossing = in_float64(Encoder(3, 4, SMALL)), dima()
    assert_reaches_all(encoder, encoder(draw(1, 3, 3)).values.pow(3).sum())
    assert_reaches_all(crossing, crossing(draw(1, 3, 4), None, draw(1, 3, 4, seed=1)).values.pow(3).sum())
    zeros = torch.zeros(1, 3, 4).double()
    assert_finite(encoder, encoder(zeros[..., :3]).values.sum())
    assert_finite(crossing, crossing(zeros, None, zeros).values.sum())


class Doubled(nn.Module):
    """Stands in for dropout: what passes through it comes out twice as large."""

    def forward(self, values):
        return 2 * values


def test_dropout_falls_on_what_is_attended_on_the_hidden_layer_and_on_what_it_gives():
    module = in_float64(FeedForward(4, 5, dropout=0.5))
    assert module.dropout.p == 0.5
    module.dropout = Doubled()
    attended, residual = draw(2, 3, 4), draw(2, 3, 4, seed=1)
    first = module.norm1(2 * attended + residual)
    hidden = module.linear2(2 * module.linear1(first).relu())
    assert_agree(module(attended, residual), module.norm2(2 * hidden + first).detach().numpy())
