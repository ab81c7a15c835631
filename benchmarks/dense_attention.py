"""Eq. 11-13 in closed form against a literal loop over query and key channels, in one run.

uv run python benchmarks/dense_attention.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from dmin.layers import full_channel_pair_product

BATCH, HEADS, TIME, SIZE = 32, 4, 10, 64


def literal(queries: Tensor, keys: Tensor, alpha: float = 0.5) -> Tensor:
    """Eq. 13 as its text has it: one shifted product for each distance between channels."""
    total = alpha * queries @ keys.mT
    for shift in range(1, SIZE):
        total = total + (1 - alpha) / (SIZE - 1) * queries @ keys.roll(shift, -1).mT
    return total


def seconds(function: Callable[[], Tensor], runs: int = 9) -> float:
    """Median of several runs after a warm-up."""
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print both and their ratio."""
    generator = torch.Generator().manual_seed(0)
    queries, keys = torch.randn(2, BATCH, HEADS, TIME, SIZE, generator=generator, dtype=torch.float64)
    assert torch.allclose(literal(queries, keys), full_channel_pair_product(queries, keys), atol=1e-9)
    slow = seconds(lambda: literal(queries, keys))
    fast = seconds(lambda: full_channel_pair_product(queries, keys))
    print(f"[{BATCH}, {HEADS}, {TIME}, {SIZE}] float64, {torch.get_num_threads()} threads")
    print(f"loop over shifts {slow * 1e3:8.2f} ms")
    print(f"closed form      {fast * 1e3:8.2f} ms")
    print(f"ratio            {slow / fast:8.1f}")


if __name__ == "__main__":
    main()
