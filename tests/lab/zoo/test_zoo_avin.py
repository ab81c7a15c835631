from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.avin import AVIN, AVINConfig, weighted_by
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import AVE, LENGTHS, TINY, assert_as_oracle, clips
from oracles import avin as oracle
from oracles.checks import FEW, assert_agree, draw, in_float64


def tiny(**options):
    return in_float64(AVIN(AVINConfig(**(TINY | {"width": 4, "factors": 2} | options))))


@FEW
@given(lengths=LENGTHS, factors=st.integers(1, 3), supervision=st.sampled_from(["full", "weak"]))
def test_against_the_oracle(lengths, factors, supervision):
    assert_as_oracle(tiny(factors=factors, supervision=supervision), oracle.avin, lengths)


@FEW
@given(lengths=LENGTHS)
def test_weights_over_time(lengths):
    seconds = max(lengths) + 1
    query, sequence = draw(len(lengths), 4), draw(len(lengths), seconds, 4, seed=1)
    mask = torch.arange(seconds) < torch.tensor(lengths)[:, None]
    weighted, every = weighted_by(query, sequence, mask), weighted_by(query, sequence)
    for clip, length in enumerate(lengths):
        own, whole = query[clip].detach().numpy(), sequence[clip].detach().numpy()
        assert_agree(weighted[clip, :length], oracle.weighted_by(own, whole[:length]))
        assert (weighted[clip, length:] == 0).all()
        assert_agree(every[clip], oracle.weighted_by(own, whole))


def test_there_is_no_map_to_show():
    assert tiny()(*clips([3], 3), return_attention=True).attention is None


def test_the_order_of_regions_does_not_matter():
    model, (visual, audio, mask) = tiny(), clips([3, 2], 3)
    turned = model(visual.flip(2, 3), audio, mask).segment_logits
    assert_agree(turned, model(visual, audio, mask).segment_logits.detach().numpy())


def test_the_widths_of_the_reading():
    model = AVIN(AVINConfig(**AVE))
    for lstm, size in ((model.visual_lstm, 512), (model.audio_lstm, 128)):
        assert (lstm.input_size, lstm.hidden_size, lstm.bidirectional) == (size, 128, True)
    assert (model.bilinear.size, model.bilinear.visual.out_features) == (256, 5 * 256)
    assert [tuple(layer.weight.shape) for layer in (model.head[0], model.head[2])] == [(64, 1280), (29, 64)]


def test_what_the_system_is():
    full, weak = (SYSTEMS["avin"].options(kind, scheduled=True) for kind in ("full", "weak"))
    assert (full["segment_loss"], full["epochs"]) == ("cross-entropy", 300)
    assert (weak["mil_pooling"], weak["epochs"]) == ("max", 250)
    assert (full["batch_size"], full["learning_rate"], full["milestones"]) == (64, 1e-3, ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width is 0: must be at least 1"),
        ({"factors": 0}, "factors is 0: must be at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0: must be at least 0 and less than 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        tiny(**options)
