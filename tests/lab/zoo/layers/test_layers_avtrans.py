from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.layers.avtrans import AudioVisualTransformer, neighbours
from dmin.layers.visual_attention import VISUAL_ATTENTION, VisualAttentionConfig
from lab.zoo.layers.guided_clips import LENGTHS, assert_as_oracle, clips
from oracles import avtrans as oracle
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, in_float64


def small(heads=2, dropout=0.5):
    return in_float64(AudioVisualTransformer(5, 3, width=4, heads=heads, hidden=6, dropout=dropout))


@FEW
@given(lengths=LENGTHS, regions=st.integers(1, 3), heads=st.sampled_from([1, 2, 4]))
def test_against_the_oracle(lengths, regions, heads):
    def literal(weights, pictures, sounds):
        return oracle.audio_visual_transformer(weights, heads, pictures, sounds)

    assert_as_oracle(small(heads), literal, lengths, regions)


@pytest.mark.parametrize(
    ("lengths", "before", "after"),
    [
        (None, [[0, 0, 1, 2]], [[1, 2, 3, 3]]),
        ([4], [[0, 0, 1, 2]], [[1, 2, 3, 3]]),
        ([3, 1], [[0, 0, 1, 2], [0, 0, 1, 2]], [[1, 2, 2, 2], [0, 0, 0, 0]]),
    ],
)
def test_neighbours_of_real_seconds_are_real(lengths, before, after):
    mask = None if lengths is None else torch.arange(4) < torch.tensor(lengths)[:, None]
    given = neighbours(4, mask, torch.device("cpu"))
    assert [seconds.tolist() for seconds in given] == [before, after]


def test_a_clip_of_one_second_is_its_own_neighbour():
    assert [seconds.tolist() for seconds in neighbours(1, None, torch.device("cpu"))] == [[[0]], [[0]]]


@pytest.mark.parametrize("which", [0, 1])
def test_it_reaches_to_adjacent_seconds_and_no_further(which):
    module, given = small(), list(clips([6], 6)[:2])
    first = module(*given).spatial[0]
    given[which] = given[which].detach().clone()
    given[which][0, 4] += 1.0
    change = (module(*given).spatial[0] - first).abs().amax(-1)
    assert (change[:3] < 1e-13).all()
    assert (change[3:] > 1e-10).all()  # small, but no rounding error


def test_the_order_of_regions_does_not_matter():
    module, (visual, audio, mask) = small(), clips([3, 2], 3)
    guided, turned = module(visual, audio, mask), module(visual.flip(2), audio, mask)
    assert_agree(turned.values, guided.values.detach().numpy())
    assert_agree(turned.spatial.flip(-1), guided.spatial.detach().numpy())


def test_the_slot_has_the_widths_of_the_reading():
    module = VISUAL_ATTENTION["avtrans"](visual_size=512, audio_size=128, regions=49, config=VisualAttentionConfig())
    for layer in (module.intra_frame, module.inter_frame, module.sound):
        assert layer.attention.heads == 4
        assert layer.feed_forward.linear1.weight.shape == (1024, 256)
        assert (layer.attention.dropout, layer.feed_forward.dropout.p) == (0.1, 0.1)


def test_gradients():
    module, (visual, audio, mask) = small(dropout=0.0), clips([2, 1], 2, regions=2)
    assert_gradients(module, lambda v, a: module(v, a, mask).values[mask], visual, audio)
    assert_reaches_all(module, module(visual, audio, mask).values[mask].square().sum())
    assert_finite(module, module(torch.zeros_like(visual), torch.zeros_like(audio), mask).values.sum())


def test_a_width_that_no_heads_can_share():
    with pytest.raises(ModelError, match=r"width 6 and 4 heads: AVTrans's width \(visual_attention.size\) must be a"):
        AudioVisualTransformer(5, 3, width=6, heads=4)
