from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.layers import AudioGuidedTripletAttention, FactorizedBilinearPooling
from dmin.layers.agta import PARTS, ChannelAttention, RegionLSTM, SpatialAttention
from dmin.layers.visual_attention import VISUAL_ATTENTION, VisualAttentionConfig
from lab.zoo.layers.guided_clips import LENGTHS, assert_as_oracle, size
from oracles import agta as oracle
from oracles.basics import softmax, weights_of
from oracles.checks import (
    FEW,
    assert_agree,
    assert_finite,
    assert_gradients,
    assert_reaches_all,
    draw,
    in_float64,
)

shapes = {"batch": st.integers(1, 2), "seconds": st.integers(1, 4), "regions": st.integers(1, 4)}


def small(parts=PARTS, **options):
    config = VisualAttentionConfig(size=4, bottleneck=3, factors=2, dropout=0.5, **options)
    return in_float64(AudioGuidedTripletAttention(5, 3, config, parts))


def slot(name, visual_size=5, audio_size=3, **options):
    config = VisualAttentionConfig(name=name, **options)
    return VISUAL_ATTENTION[name](visual_size=visual_size, audio_size=audio_size, regions=49, config=config)


def clips(batch=2, seconds=4, regions=3):
    return draw(batch, seconds, regions, 5), draw(batch, seconds, 3, seed=1)


