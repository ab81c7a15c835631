from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.cman import CMAN, CMANConfig, CosineAttention
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import LENGTHS, TINY, assert_as_oracle, clips, parameters
from oracles import cman as oracle
from oracles.checks import FEW, assert_agree, assert_finite, assert_reaches_all, draw, in_float64


def tiny(**options):
    return in_float64(CMAN(CMANConfig(**(TINY | {"width": 4} | options))))


@FEW
@given(lengths=LENGTHS, supervision=st.sampled_from(["full", "weak"]))
def test_against_the_oracle(lengths, supervision):
    assert_as_oracle(tiny(supervision=supervision), oracle.cman, lengths)


def test_attention_only_on_request():
    visual, audio, mask = clips([3], 3)
    assert tiny()(visual, audio, mask).attention is None


def test_how_loud_or_bright_it_is_does_not_matter():
    module = in_float64(CosineAttention(5, 3, 4))
    module.visual.bias.data.zero_()
    module.audio.bias.data.zero_()
    regions, audio = draw(1, 2, 6, 5), draw(1, 2, 3, seed=1)
    assert_agree(module(7 * regions, 0.1 * audio).spatial, module(regions, audio).spatial.detach().numpy())


def test_gradients():
    model, (visual, audio, mask) = tiny(), clips([3, 2], 3)
    assert_reaches_all(model, model(visual, audio, mask).segment_logits[mask].square().sum())
    zeros = torch.zeros_like(visual), torch.zeros_like(audio)
    for linear in (model.attention.visual, model.attention.audio):
        linear.bias.data.zero_()  # so that the cosines are those of zero vectors
    assert_finite(model, model(*zeros, mask).segment_logits.sum())


def test_how_many_parameters():
    spatial = (512 + 1 + 128 + 1) * 256
    contexts = spatial + 2 * (4 * (256 + 1) * 256 + 2 * 256)
    lstm, sentinel = 4 * 256 * (256 + 256 + 2), (2 * 256 + 1) * 256
    crosses = 2 * (lstm + sentinel + 3 * 256 * 256 + 256)
    assert parameters(CMAN, {}) == spatial + contexts + crosses + 512 * 64 + 64 + 64 * 29 + 29


def test_what_the_system_is():
    full, weak = (SYSTEMS["cman"].options(kind, scheduled=True) for kind in ("full", "weak"))
    assert (full["segment_loss"], full["epochs"]) == ("cross-entropy", 300)
    assert (weak["mil_pooling"], weak["epochs"]) == ("max", 250)
    assert CMAN.objective == "joint"


def test_sizes_that_do_not_fit():
    with pytest.raises(ModelError, match="width is 0: must be at least 1"):
        tiny(width=0)
