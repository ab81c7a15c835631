from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dmin.layers.recurrent import bi_lstm, run_lstm
from oracles import recurrent as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_gradients, draw, in_float64


def small(layers=1, both=True):
    return in_float64(nn.LSTM(3, 2, layers, batch_first=True, bidirectional=both))


def mask_of(lengths, seconds):
    return torch.arange(seconds) < torch.tensor(lengths)[:, None]


@FEW
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    padding=st.integers(0, 2),
    layers=st.integers(1, 2),
    both=st.booleans(),
)
def test_each_clip_runs_to_its_own_end(lengths, padding, layers, both):
    lstm, seconds = small(layers, both), max(lengths) + padding
    sequence = draw(len(lengths), seconds, 3)
    states = run_lstm(lstm, sequence, mask_of(lengths, seconds))
    assert states.hidden.shape == (len(lengths), seconds, 4 if both else 2)
    for clip, length in enumerate(lengths):
        hidden, last_hidden, last_cell = oracle.states(
            weights_of(lstm), layers, sequence[clip, :length].detach().numpy()
        )
        assert_agree(states.hidden[clip, :length], hidden)
        assert_agree(states.last_hidden[:, clip], last_hidden)
        assert_agree(states.last_cell[:, clip], last_cell)
        assert (states.hidden[clip, length:] == 0).all()


@FEW
@given(batch=st.integers(1, 3), seconds=st.integers(1, 4), layers=st.integers(1, 2), both=st.booleans())
def test_without_a_mask_all_seconds_are_real(batch, seconds, layers, both):
    lstm, sequence = small(layers, both), draw(batch, seconds, 3)
    states, masked = run_lstm(lstm, sequence), run_lstm(lstm, sequence, mask_of([seconds] * batch, seconds))
    for clip in range(batch):
        literal = oracle.states(weights_of(lstm), layers, sequence[clip].detach().numpy())
        for ours in (states, masked):
            given = (ours.hidden[clip], ours.last_hidden[:, clip], ours.last_cell[:, clip])
            for values, expected in zip(given, literal, strict=True):
                assert_agree(values, expected)


def test_whatever_stands_in_the_padding():
    lstm, sequence, mask = small(), draw(2, 4, 3).detach(), mask_of([4, 2], 4)
    first = run_lstm(lstm, sequence, mask)
    sequence[1, 2:] = torch.nan
    again = run_lstm(lstm, sequence, mask)
    assert torch.equal(first.hidden, again.hidden)
    assert torch.equal(first.last_cell, again.last_cell)


def test_gradients():
    lstm, mask = small(), mask_of([3, 1], 3)
    assert_gradients(lstm, lambda x: run_lstm(lstm, x, mask).hidden, draw(2, 3, 3))


@pytest.mark.parametrize("width", [2, 6])
def test_bi_lstm_gives_half_of_the_width_in_each_direction(width):
    lstm = bi_lstm(3, width)
    assert (lstm.hidden_size, lstm.bidirectional, lstm.num_layers, lstm.batch_first) == (width // 2, True, 1, True)
    assert run_lstm(lstm, torch.zeros(2, 5, 3)).hidden.shape == (2, 5, width)


@pytest.mark.parametrize("masked", [False, True])
def test_under_autocast_it_starts_where_it_is_told(masked):
    lstm = nn.LSTM(3, 2, batch_first=True)
    sequence, start = torch.rand(2, 4, 3), (torch.full((1, 2, 2), 0.9), torch.full((1, 2, 2), -0.7))
    mask = torch.ones(2, 4, dtype=torch.bool) if masked else None
    with torch.no_grad():
        full = run_lstm(lstm, sequence, mask, start).hidden
        with torch.autocast("cpu", torch.bfloat16):
            half = run_lstm(lstm, sequence, mask, start).hidden
            zero = run_lstm(lstm, sequence, mask).hidden
    assert half.dtype == torch.bfloat16
    assert (half.float() - full).abs().max() < 0.02
    assert (zero.float() - full).abs().max() > 0.05
