from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.avt import AVT, AVTConfig
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import AVE, LENGTHS, TINY, assert_as_oracle, clips
from oracles import avt as oracle
from oracles.checks import FEW, in_float64


def tiny(**options):
    return in_float64(AVT(AVTConfig(**(TINY | {"width": 4, "heads": 2, "feed_forward": 5} | options))))


@FEW
@given(lengths=LENGTHS, heads=st.sampled_from([1, 2, 4]), supervision=st.sampled_from(["full", "weak"]))
def test_against_the_oracle(lengths, heads, supervision):
    assert_as_oracle(tiny(heads=heads, supervision=supervision), oracle.avt, lengths)


def test_attention_only_on_request():
    assert tiny()(*clips([3], 3)).attention is None


def test_the_widths_of_the_reading():
    model = AVT(AVTConfig(**AVE))
    assert (model.attention.visual.out_features, model.attention.sound.attention.heads) == (256, 4)
    assert model.attention.intra_frame.feed_forward.linear1.out_features == 1024
    for lstm in (model.visual_lstm, model.audio_lstm):
        assert (lstm.hidden_size, lstm.bidirectional) == (128, True)
    assert [tuple(layer.weight.shape) for layer in (model.head[0], model.head[2])] == [(64, 512), (29, 64)]


def test_what_the_system_is():
    full, weak = (SYSTEMS["avt"].options(kind, scheduled=True) for kind in ("full", "weak"))
    assert (full["segment_loss"], full["epochs"]) == ("cross-entropy", 300)
    assert (weak["mil_pooling"], weak["epochs"]) == ("max", 250)
    assert (full["batch_size"], full["learning_rate"], full["milestones"]) == (64, 1e-3, ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feed_forward": 0}, "feed_forward is 0: must be at least 1"),
        ({"heads": 3}, "width is 4 and heads 3: the width must be a multiple of it"),
        ({"dropout": 1.0}, "dropout is 1.0: must be at least 0 and less than 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        tiny(**options)
