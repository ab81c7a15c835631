"""The bank that needs nothing: things drawn by code, and their sounds made by code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import BACKGROUND
from dmin.lab.compose.banks.bank import Item
from dmin.lab.compose.banks.drawing import DRAWINGS, draw
from dmin.lab.compose.banks.synthesis import SYNTHESES

CATEGORIES = ("Bell", "Bird", "Car", "Clock", "Drum", "Rain", "Robot", "Siren")
"""Things that are both drawn and heard; all others in `DRAWINGS` and `SYNTHESES` are negatives."""


@dataclass(frozen=True)
class ScenesBank:
    """Eight things, each with as many pictures and sounds as wanted, no two alike.

    Every item is drawn from its own name and the seed, in its own colours, place, pitch and tempo, so that held-out
    items are new to a network, though of the same artist.
    """

    seed: int = 0
    """Another seed, other pictures and sounds."""
    items: int = 80
    """Pictures and sounds of each category; of the negatives, twice as many."""

    @property
    def name(self) -> str:
        """Name of the bank."""
        return "scenes"

    @property
    def categories(self) -> tuple[str, ...]:
        """The eight things."""
        return CATEGORIES

    def pictures(self, category: str) -> tuple[Item, ...]:
        """Pictures of a category; "Background" gives other things."""
        return self._named("pictures", category, DRAWINGS)

    def sounds(self, category: str) -> tuple[Item, ...]:
        """Sounds of a category; "Background" gives other sounds."""
        return self._named("sounds", category, SYNTHESES)

    def load_picture(self, item: Item) -> NDArray[np.uint8]:
        """Pixels [H, W, 3]."""
        return draw(_thing(item), self._generator(item))

    def load_sound(self, item: Item) -> NDArray[np.float32]:
        """Waveform [S] of about five seconds at 44.1 kHz."""
        return SYNTHESES[_thing(item)](self._generator(item))

    def _named(self, part: str, category: str, things: Iterable[str]) -> tuple[Item, ...]:
        if category != BACKGROUND:
            names = [f"{part}/{category}/{number:03d}" for number in range(self.items)]
        else:
            others = [thing for thing in things if thing not in CATEGORIES]
            names = [f"{part}/{others[number % len(others)]}/{number:03d}" for number in range(2 * self.items)]
        return tuple(Item(name, category, name) for name in names)

    def _generator(self, item: Item) -> np.random.Generator:
        return np.random.default_rng([self.seed, *hashlib.sha256(item.name.encode()).digest()[:8]])


def _thing(item: Item) -> str:
    return item.name.split("/")[1]
