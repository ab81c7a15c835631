from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.lab.zoo.layers.dmrn import DualMultimodalResidual
from oracles import dmrn as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_gradients, assert_reaches_all, draw, in_float64


@FEW
@given(batch=st.integers(1, 3), seconds=st.integers(1, 4), width=st.integers(1, 5))
def test_against_the_oracle(batch, seconds, width):
    module = in_float64(DualMultimodalResidual(width))
    seen, heard = draw(batch, seconds, width), draw(batch, seconds, width, seed=1)
    literal = [
        [oracle.residual_fusion(weights_of(module), *pair) for pair in zip(*clip, strict=True)]
        for clip in zip(seen.detach().numpy(), heard.detach().numpy(), strict=True)
    ]
    assert_agree(module(seen, heard), literal)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (1, 2, 4)])
def test_any_number_of_dimensions(shape):
    module = in_float64(DualMultimodalResidual(4))
    seen, heard = draw(*shape), draw(*shape, seed=1)
    flat = [tensor.detach().numpy().reshape(-1, 4) for tensor in (seen, heard)]
    literal = [oracle.residual_fusion(weights_of(module), *pair) for pair in zip(*flat, strict=True)]
    assert_agree(module(seen, heard), np.reshape(literal, shape))


def test_without_weights_the_mean_of_both():
    module = DualMultimodalResidual(3)
    for parameter in module.parameters():
        parameter.data.zero_()
    seen, heard = torch.randn(2, 3), torch.randn(2, 3)
    torch.testing.assert_close(module(seen, heard), (seen.tanh() + heard.tanh()) / 2)


def test_gradients():
    module = in_float64(DualMultimodalResidual(3))
    seen, heard = draw(2, 2, 3), draw(2, 2, 3, seed=1)
    assert_gradients(module, module, seen, heard)
    assert_reaches_all(module, module(seen, heard).square().sum())
