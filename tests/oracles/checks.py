"""What the tests against the oracles share."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import settings

FEW = settings(max_examples=12, deadline=None, derandomize=True)
"""Hypothesis: as many shapes as the slow oracles allow, the same ones in each run."""


def in_float64(module, seed=0):
    """The module in float64 and evaluation mode, every parameter drawn anew (biases and norms too)."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return module


def draw(*shape, seed=0):
    """Standard normal float64 numbers that want a gradient."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def assert_agree(ours, oracle, tolerance=1e-9):
    """Element by element, in float64."""
    ours = ours.detach().numpy() if isinstance(ours, torch.Tensor) else np.asarray(ours)
    assert ours.shape == np.shape(oracle)
    np.testing.assert_allclose(ours, oracle, rtol=0, atol=tolerance)


def assert_gradients(module, function, *inputs):
    """The gradient of ``function(*inputs)`` is that of finite differences, for inputs and parameters alike."""
    leaves = (*inputs, *module.parameters())

    def of_inputs(*values):
        # gradcheck perturbs the very tensors it is given, so those that the module holds need not be passed on.
        return function(*values[: len(inputs)])

    assert torch.autograd.gradcheck(of_inputs, leaves, fast_mode=True, check_undefined_grad=False)


def assert_reaches_all(module, scalar, without=()):
    """Backward from a scalar gives each parameter a finite gradient that is not 0 everywhere.

    ``without``: endings of names whose gradient is 0 for a reason.
    """
    module.zero_grad()
    scalar.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert name.endswith(tuple(without)) or parameter.grad.abs().max() > 0, name


def assert_finite(module, scalar):
    """Backward from a scalar gives no NaN and no infinity."""
    module.zero_grad()
    scalar.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def dropouts_of(module):
    """The rates of dropout within a module, of layers and of attention weights."""
    rates = {part.p for part in module.modules() if isinstance(part, torch.nn.Dropout)}
    return rates | {part.dropout for part in module.modules() if isinstance(getattr(part, "dropout", None), float)}
