from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.avel import AVEL, AVELConfig
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import LENGTHS, TINY, assert_as_oracle, clips, parameters
from oracles import avel as oracle
from oracles.checks import FEW, in_float64


def tiny(**options):
    return in_float64(AVEL(AVELConfig(**(TINY | {"hidden": 4, "width": 4} | options))))


@FEW
@given(lengths=LENGTHS, fusion=st.sampled_from(["concat", "dmrn"]), supervision=st.sampled_from(["full", "weak"]))
def test_against_the_oracle(lengths, fusion, supervision):
    assert_as_oracle(tiny(fusion=fusion, supervision=supervision), oracle.avel, lengths)


def test_attention_only_on_request():
    visual, audio, mask = clips([3], 3)
    assert tiny()(visual, audio, mask).attention is None


@pytest.mark.parametrize("kind", ["full", "weak"])
@pytest.mark.parametrize(("name", "count"), [("avel", 1_335_246), ("avel-dmrn", 1_571_150)])
def test_as_many_parameters_as_the_released_networks(name, count, kind):
    assert parameters(SYSTEMS[name].network, SYSTEMS[name].options(kind)["model"]) == count


@pytest.mark.parametrize(("name", "fusion"), [("avel", "concat"), ("avel-dmrn", "dmrn")])
def test_what_the_systems_are(name, fusion):
    system = SYSTEMS[name]
    full, weak = (system.options(kind, scheduled=True) for kind in ("full", "weak"))
    assert AVELConfig(**TINY, **system.method.get("all", {}).get("model", {})).fusion == fusion
    assert (full["segment_loss"], full["epochs"]) == ("soft-margin", 300)
    assert (weak["mil_pooling"], weak["epochs"]) == ("max", 250)
    for options in (full, weak):
        assert (options["batch_size"], options["learning_rate"], options["gradient_clip"]) == (64, 1e-3, 0)
        assert options["milestones"] == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": "dmnr"}, "unknown fusion of AVEL 'dmnr': did you mean 'dmrn'"),
        ({"hidden": 0}, "hidden is 0: must be at least 1"),
        ({"width": 0}, "width is 0: must be at least 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        tiny(**options)


def test_maps_of_another_size():
    with pytest.raises(ModelError, match="got a map of 4 regions: AGVA was built for 6"):
        tiny()(torch.zeros(1, 2, 2, 2, 5).double(), torch.zeros(1, 2, 3).double())
