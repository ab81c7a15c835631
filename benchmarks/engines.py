"""Seconds until the first result, and results a second after it, of a pool and of a Ray on this machine.

The work takes no time, so this is what the engines themselves take.

uv run python benchmarks/engines.py --items 2000
"""

from __future__ import annotations

import argparse
import operator
import time
from functools import partial

from dmin.features.cluster import RayCluster
from dmin.features.workers import Engine, Pool


def measure(name: str, engine: Engine, items: int) -> None:
    """Print what an engine takes for so many items."""
    start = time.perf_counter()
    # In place of functions of this file, which the workers of a cluster cannot import.
    results = engine.apply(partial(partial, operator.index), range(items))
    next(results)
    first = time.perf_counter()
    count = sum(1 for _ in results)
    rate = count / (time.perf_counter() - first)
    print(f"{name}: first result after {first - start:.1f} s, then {rate:.0f} results a second")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    measure("pool", Pool(args.workers), args.items)
    measure("ray", RayCluster(workers=args.workers), args.items)
