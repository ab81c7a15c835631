"""Items of a bank, and their division into splits that keeps every source in one split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import BACKGROUND, SPLITS
from dmin.errors import DataError

FEWEST_SOURCES = 3
"""A category needs one source for each split."""


@dataclass(frozen=True)
class Item:
    """One picture or one sound of a bank; plain data, so that it travels to other processes."""

    name: str
    """Unique within the bank, e.g. the path below its folder."""
    category: str
    """Category that it shows or sounds like; "Background" for none of the bank's categories."""
    source: str
    """Items of one recording, speaker or picture share it; no two splits share one."""


class Bank(Protocol):
    """Pictures and sounds of some categories, and of none. Banks are picklable and unchanging."""

    @property
    def name(self) -> str:
        """One of `BANKS`."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the bank's categories, at least two."""

    def pictures(self, category: str) -> tuple[Item, ...]:
        """Pictures of a category; "Background" gives those of none of them."""

    def sounds(self, category: str) -> tuple[Item, ...]:
        """Sounds of a category; "Background" gives those of none of them."""

    def load_picture(self, item: Item) -> NDArray[np.uint8]:
        """Pixels [H, W, 3], RGB."""

    def load_sound(self, item: Item) -> NDArray[np.float32]:
        """Waveform [S], mono, 44.1 kHz, as recorded: `dmin.lab.compose.sound` trims, repeats and levels it."""


@dataclass(frozen=True)
class Shelf:
    """Items that one split may use."""

    pictures: Mapping[str, tuple[Item, ...]]
    """Pictures by category, "Background" included (it may be empty)."""
    sounds: Mapping[str, tuple[Item, ...]]
    """Sounds by category, likewise."""


def shelves(bank: Bank, shares: Sequence[float], seed: int) -> dict[str, Shelf]:
    """Divide a bank's items among the splits, by source, as near to the shares as whole sources allow.

    A source that occurs in several categories, among the negatives, or both among pictures and among sounds, goes to
    one split everywhere.

    Args:
        bank: The bank to divide.
        shares: One share a split, summing to 1; a split of share 0 gets nothing.
        seed: Another seed, another division.
    """
    home: dict[str, str] = {}  # source -> split
    pictures = _divide({name: bank.pictures(name) for name in (*bank.categories, BACKGROUND)}, shares, seed, home)
    sounds = _divide({name: bank.sounds(name) for name in (*bank.categories, BACKGROUND)}, shares, seed, home)
    return {split: Shelf(pictures[split], sounds[split]) for split in SPLITS}


def _divide(
    items: Mapping[str, tuple[Item, ...]], shares: Sequence[float], seed: int, home: dict[str, str]
) -> dict[str, dict[str, tuple[Item, ...]]]:
    for category, group in items.items():
        # Named, so that one category's division does not change with the bank's other categories.
        _settle(group, dict(zip(SPLITS, shares, strict=True)), home, _generator(seed, category))
    divided = {
        split: {
            category: tuple(item for item in group if home[item.source] == split) for category, group in items.items()
        }
        for split in SPLITS
    }
    for split, share in zip(SPLITS, shares, strict=True):
        for category, group in divided[split].items():
            if share and not group and category != BACKGROUND:
                raise DataError(
                    f"category {category}: its {len({item.source for item in items[category]})} sources cannot serve "
                    f"every split (nothing is left for {split}, as sources of it serve elsewhere too): "
                    "add files from other sources"
                )
    return divided


def _settle(
    group: Sequence[Item], shares: Mapping[str, float], home: dict[str, str], generator: np.random.Generator
) -> None:
    """Give every source of one category that has no home yet one, test and validation first."""
    sizes: dict[str, int] = defaultdict(int)
    for item in group:
        sizes[item.source] += 1
    counts = {split: sum(size for source, size in sizes.items() if home.get(source) == split) for split in SPLITS}
    free = [source for source in sorted(sizes) if source not in home]
    free = [free[index] for index in generator.permutation(len(free))]
    wanting = [split for split in ("test", "val", "train") if shares[split]]
    for place, split in enumerate(wanting[:-1]):
        target = shares[split] * len(group)
        others = len(wanting) - 1 - place  # splits that still need a source after this one
        for source in list(free):
            nearer = abs(counts[split] + sizes[source] - target) <= abs(counts[split] - target)
            if nearer and len(free) > others:
                home[source] = split
                counts[split] += sizes[source]
                free.remove(source)
        if not counts[split] and len(free) > others:  # every source is too large: the smallest does least harm
            smallest = min(free, key=lambda source: sizes[source])
            home[smallest] = split
            counts[split] += sizes[smallest]
            free.remove(smallest)
    for source in free:
        home[source] = wanting[-1]


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *hashlib.sha256(name.encode()).digest()[:8]])
