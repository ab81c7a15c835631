from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.avrb import AVRB, AVRBConfig, SegmentGate
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import AVE, LENGTHS, TINY, assert_as_oracle, clips
from oracles import avrb as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, draw, in_float64


def tiny(**options):
    return in_float64(AVRB(AVRBConfig(**(TINY | {"hidden": 4, "width": 4, "factors": 2} | options))))


@FEW
@given(lengths=LENGTHS, factors=st.integers(1, 3), supervision=st.sampled_from(["full", "weak"]))
def test_against_the_oracle(lengths, factors, supervision):
    assert_as_oracle(tiny(factors=factors, supervision=supervision), oracle.avrb, lengths)


def test_the_gate():
    gate, fused = in_float64(SegmentGate(4)), draw(2, 3, 4)
    literal = [[oracle.gated(weights_of(gate), second) for second in clip] for clip in fused.detach().numpy()]
    assert_agree(gate(fused), literal)


def test_the_gate_weighs_between_once_and_twice():
    gate, fused = SegmentGate(4), torch.rand(2, 3, 4) + 0.1
    gate.score.weight.data.zero_()
    for bias, times in ((-1e3, 1.0), (0.0, 1.5), (1e3, 2.0)):
        gate.score.bias.data.fill_(bias)
        torch.testing.assert_close(gate(fused), times * fused)


def test_attention_only_on_request():
    assert tiny()(*clips([3], 3)).attention is None


def test_the_widths_of_the_reading():
    model = AVRB(AVRBConfig(**AVE))
    assert (model.lstm.input_size, model.lstm.hidden_size, model.lstm.bidirectional) == (640, 128, True)
    assert (model.bilinear.size, model.bilinear.visual.out_features, model.bilinear.drop_sums.p) == (256, 5 * 256, 0.1)
    assert [tuple(layer.weight.shape) for layer in (model.head[0], model.head[2])] == [(64, 256), (29, 64)]


def test_what_the_system_is():
    full, weak = (SYSTEMS["avrb"].options(kind, scheduled=True) for kind in ("full", "weak"))
    assert (full["segment_loss"], full["epochs"]) == ("cross-entropy", 300)
    assert (weak["mil_pooling"], weak["epochs"]) == ("max", 250)
    assert (full["batch_size"], full["learning_rate"], full["milestones"]) == (64, 1e-3, ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factors": 0}, "factors is 0: must be at least 1"),
        ({"hidden": 0}, "hidden is 0: must be at least 1"),
        ({"dropout": -0.1}, "dropout is -0.1: must be at least 0 and less than 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        tiny(**options)
