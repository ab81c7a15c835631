from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.layers.agva import AudioGuidedVisualAttention
from dmin.layers.visual_attention import VISUAL_ATTENTION, VisualAttentionConfig
from lab.zoo.layers.guided_clips import LENGTHS, assert_as_oracle, clips, size
from oracles import agva as oracle
from oracles.checks import FEW, assert_finite, assert_gradients, assert_reaches_all, in_float64


def small(regions=3):
    return in_float64(AudioGuidedVisualAttention(5, 3, regions, hidden=4))


@FEW
@given(lengths=LENGTHS, regions=st.integers(1, 4))
def test_against_the_oracle(lengths, regions):
    assert_as_oracle(small(regions), oracle.guided_attentions, lengths, regions)


def test_as_many_parameters_as_the_released_layer():
    assert (
        size(VISUAL_ATTENTION["agva"](visual_size=512, audio_size=128, regions=49, config=VisualAttentionConfig()))
        == 378_929
    )


def test_weights_start_as_the_released_ones():
    torch.manual_seed(0)
    module = AudioGuidedVisualAttention(64, 32, regions=16, hidden=48)
    for linear in (module.visual, module.audio, module.visual_content, module.audio_content, module.score):
        bound = (6 / sum(linear.weight.shape)) ** 0.5  # Xavier, uniform
        assert 0.5 * bound < linear.weight.abs().max() <= bound


def test_silence_of_the_score_weighs_all_regions_alike():
    module, (visual, audio, _) = small(), clips([2], 2)
    module.score.weight.data.zero_()
    torch.testing.assert_close(module(visual, audio).values, visual.mean(2))


def test_gradients():
    module, (visual, audio, _) = small(), clips([3, 2], 3)
    assert_gradients(module, lambda v, a: module(v, a).values, visual, audio)
    assert_reaches_all(module, module(visual, audio).values.square().sum())
    assert_finite(module, module(torch.zeros_like(visual), torch.zeros_like(audio)).values.sum())


def test_a_map_of_another_size():
    with pytest.raises(ModelError, match=r"got a map of 4 regions: AGVA was built for 3, set regions to H \* W"):
        small()(*clips([2], 2, regions=4))
