"""Clips of two splits whose features are nearly the same: one recording under two names, or uploaded twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from dmin.errors import DataError
from dmin.features import FeatureStore
from dmin.progress import Progress, silent

LEAST_SIMILARITY = 0.99
"""Cosine from which two clips are nearly the same, in picture and in sound."""
_AT_ONCE = 1024
"""Clips that are compared with all others at once; their number changes no figure."""


@dataclass(frozen=True)
class Twin:
    """Two clips of different splits with nearly the same features."""

    first_split: str
    first_id: str
    second_split: str
    second_id: str
    similarity: float
    """The lower one of the cosines of pictures and of sounds, second by second, the store's mean taken off."""


@dataclass(frozen=True)
class _Means:
    """Of each clip, its features averaged over its seconds (and regions), the store's mean taken off, of length 1.

    A clip that is that mean has no direction of its own: the last column is 1 for it, and 0 for the others.
    """

    visual: Tensor
    """[N, D_v + 1]"""
    audio: Tensor
    """[N, D_a + 1]"""


def find_twins(
    store: FeatureStore, splits: Mapping[str, Sequence[str]], progress: Progress = silent
) -> tuple[Twin, ...]:
    """Compare all clips of each split with those of the others.

    Args:
        store: The features; clips that it lacks are left out.
        splits: Ids by the name of the split.
        progress: Told as clips are read.

    Raises:
        DataError: A feature file is damaged, or clips have features of different sizes.
    """
    ids = {split: [video_id for video_id in of_split if video_id in store] for split, of_split in splits.items()}
    total, done = sum(map(len, ids.values())), 0
    visual: dict[str, list[Tensor]] = {split: [] for split in ids}
    audio: dict[str, list[Tensor]] = {split: [] for split in ids}
    for split, of_split in ids.items():
        for video_id in of_split:
            features = store.read(video_id)
            visual[split].append(features.visual.float().mean((0, 1, 2)))
            audio[split].append(features.audio.mean(0))
            done += 1
            progress("features", done, total)
    if not total:
        return ()
    centre = [_mean(by_split) for by_split in (visual, audio)]
    means = {
        split: _Means(_unit(visual[split], centre[0]), _unit(audio[split], centre[1])) for split in ids if ids[split]
    }
    found = []
    for first, second in combinations(means, 2):
        for i, j in _candidates(means[first], means[second]):
            similarity = _similarity(store, ids[first][i], ids[second][j], centre)
            if similarity >= LEAST_SIMILARITY:
                found.append(Twin(first, ids[first][i], second, ids[second][j], similarity))
    return tuple(sorted(found, key=lambda twin: -twin.similarity))


def _mean(by_split: Mapping[str, Sequence[Tensor]]) -> Tensor:
    try:
        return torch.stack([mean for means in by_split.values() for mean in means]).mean(0)
    except RuntimeError as error:
        raise DataError(f"clips of the store have features of different sizes ({error}): extract them again") from error


def _unit(means: Sequence[Tensor], centre: Tensor) -> Tensor:
    off = torch.stack(list(means)) - centre
    return torch.nn.functional.normalize(torch.cat([off, (off == 0).all(-1, keepdim=True)], -1), dim=-1)


def _candidates(first: _Means, second: _Means) -> list[tuple[int, int]]:
    """Rows of both whose means are alike in picture and sound."""
    found = []
    for start in range(0, len(first.visual), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        both = torch.minimum(first.visual[part] @ second.visual.T, first.audio[part] @ second.audio.T)
        rows, columns = np.nonzero((both >= LEAST_SIMILARITY).numpy())
        found += [(start + int(i), int(j)) for i, j in zip(rows, columns, strict=True)]
    return found


def _similarity(store: FeatureStore, first: str, second: str, centre: Sequence[Tensor]) -> float:
    """Of two clips, as far as the shorter one reaches."""
    one, other = store.read(first), store.read(second)
    seconds = min(len(one), len(other))
    cosines = []
    for name, mean in zip(("visual", "audio"), centre, strict=True):
        flat = [(getattr(clip, name)[:seconds].float() - mean).flatten() for clip in (one, other)]
        if flat[0].shape != flat[1].shape:
            return 0.0
        same = torch.equal(flat[0], flat[1])  # of length 0, perhaps, which has no cosine
        cosines.append(1.0 if same else float(torch.nn.functional.cosine_similarity(flat[0], flat[1], dim=0)))
    return min(cosines)
