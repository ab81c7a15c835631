from __future__ import annotations

import pytest
import torch
from torch import nn

from dmin.layers.dropout import Dropout

SHARES = (0.02, 0.1, 0.5, 0.9)


def dropped(share: float, values: torch.Tensor, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return Dropout(share)(values)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_value_is_zero_or_divided_by_the_share_kept(share, dtype):
    values = torch.rand(7, 11, 3, dtype=dtype) + 1
    found = dropped(share, values)
    expected = torch.where(found == 0, 0, values * (torch.ones((), dtype=dtype) / (1 - share)))
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("share", SHARES)
def test_the_share_dropped_is_the_one_asked_for(share):
    count = 4_000_000
    found = float((dropped(share, torch.ones(count)) == 0).double().mean())
    assert found == pytest.approx(share, abs=5 * (share * (1 - share) / count) ** 0.5 + 2**-17)


def test_values_that_share_a_random_number_are_dropped_independently():
    groups = (dropped(0.5, torch.ones(400_000, 4)) > 0).double()  # one number of 64 bits for each row
    assert (torch.corrcoef(groups.T) - torch.eye(4)).abs().max() < 0.01
    ahead, behind = groups[:-1, 0], groups[1:, 0]
    assert torch.corrcoef(torch.stack([ahead, behind]))[0, 1].abs() < 0.01


def test_the_seed_decides_and_each_call_has_a_mask_of_its_own():
    values = torch.ones(1001)
    first = dropped(0.5, values, seed=3)
    assert torch.equal(first, dropped(0.5, values, seed=3))
    assert not torch.equal(first, dropped(0.5, values, seed=4))
    layer = Dropout(0.5)
    assert not torch.equal(layer(values), layer(values))


def test_the_gradient_passes_where_the_value_did():
    values = torch.rand(5, 6, 7).transpose(0, 2).requires_grad_()
    found = dropped(0.3, values)
    found.sum().backward()
    torch.testing.assert_close(values.grad, found.detach() / values.detach())


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_evaluation_and_the_ends_are_those_of_torch(share):
    values = torch.rand(9)
    assert torch.equal(Dropout(share).eval()(values), values)
    if share != 0.5:
        assert torch.equal(Dropout(share)(values), nn.Dropout(share)(values))


def test_torch_draws_no_masks_in_training_on_a_cpu(monkeypatch):
    monkeypatch.delattr(nn.Dropout, "forward")
    assert (dropped(0.5, torch.ones(99)) == 0).any()
