"""The order of clips, and the share of each of several processes that train together."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from math import ceil

import numpy as np
from torch import distributed
from torch.utils.data import RandomSampler, Sampler


class EpochOrder(RandomSampler):
    """The order of clips for training, which depends on the seed and the epoch alone; Lightning tells the epoch.

    Of several processes each takes every n-th clip, so that together they take the batches that one process would take
    with n times the batch size. All have equally many: the first clips of the order come again where that is needed.

    Args:
        clips: What is ordered.
        seed: Of the run.

    Example:
        >>> order = EpochOrder("abcd", seed=0)
        >>> order.set_epoch(1)
        >>> list(order)
        [3, 0, 2, 1]
    """

    def __init__(self, clips: Sized, seed: int) -> None:
        super().__init__(clips)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of this epoch from now on."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.data_source))
        rank, processes = _place()
        yield from np.resize(order, len(self) * processes)[rank::processes].tolist()

    def __len__(self) -> int:
        return ceil(len(self.data_source) / _place()[1])


class SharedBatches(Sampler[list[int]]):
    """Batches of clips for validation, in the clips' own order.

    Of several processes each takes every n-th clip, and no clip twice. All have equally many batches, because networks
    may talk to each other in each. If there are fewer clips than processes, each process takes all of them.

    Args:
        clips: What is taken.
        batch_size: Most clips in a batch.

    Example:
        >>> list(SharedBatches("abcde", batch_size=2))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, clips: Sized, batch_size: int) -> None:
        self.clips = clips
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[list[int]]:
        rank, processes = self._place()
        rest = list(range(rank, len(self.clips), processes))
        for following in reversed(range(len(self))):
            size = min(self.batch_size, len(rest) - following) if following else len(rest)
            yield rest[:size]
            rest = rest[size:]

    def __len__(self) -> int:
        clips, processes = len(self.clips), self._place()[1]
        return min(ceil(clips / processes / self.batch_size), clips // processes)

    def _place(self) -> tuple[int, int]:
        rank, processes = _place()
        return (rank, processes) if processes <= len(self.clips) else (0, 1)


def _place() -> tuple[int, int]:
    """Number of this process, from 0, and how many train together."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
