"""Long recordings in windows of the trained length, half overlapping; what several windows say of a second is averaged.

Features are tuples of tensors here, one tensor per modality, all with T seconds as their first axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dmin.features import ClipFeatures


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some seconds that a network sees together."""

    start: int
    """Its first second."""
    features: tuple[Tensor, ...]
    """Each [T, ...]."""
    settled: int | None
    """First second of the next window: those before it are seen by no later one. None if this is the last."""

    def __len__(self) -> int:
        return len(self.features[0])


def noting(chunks: Iterable[ClipFeatures], durations: list[float]) -> Iterator[tuple[Tensor, ...]]:
    """Visual maps and audio features of chunks; how long each of them lasts is noted on the way."""
    for chunk in chunks:
        durations.append(chunk.duration_seconds)
        yield chunk.visual, chunk.audio


def windows(chunks: Iterable[tuple[Tensor, ...]], length: int) -> Iterator[Stretch]:
    """Windows of at most ``length`` seconds, half overlapping, the last at the end; no more than needed is held.

    Args:
        chunks: Features of consecutive seconds, any number of seconds a chunk.
        length: Seconds of a window; a shorter recording is one shorter window.

    Example:
        >>> [(window.start, len(window)) for window in windows([(torch.zeros(12, 3),)], 5)]
        [(0, 5), (2, 5), (4, 5), (6, 5), (7, 5)]
    """
    step = max(1, length // 2)
    held: tuple[Tensor, ...] = ()
    start = 0
    for chunk in chunks:
        held = tuple(torch.cat(pair) for pair in zip(held, chunk, strict=True)) if held else chunk
        while len(held[0]) >= length + step:
            yield Stretch(start, _cut(held, 0, length), start + step)
            held, start = _cut(held, step, len(held[0])), start + step
    while held and len(held[0]) > length:
        move = min(step, len(held[0]) - length)
        yield Stretch(start, _cut(held, 0, length), start + move)
        held, start = _cut(held, move, len(held[0])), start + move
    if held:
        yield Stretch(start, held, None)


def _cut(features: tuple[Tensor, ...], start: int, stop: int) -> tuple[Tensor, ...]:
    return tuple(tensor[start:stop] for tensor in features)


class Average:
    """Collects what windows say of seconds.

    Example:
        >>> average = Average()
        >>> average.add(0, np.array([[1.0], [2.0]]))
        >>> average.add(1, np.array([[4.0], [5.0]]))
        >>> average.take(2)[:, 0].tolist(), average.take()[:, 0].tolist()
        ([1.0, 3.0], [5.0])
    """

    def __init__(self) -> None:
        self._taken = 0
        self._sums: list[NDArray[np.float64]] = []
        self._counts: list[int] = []

    def add(self, start: int, rows: NDArray[np.float64]) -> None:
        """Add a window's answer [T, N], a row per second, the first of them being second ``start``."""
        start -= self._taken
        while len(self._sums) < start + len(rows):
            self._sums.append(np.zeros(rows.shape[1]))
            self._counts.append(0)
        for second, row in enumerate(rows, start):
            self._sums[second] += row
            self._counts[second] += 1

    def take(self, stop: int | None = None) -> NDArray[np.float64]:
        """The means [T, N] of the seconds before second ``stop``, which are forgotten; of all by default."""
        count = len(self._sums) if stop is None else stop - self._taken
        means: NDArray[np.float64] = np.stack(self._sums[:count]) / np.array(self._counts[:count])[:, None]
        del self._sums[:count], self._counts[:count]
        self._taken += count
        return means
