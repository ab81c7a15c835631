from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.lab.zoo.layers.agsca import AudioGuidedSpatialChannelAttention
from dmin.layers.visual_attention import VISUAL_ATTENTION, VisualAttentionConfig
from lab.zoo.layers.guided_clips import LENGTHS, assert_as_oracle, clips, size
from oracles import agsca as oracle
from oracles.checks import FEW, assert_finite, assert_gradients, assert_reaches_all, in_float64


def small():
    return in_float64(AudioGuidedSpatialChannelAttention(5, 3, size=4, bottleneck=2))


@FEW
@given(lengths=LENGTHS, regions=st.integers(1, 4))
def test_against_the_oracle(lengths, regions):
    assert_as_oracle(small(), oracle.spatial_channel_attention, lengths, regions)


def test_as_many_parameters_as_the_released_layer():
    assert size(AudioGuidedSpatialChannelAttention(512, 128)) == 756_225
    assert (
        size(VISUAL_ATTENTION["agsca"](visual_size=512, audio_size=128, regions=49, config=VisualAttentionConfig()))
        == 756_225
    )


def test_a_closed_channel_still_passes():
    module, (visual, audio, _) = small(), clips([2], 2)
    module.channel.excite.weight.data.zero_()
    module.channel.excite.bias.data.fill_(-1e3)  # M^C = 0, and (M^C + 1) v = v
    module.spatial.score.weight.data.zero_()
    torch.testing.assert_close(module(visual, audio).values, visual.mean(2))


def test_gradients():
    module, (visual, audio, _) = small(), clips([3, 2], 3)
    assert_gradients(module, lambda v, a: module(v, a).values, visual, audio)
    # The softmax over regions cancels the bias of their scores, but for the tanh between.
    assert_reaches_all(module, module(visual, audio).values.square().sum())
    assert_finite(module, module(torch.zeros_like(visual), torch.zeros_like(audio)).values.sum())
