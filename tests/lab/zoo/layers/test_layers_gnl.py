from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.layers.gnl import GeneralizedNonLocal, masked_group_norm
from lab.zoo.layers.cross_clips import LENGTHS, assert_as_oracle, pair, real
from oracles import gnl as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, in_float64

variants = pytest.mark.parametrize("modified", [True, False])
kernels = pytest.mark.parametrize("kernel", ["softmax", "dot"])


@variants
@kernels
@FEW
@given(lengths=LENGTHS, groups=st.sampled_from([1, 2, 4]))
def test_against_the_oracle(kernel, modified, lengths, groups):
    module = in_float64(GeneralizedNonLocal(4, groups, kernel, modified))

    def literal(own, other):
        return oracle.generalized_non_local(weights_of(module), groups, kernel, modified, own, other), None

    assert_as_oracle(module, literal, lengths)


@variants
@kernels
def test_gradients(kernel, modified):
    module, mask, other_mask = in_float64(GeneralizedNonLocal(4, 2, kernel, modified)), real([3, 2], 3), real([1, 4], 4)
    assert_gradients(module, lambda x, y: module(x, y, mask, other_mask).values, *pair())
    assert_reaches_all(module, module(*pair(), mask, other_mask).values.pow(3).sum())
    assert_finite(module, module(*(0 * sequence for sequence in pair()), mask, other_mask).values.sum())


def test_of_the_dot_product_the_norm_leaves_only_a_sign_of_the_other_modality():
    module = in_float64(GeneralizedNonLocal(4, 2, "dot"))
    module.key.bias.data.zero_()
    own, other = pair()
    calm = module(own, other).values
    assert (module(own, 3 * other).values - calm).abs().max() < 1e-2 < (module(own, -other).values - calm).abs().max()


def test_a_norm_over_real_seconds_is_the_usual_one_of_them():
    norm = in_float64(torch.nn.GroupNorm(2, 4))
    values, mask = torch.randn(2, 4, 5).double(), real([5, 3], 5)
    normed = masked_group_norm(values, norm, mask)
    assert_agree(normed[:1], norm(values[:1]).detach().numpy())
    assert_agree(normed[1:, :, :3], norm(values[1:, :, :3]).detach().numpy())
    assert_agree(masked_group_norm(values, norm, None), norm(values).detach().numpy())


def test_half_precision_keeps_its_type():
    norm = torch.nn.GroupNorm(2, 4).to(torch.bfloat16)
    assert masked_group_norm(torch.rand(2, 4, 5).bfloat16(), norm, real([5, 3], 5)).dtype == torch.bfloat16
    for kernel in ("softmax", "dot"):
        module = GeneralizedNonLocal(4, 2, kernel).to(torch.bfloat16)
        assert module(*(sequence.bfloat16() for sequence in pair())).values.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3}, "width is 4 and GNL has 3 groups: the width must be a multiple of it"),
        ({"groups": 0}, "width is 4 and GNL has 0 groups"),
        ({"kernel": "softmx"}, "unknown kernel of GNL 'softmx': did you mean 'softmax'"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        GeneralizedNonLocal(4, **({"groups": 2} | options))
