from __future__ import annotations

import pytest
import torch

from dmin.layers import masked_max, signed_sqrt, unit_norm
from dmin.layers.numeric import masked_mean
from oracles.checks import assert_agree, draw


@pytest.mark.parametrize("function", [signed_sqrt, unit_norm])
def test_gradients(function):
    assert torch.autograd.gradcheck(function, (draw(3, 4),))


@pytest.mark.parametrize("function", [signed_sqrt, unit_norm, lambda x: unit_norm(signed_sqrt(x))])
def test_zero_has_value_zero_and_gradient_zero(function):
    zeros = torch.zeros(2, 3, requires_grad=True)
    function(zeros).sum().backward()
    assert function(zeros).abs().max() == 0
    assert zeros.grad.abs().max() == 0


def test_a_zero_among_others_has_gradient_zero_too():
    values = torch.tensor([0.0, 4.0, -9.0], requires_grad=True)
    signed_sqrt(values).sum().backward()
    assert_agree(values.grad, [0.0, 1 / 4, 1 / 6], 1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_calculated_in_float32(dtype):
    values = torch.full((1, 1000), 100.0, dtype=dtype)  # the sum of squares is beyond float16
    assert unit_norm(values).dtype == torch.float32
    assert_agree(unit_norm(values).double(), torch.full((1, 1000), 1000**-0.5), 1e-6)


def test_the_length_is_one():
    assert_agree(unit_norm(draw(5, 7)).norm(dim=-1), torch.ones(5))


def test_max_leaves_padding_out():
    sequence = torch.tensor([[[1.0, -5.0], [3.0, -7.0], [9.0, 9.0]]])
    assert masked_max(sequence, torch.tensor([[True, True, False]])).tolist() == [[3.0, -5.0]]
    assert masked_max(sequence, None).tolist() == [[9.0, 9.0]]


def test_the_mean_leaves_padding_out():
    sequence = torch.tensor([[[1.0, -5.0], [3.0, -7.0], [8.0, 9.0]]])
    assert masked_mean(sequence, torch.tensor([[True, True, False]])).tolist() == [[2.0, -6.0]]
    assert masked_mean(sequence, torch.tensor([[False, False, False]])).tolist() == [[0.0, 0.0]]
    assert masked_mean(sequence).tolist() == [[4.0, -1.0]]
