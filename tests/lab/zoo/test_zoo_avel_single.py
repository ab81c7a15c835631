from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.avel_single import AVELSingle, AVELSingleConfig
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import LENGTHS, TINY, assert_as_oracle, clips, parameters
from oracles import avel as oracle
from oracles.checks import FEW, in_float64

NAMES = [("avel-audio", "audio"), ("avel-video", "visual")]


def tiny(**options):
    return in_float64(AVELSingle(AVELSingleConfig(**(TINY | {"width": 4} | options))))


@FEW
@given(lengths=LENGTHS, modality=st.sampled_from(["audio", "visual"]))
def test_against_the_oracle(lengths, modality):
    assert_as_oracle(tiny(modality=modality), oracle.single, lengths)


@pytest.mark.parametrize("modality", ["audio", "visual"])
def test_the_other_modality_plays_no_part(modality):
    visual, audio, mask = clips([3, 2], 3)
    model = tiny(modality=modality)
    changed = (visual, 2 * audio) if modality == "visual" else (2 * visual, audio)
    assert torch.equal(model(*changed, mask).segment_logits, model(visual, audio, mask).segment_logits)


@pytest.mark.parametrize("kind", ["full", "weak"])
@pytest.mark.parametrize(("name", "count"), [("avel-audio", 282_525), ("avel-video", 675_741)])
def test_how_many_parameters(name, count, kind):
    assert parameters(SYSTEMS[name].network, SYSTEMS[name].options(kind)["model"]) == count


@pytest.mark.parametrize(("name", "modality"), NAMES)
def test_what_the_systems_are(name, modality):
    full, weak = (SYSTEMS[name].options(kind, scheduled=True) for kind in ("full", "weak"))
    avel_full, avel_weak = (SYSTEMS["avel"].options(kind, scheduled=True) for kind in ("full", "weak"))
    for options, avel in ((full, avel_full), (weak, avel_weak)):
        assert options.pop("system") == name
        assert options["model"].pop("modality") == modality
        del avel["system"]
        assert options == avel  # losses and schedule are AVEL's


def test_a_modality_that_there_is_not():
    with pytest.raises(ModelError, match="modality is 'video': must be 'audio' or 'visual'"):
        tiny(modality="video")
