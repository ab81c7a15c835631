from __future__ import annotations

import pytest
import torch
from hypothesis import given

from dmin.errors import ModelError
from dmin.lab.zoo.avdln import AVDLN, AVDLNConfig
from dmin.models.systems import SYSTEMS
from lab.zoo.matching_clips import AVE, DIRECTIONS, SIZES, clip_by_clip, matching_clips, queries
from oracles import avdln as oracle
from oracles.checks import FEW, assert_agree, assert_finite, in_float64


def tiny(direction="a2v", **options):
    return in_float64(AVDLN(AVDLNConfig(direction=direction, **(SIZES | {"hidden": 4, "embedding": 3} | options))))


@FEW
@given(queries=queries(), direction=DIRECTIONS)
def test_against_the_oracle(queries, direction):
    model = tiny(direction)
    given_clips = matching_clips(queries, padding=1)
    output = model(*given_clips)
    for clip, (asking, _, asked) in enumerate(clip_by_clip(direction, *given_clips)):
        length = queries[clip][2]
        assert_agree(output.similarity[clip, :length, :length], oracle.avdln(model, asking, asked))


@pytest.mark.parametrize("direction", ["a2v", "v2a"])
def test_which_modality_asks(direction):
    model = tiny(direction)
    visual, audio, query_mask, _ = matching_clips([(1, 2, 4)])
    output = model(visual, audio, query_mask)
    seen, heard = model.visual(visual), model.audio(audio)
    query, candidates = (heard, seen) if direction == "a2v" else (seen, heard)
    assert torch.equal(output.query, query)
    assert torch.equal(output.candidates, candidates)


@FEW
@given(direction=DIRECTIONS)
def test_a_query_from_elsewhere(direction):
    model = tiny(direction)
    visual, audio, query_mask, _ = matching_clips([(1, 2, 4)])
    asking, asked = (audio, visual) if direction == "a2v" else (visual, audio)
    found = model.find(asking[:, 1:3], asked)
    assert_agree(found.similarity, model(visual, audio, query_mask).similarity[:, 1:3].detach())


def test_as_many_parameters_as_the_released_network():
    for direction in ("a2v", "v2a"):
        model = AVDLN(AVDLNConfig(direction=direction, **AVE))
        assert sum(parameter.numel() for parameter in model.parameters()) == 98_688


def test_equal_seconds_have_a_gradient():
    model = tiny(visual_size=3)
    model.visual.load_state_dict(model.audio.state_dict())
    audio = matching_clips([(0, 1, 2)])[1]
    output = model(audio, audio, torch.tensor([[True, False]]))
    assert torch.equal(output.similarity.diagonal(dim1=1, dim2=2), torch.zeros(1, 2))
    assert_finite(model, output.similarity.sum())


def test_half_precision():
    given_clips = matching_clips([(1, 2, 4), (0, 1, 2)])
    rough = tiny().bfloat16()(*given_clips).similarity
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough.double(), tiny()(*given_clips).similarity, atol=0.1, rtol=0.1)


def test_what_the_system_is():
    options = SYSTEMS["avdln"].options("v2a", scheduled=True)
    assert AVDLN.objective == "contrastive"
    assert tiny().protocol == "strict"
    assert (options["epochs"], options["batch_size"], options["learning_rate"]) == (20, 8, 1e-3)
    assert (options["milestones"], options["gradient_clip"]) == ((), 0.0)


@pytest.mark.parametrize("name", ["hidden", "embedding"])
def test_sizes_that_do_not_fit(name):
    with pytest.raises(ModelError, match=f"{name} is 0: must be at least 1"):
        tiny(**{name: 0})
