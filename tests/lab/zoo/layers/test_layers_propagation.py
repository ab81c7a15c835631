from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.lab.zoo.layers.propagation import PositiveSamplePropagation, row_shares
from oracles import psp as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_gradients, assert_reaches_all, draw, in_float64

WIDTH = 4


def small(threshold=0.2, **options):
    return in_float64(PositiveSamplePropagation(WIDTH, threshold, dropout=0.5, **options))


def pair(batch=2, seconds=4):
    return draw(batch, seconds, WIDTH), draw(batch, seconds, WIDTH, seed=1)


@FEW
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    threshold=st.sampled_from([0.0, 0.099, 0.3, 0.6]),
    renormalize=st.booleans(),
)
def test_against_the_oracle(lengths, threshold, renormalize):
    module, seconds = small(threshold, renormalize=renormalize), max(lengths) + 1
    seen, heard = pair(len(lengths), seconds)
    answers = module(seen, heard, torch.arange(seconds) < torch.tensor(lengths)[:, None])
    for clip, length in enumerate(lengths):
        real = (side[clip, :length].detach().numpy() for side in (seen, heard))
        literal = oracle.propagate(weights_of(module), *real, threshold=threshold, renormalize=renormalize)
        for answer, expected in zip(answers, literal[:2], strict=True):
            assert_agree(answer[clip, :length], expected)


def test_without_a_mask_all_seconds_are_real():
    module, sides = small(), pair()
    for plain, masked in zip(module(*sides), module(*sides, torch.ones(2, 4, dtype=torch.bool)), strict=True):
        assert_agree(plain, masked.detach().numpy())


def test_what_the_threshold_leaves():
    # The oracle's own rows, in the case that all tests above lean on: some, but not all, pairs are left out.
    seen, heard = (side[0].detach().numpy() for side in pair())
    for renormalize in (True, False):
        rows = oracle.propagate(weights_of(small()), seen, heard, threshold=0.2, renormalize=renormalize)[2]
        assert 0 < (rows > 0).sum() < rows.size
        assert ((rows == 0) | (rows > 0.2)).all()
        sums = rows.sum(1)[rows.any(1)]
        assert np.allclose(sums, 1) if renormalize else sums.min() < 0.999


@pytest.mark.parametrize("threshold", [0.0, 0.9])
def test_seconds_without_agreement_stay_as_they_are(threshold):
    module, (seen, heard) = small(threshold), pair()
    if threshold == 0:  # nothing agrees at all: every sum is 0
        module.v2[0].weight.data.zero_()
    else:  # all agree alike: every share is 1/4
        for linear in (module.v2[0], module.a1[0]):
            linear.weight.data.fill_(1.0)
        seen, heard = (torch.ones(2, 4, WIDTH).double().requires_grad_() for _ in range(2))
    answers = module(seen, heard)
    for answer, side in zip(answers, (seen, heard), strict=True):
        assert_agree(answer, side.detach().numpy())
    assert_finite(module, sum(answer.square().sum() for answer in answers))
    assert seen.grad.isfinite().all()
    assert heard.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e4, 1.0, 1e-3, 1e-9, 1e-30, 0.0])
def test_sums_of_any_size(dtype, size):
    values = (size * torch.tensor([[1.0, 3.0], [0.0, 1.0], [0.0, 0.0]])).to(dtype).requires_grad_()
    shares = row_shares(values)
    shares[:, 0].sum().backward()
    assert shares.isfinite().all()
    assert values.grad.isfinite().all()
    expected = torch.tensor([[0.25, 0.75], [0.0, 1.0], [0.0, 0.0]], dtype=shares.dtype)
    assert torch.finfo(shares.dtype).bits >= 32
    torch.testing.assert_close(shares, expected if size >= 1e-3 else torch.zeros_like(expected), atol=0, rtol=0.01)


@pytest.mark.parametrize("size", [1.0, 1e-4, 1e-5, 1e-18])
def test_gradients_of_faint_states_are_finite(size):
    module = small().float()
    seen, heard = ((size * side).detach().float().requires_grad_() for side in pair())
    assert_finite(module, sum(answer.sum() for answer in module(seen, heard)))
    assert seen.grad.isfinite().all()
    assert heard.grad.isfinite().all()


@pytest.mark.parametrize("renormalize", [True, False])
def test_gradients(renormalize):
    module, mask = small(renormalize=renormalize), torch.tensor([[True] * 4, [True, True, False, False]])
    assert_gradients(module, lambda seen, heard: torch.cat(module(seen, heard, mask), -1)[mask], *pair())
    assert_reaches_all(module, sum(answer.square().sum() for answer in module(*pair(), mask)))


def test_every_branch_has_dropout():
    module = small(threshold=0.0)
    assert [branch[-1].p for branch in (module.v1, module.v2, module.a1, module.a2)] == [0.5] * 4
