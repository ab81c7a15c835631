from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.avsdn import AVSDN, AVSDNConfig
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import LENGTHS, TINY, assert_as_oracle, clips, parameters
from oracles import avsdn as oracle
from oracles.checks import FEW, in_float64


def tiny(**options):
    return in_float64(AVSDN(AVSDNConfig(**(TINY | {"width": 4} | options))))


@FEW
@given(lengths=LENGTHS, supervision=st.sampled_from(["full", "weak"]))
def test_against_the_oracle(lengths, supervision):
    assert_as_oracle(tiny(supervision=supervision), oracle.avsdn, lengths)


def test_the_last_second_speaks_to_the_first():
    # The decoder runs forward only; what comes later reaches it through the whole clip's states.
    visual, audio, mask = clips([4], 4)
    tiny()(visual, audio, mask).segment_logits[0, 0].sum().backward()
    assert audio.grad[0, 3].abs().max() > 0
    assert visual.grad[0, 3].abs().max() > 0


def test_how_many_parameters():
    lstms = 4 * 256 * ((512 + 256 + 2) + (128 + 256 + 2) + (640 + 256 + 2))
    fusions = 2 * 4 * (256 * 256 + 256)
    assert parameters(AVSDN, {}) == lstms + fusions + 256 * 29 + 29


def test_what_the_system_is():
    full, weak = (SYSTEMS["avsdn"].options(kind, scheduled=True) for kind in ("full", "weak"))
    assert (full["segment_loss"], full["epochs"]) == ("cross-entropy", 300)
    assert (weak["mil_pooling"], weak["epochs"]) == ("max", 250)
    assert AVSDN.objective == "joint"


def test_sizes_that_do_not_fit():
    with pytest.raises(ModelError, match="width is 0: must be at least 1"):
        tiny(width=0)
