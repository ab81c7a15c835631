from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.lab.zoo.layers.co_guidance import CoGuidance, PlainAttention, SelfGuidance
from lab.zoo.layers.guided_clips import LENGTHS, clips, size
from oracles import cace as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, draw, in_float64

SHARES = {"visual_share": 0.7, "audio_share": 0.9}


def small():
    return in_float64(CoGuidance(5, 3, size=8, **SHARES))


@FEW
@given(lengths=LENGTHS, regions=st.integers(1, 4))
def test_against_the_oracle(lengths, regions):
    module, seconds = small(), max(lengths) + 1
    visual, audio, mask = clips(lengths, seconds, regions)
    guided = module(visual, audio, mask)
    for clip, length in enumerate(lengths):
        real = (tensor[clip, :length].detach().numpy() for tensor in (visual, audio))
        seen, heard, spatial = oracle.co_guidance(weights_of(module), *real, **SHARES)
        assert_agree(guided.visual.values[clip, :length], seen)
        assert_agree(guided.audio[clip, :length], heard)
        assert_agree(guided.visual.spatial[clip, :length], spatial)


def test_plain_attention_and_self_guidance_against_the_oracle():
    attention, guidance = in_float64(PlainAttention(4, 3, 2)), in_float64(SelfGuidance(5, 3))
    asking, asked, regions = draw(6, 4), draw(5, 3), draw(1, 1, 7, 5)
    found = attention(asking, asked)
    assert_agree(found, oracle.plain_attention(weights_of(attention), *(t.detach().numpy() for t in (asking, asked))))
    expected = oracle.self_guidance(weights_of(guidance), regions[0, 0].detach().numpy())
    assert_agree(guidance(regions)[0, 0], expected)


def test_without_shares_the_sound_is_as_it_was():
    visual, audio, mask = clips([3, 2], 3)
    plain = in_float64(CoGuidance(5, 3, size=4, visual_share=0.0, audio_share=0.0))
    assert torch.equal(plain(visual, audio, mask).audio, audio)


def test_dropout_falls_on_what_the_self_attentions_answer(monkeypatch):
    visual, audio, mask = clips([3, 2], 3)
    module = in_float64(CoGuidance(5, 3, size=8, dropout=1.0)).train()
    dropped = module(visual, audio, mask)
    module.eval()
    for attention in (module.regions, module.regions_for_sound, module.seconds):
        monkeypatch.setattr(attention, "forward", lambda asking, asked, mask=None: torch.zeros_like(asking))
    undropped = module(visual, audio, mask)
    assert torch.equal(dropped.visual.values, undropped.visual.values)
    assert torch.equal(dropped.audio, undropped.audio)


def test_as_many_parameters_as_the_released_layer_uses():
    # AGSCA; two attentions over regions and their norm; the self-guidance; an attention over seconds and its norm; the
    # one in which the picture asks.
    parts = [756_225, 2 * 393_984 + 1_024, 262_913, 49_536 + 256, 98_688]
    assert size(CoGuidance(512, 128)) == sum(parts)


def test_gradients():
    module, (visual, audio, mask) = small(), clips([3, 2], 3)

    def answers(visual, audio):
        guided = module(visual, audio, mask)
        return guided.visual.values, guided.audio

    assert_gradients(module, answers, visual, audio)
    # A key's bias moves all scores of a softmax alike.
    loss = sum(answer.square().sum() for answer in answers(visual, audio))
    assert_reaches_all(module, loss, without=("key.bias",))
    silent = module(torch.zeros_like(visual), torch.zeros_like(audio), mask)
    assert_finite(module, silent.visual.values.sum() + silent.audio.sum())