def arrays(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


@FEW
@given(**shapes)
def test_channel_attention(batch, seconds, regions):
    module = in_float64(ChannelAttention(5, 3, bottleneck=4))
    visual, audio = clips(batch, seconds, regions)
    literal = [
        [oracle.channel_attention(weights_of(module), *second) for second in zip(*clip, strict=True)]
        for clip in zip(*arrays(visual, audio), strict=True)
    ]
    assert_agree(module(visual, audio), literal)


@FEW
@given(**shapes, factors=st.integers(1, 5), size=st.integers(1, 4))
def test_factorized_bilinear_pooling(batch, seconds, regions, factors, size):
    module = in_float64(FactorizedBilinearPooling(5, 3, size, factors, dropout=0.5))
    visual, audio = clips(batch, seconds, regions)
    literal = [
        [
            [oracle.bilinear_pooling(weights_of(module), factors, region, sound) for region in second]
            for second, sound in zip(*clip, strict=True)
        ]
        for clip in zip(*arrays(visual, audio), strict=True)
    ]
    assert_agree(module(visual, audio), literal)


@FEW
@given(**shapes, layers=st.integers(1, 2), half=st.integers(1, 3))
def test_region_lstm(batch, seconds, regions, layers, half):
    module = in_float64(RegionLSTM(5, 3, 2 * half, layers))
    visual, audio = clips(batch, seconds, regions)
    literal = [
        oracle.region_lstm(weights_of(module), layers, *clip) for clip in zip(*arrays(visual, audio), strict=True)
    ]
    assert_agree(module(visual, audio), literal)


def test_spatial_attention():
    module = in_float64(SpatialAttention(4, bias=True))
    joint = draw(1, 2, 3, 4)
    score = weights_of(module)
    for t, second in enumerate(joint[0].detach().numpy()):
        scores = [np.tanh(score["score.weight"][0] @ region + score["score.bias"][0]) for region in second]
        assert_agree(module(joint)[0, t], softmax(scores))


@FEW
@given(**shapes, layers=st.integers(1, 2), channel_residual=st.booleans(), spatial_bias=st.booleans())
def test_triplet_attention(batch, seconds, regions, layers, channel_residual, spatial_bias):
    module = small(lstm_layers=layers, channel_residual=channel_residual, spatial_bias=spatial_bias)
    visual, audio = clips(batch, seconds, regions)
    guided = module(visual, audio)
    for clip in range(batch):
        values, spatial, channel = oracle.triplet_attention(
            weights_of(module),
            *arrays(visual[clip], audio[clip]),
            factors=2,
            layers=layers,
            channel_residual=channel_residual,
        )
        assert_agree(guided.values[clip], values)
        assert_agree(guided.spatial[clip], spatial)
        assert_agree(guided.channel[clip], channel)


def test_each_second_has_one_unit_of_spatial_attention():
    assert_agree(small()(*clips()).spatial.sum(-1), torch.ones(2, 4))


@pytest.mark.parametrize("layers", [1, 2])
def test_padding_changes_no_real_second(layers):
    module = small(lstm_layers=layers)
    visual, audio = clips(batch=2, seconds=5)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    padded = module(visual, audio, mask)
    alone = module(visual[1:, :2], audio[1:, :2])
    assert_agree(padded.values[1:, :2], alone.values.detach().numpy())
    assert_agree(padded.values[:1], module(visual[:1], audio[:1]).values.detach().numpy())


def test_gradients():
    module = small()
    mask = torch.tensor([[True, True, True], [True, True, False]])
    visual, audio = clips(seconds=3)
    assert_gradients(module, lambda v, a: module(v, a).values, visual, audio)
    assert_gradients(module, lambda v, a: module(v, a, mask).values[:, :2], visual, audio)


def test_gradients_reach_all_parameters():
    module = small(spatial_bias=True)
    assert_reaches_all(module, module(*clips()).values.square().sum())


def test_zero_input_has_finite_gradients():
    module = small()
    visual, audio = torch.zeros(1, 2, 3, 5).double(), torch.zeros(1, 2, 3).double()
    assert_finite(module, module(visual, audio).values.sum())
    for parameter in module.parameters():  # no correlation at all: every sum of eq. 3 is 0
        parameter.data.zero_()
    assert_finite(module, module(*clips()).values.sum())


def test_where_dropout_falls():
    visual, audio = torch.ones(1, 1, 1, 5), torch.ones(1, 1, 3)
    for first in (False, True):
        module = FactorizedBilinearPooling(5, 3, size=64, factors=2, dropout=0.5, dropout_first=first)
        for parameter in module.parameters():
            parameter.data.fill_(1.0)
        torch.manual_seed(0)
        kinds = module(visual, audio).unique()
        # Of two factors none, one or both are dropped; of a sum all or nothing.
        assert len(kinds) == (3 if first else 2)


SETS_OF_PARTS = [parts for count in range(4) for parts in combinations(PARTS, count)]
SLOTS = {
    "agta": {"channel", "bilinear", "temporal", "spatial"},
    "agta-no-lstm": {"channel", "bilinear", "spatial"},
    "agta-no-mfb": {"channel", "temporal", "spatial"},
    "agta-no-channel": {"bilinear", "temporal", "spatial"},
    "agta-no-spatial": {"channel"},
    "none": set(),
}
"""Table III: which parts are left."""


@pytest.mark.parametrize("channel_residual", [False, True])
@pytest.mark.parametrize("parts", SETS_OF_PARTS, ids="-".join)
@FEW
@given(lengths=LENGTHS)
def test_any_parts_of_it(lengths, parts, channel_residual):
    options = {"channel_residual": channel_residual, "parts": parts}

    def literal(weights, regions, sounds):
        return oracle.triplet_attention(weights, regions, sounds, factors=2, layers=1, **options)

    assert_as_oracle(small(**options), literal, lengths)


@pytest.mark.parametrize(("name", "left"), SLOTS.items())
def test_a_row_of_table_3_has_no_weights_of_what_it_leaves_out(name, left):
    module = slot(name, size=4, bottleneck=3, factors=2)
    assert {weight.split(".")[0] for weight, _ in module.named_parameters()} == left


@pytest.mark.parametrize("name", [name for name in SLOTS if name != "none"])
def test_gradients_reach_all_parameters_that_are_left(name):
    module = in_float64(slot(name, size=4, bottleneck=3))
    assert_reaches_all(module, module(*clips()).values.square().sum())


def test_without_any_part_regions_are_averaged():
    guided = small(parts=())(*clips())
    assert_agree(guided.values, clips()[0].mean(2).detach().numpy())
    assert guided.spatial is None
    assert guided.channel is None


def test_as_many_parameters_as_the_released_layer():
    assert size(slot("agta", 512, 128, lstm_layers=2, spatial_bias=True)) == 2_630_657


def test_a_misspelt_attention():
    with pytest.raises(ModelError, match="unknown visual attention 'agta-no-lstn': did you mean 'agta-no-lstm'"):
        VISUAL_ATTENTION["agta-no-lstn"]
