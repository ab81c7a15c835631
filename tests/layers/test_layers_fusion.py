from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dmin.layers import AudioVisualFusion, FusionConfig
from oracles import fusion as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, draw, in_float64


@FEW
@given(batch=st.integers(1, 2), seconds=st.integers(1, 4), heads=st.integers(1, 2), size=st.integers(1, 3))
def test_fusion(batch, seconds, heads, size):
    module = in_float64(AudioVisualFusion(heads * size, FusionConfig(heads=heads, dropout=0.5)))
    audio, visual = draw(batch, seconds, heads * size), draw(batch, seconds, heads * size, seed=1)
    fused = module(audio, visual)
    for clip in range(batch):
        literal = oracle.fusion(weights_of(module), heads, audio[clip].detach().numpy(), visual[clip].detach().numpy())
        assert_agree(fused[clip], literal)


def test_padding_changes_no_real_second():
    module = in_float64(AudioVisualFusion(4, FusionConfig(heads=2, dropout=0.0)))
    audio, visual = draw(1, 4, 4), draw(1, 4, 4, seed=1)
    padded = module(audio, visual, torch.tensor([[True, True, False, False]]))
    assert_agree(padded[:, :2], module(audio[:, :2], visual[:, :2]).detach().numpy())


def test_gradients():
    module = in_float64(AudioVisualFusion(4, FusionConfig(heads=2, dropout=0.0)))
    audio, visual = draw(1, 3, 4), draw(1, 3, 4, seed=1)
    assert_gradients(module, module, audio, visual)
    assert_reaches_all(module, module(audio, visual).pow(3).sum())
    assert_finite(module, module(torch.zeros_like(audio), torch.zeros_like(visual)).sum())


def test_dropout_falls_on_what_is_attended_and_not_on_the_residual():
    module = in_float64(AudioVisualFusion(4, FusionConfig(heads=2)))
    assert isinstance(module.dropout, nn.Dropout)
    module.dropout.p = 1.0
    module.dropout.train()
    audio, visual = draw(2, 3, 4), draw(2, 3, 4, seed=1)
    assert_agree(module(audio, visual), module.norm(audio * visual).detach().numpy())
