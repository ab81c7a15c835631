"""Scripts: what is seen and what is heard in every second of a composed clip; and the settings of composing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dmin.data.annotations import BACKGROUND, SPLITS, Annotation
from dmin.errors import DataError
from dmin.lab.compose.banks.bank import Item

CLIP_SECONDS = 10
"""Length of every composed clip, as in AVE."""
SITUATIONS = {
    "silent": "the category is seen, not heard",
    "off screen": "the category is heard, not seen",
    "other sound": "the category is seen while another one, or none, is heard",
    "swapped": "the category is heard while another one is seen",
    "empty": "nothing of any category is seen or heard",
}
"""Hard cases that surround an event, or fill a clip that has none."""


@dataclass(frozen=True)
class ComposeSettings:
    """Settings of composing. With the defaults, 0.6 to 0.7 of all seconds are event."""

    negatives: float = 0.1
    """Share of clips without any event, in 0..1."""
    split_shares: tuple[float, float, float] = (0.7, 0.15, 0.15)
    """Shares of train, val and test, of clips and of the bank's items alike; a share of 0 leaves that split empty."""
    split_seed: int = 0
    """Divides the bank's items among the splits. Apart from the clips' seed, so that data sets of different seeds
    never show one's test pictures in the other's training clips."""
    width: int = 256
    """Of the videos, in pixels; even."""
    height: int = 192
    """Of the videos, in pixels; even."""
    frames_per_second: int = 8
    """Of the videos; a multiple of 4, or the default decoding at 4 frames a second meets no frame's middle."""
    degrade: float = 0.0
    """Share of training clips whose sound and picture are degraded as bad recordings are: see `degrade.py`."""
    degraded_splits: tuple[str, ...] = ("train",)
    """Splits that ``degrade`` applies to."""

    def __post_init__(self) -> None:
        for name in ("negatives", "degrade"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"{name} must be from 0 to 1, got {getattr(self, name)}")
        shares = self.split_shares
        if len(shares) != len(SPLITS) or min(shares) < 0 or not shares[0] or abs(sum(shares) - 1) > 1e-6:
            raise DataError(
                f"split_shares must be three shares of {', '.join(SPLITS)} that sum to 1, train's above 0, got {shares}"
            )
        for name in ("width", "height"):
            if getattr(self, name) < 32 or getattr(self, name) % 2:
                raise DataError(f"{name} must be even and at least 32 pixels, got {getattr(self, name)}")
        if self.frames_per_second not in range(1, 61):
            raise DataError(f"frames_per_second must be from 1 to 60, got {self.frames_per_second}")
        if unknown := set(self.degraded_splits) - set(SPLITS):
            raise DataError(f"degraded_splits may name {', '.join(SPLITS)}, got {', '.join(sorted(unknown))}")


@dataclass(frozen=True)
class Take:
    """Part of a track, from one second to another."""

    start_seconds: int
    """First second."""
    end_seconds: int
    """End (exclusive)."""
    item: Item | None
    """A picture or a sound of the bank; None for a plain surface, or for silence."""

    @property
    def category(self) -> str:
        """The item's category; "Background" if there is none."""
        return self.item.category if self.item else BACKGROUND


@dataclass(frozen=True)
class ClipScript:
    """All that decides how one clip looks and sounds; the truth can be read off it."""

    video_id: str
    """File name without suffix."""
    split: str
    """Split that it belongs to, and takes its items from."""
    pictures: tuple[Take, ...]
    """The visual track, without gaps."""
    sounds: tuple[Take, ...]
    """The audio track, without gaps."""
    situations: tuple[str, ...]
    """Names of `SITUATIONS` that occur, in order of time."""
    degraded: bool
    """True if picture and sound are made bad."""
    seed: tuple[int, int] = field(repr=False)
    """Seed of everything else (movement, levels, noise): the data set's seed and the clip's number."""

    def seconds(self) -> tuple[str, ...]:
        """The category of each second: the one that is both seen and heard, or "Background"."""
        seen, heard = _by_second(self.pictures), _by_second(self.sounds)
        return tuple(one if one == other else BACKGROUND for one, other in zip(seen, heard, strict=True))

    def annotation(self) -> Annotation:
        """The clip's one line: its event, or that there is none."""
        seconds = self.seconds()
        events = [second for second, category in enumerate(seconds) if category != BACKGROUND]
        if not events:
            return Annotation(BACKGROUND, self.video_id, "good", 0, 0)
        return Annotation(seconds[events[0]], self.video_id, "good", events[0], events[-1] + 1)

    def generator(self, purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, the same on every machine and in any order of clips."""
        return np.random.default_rng([*self.seed, purpose])

    def summary(self) -> dict[str, Any]:
        """The script as plain data, for the manifest."""
        return {
            "id": self.video_id,
            "split": self.split,
            "annotation": str(self.annotation()),
            "situations": list(self.situations),
            "degraded": self.degraded,
            "pictures": [_take_summary(take, "plain") for take in self.pictures],
            "sounds": [_take_summary(take, "silence") for take in self.sounds],
        }


def _by_second(takes: Iterable[Take]) -> list[str]:
    return [take.category for take in takes for _ in range(take.start_seconds, take.end_seconds)]


def _take_summary(take: Take, nothing: str) -> dict[str, Any]:
    summary: dict[str, Any] = {"start": take.start_seconds, "end": take.end_seconds, "category": take.category}
    return summary | {"item": take.item.name if take.item else nothing, "source": take.item.source if take.item else ""}
