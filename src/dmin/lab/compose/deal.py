"""Drawing scripts from a seed: splits, lengths and categories dealt evenly, hard cases at random."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dmin.data.annotations import BACKGROUND, SPLITS
from dmin.errors import DataError
from dmin.lab.compose.banks.bank import Bank, Item, Shelf, shelves
from dmin.lab.compose.script import CLIP_SECONDS, SITUATIONS, ClipScript, ComposeSettings, Take

EVENT_SECONDS = (10, 3, 10, 5, 10, 3, 10, 4, 9, 9, 2, 10, 8, 5, 9, 5, 8, 7, 7, 6)
"""Lengths of events, dealt in turn: mean 7 s, so that 0.63 of all seconds are event at 0.1 of negative clips. In this
order any run of them, wherever it starts, has nearly that mean."""

_AROUND = {"silent": 0.22, "off screen": 0.2, "other sound": 0.18, "swapped": 0.15, "empty": 0.25}
_NEGATIVE = {"silent": 0.12, "off screen": 0.12, "other sound": 0.13, "swapped": 0.2, "empty": 0.43}
_GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, fill the interval more evenly than random numbers


def draw_scripts(bank: Bank, clips: int, seed: int, settings: ComposeSettings) -> tuple[ClipScript, ...]:
    """Draw the scripts of a data set. Clip i's does not depend on how many clips there are.

    Splits, event lengths and categories are dealt evenly rather than drawn, so that even a small test split has the
    shares that the settings promise.

    Raises:
        DataError: Too few clips for every split to get one, or items that cannot be divided.
    """
    require_clips(clips, settings)
    shelf_of = shelves(bank, settings.split_shares, settings.split_seed)
    dealers = {
        split: _Dealer(split, shelf_of[split], bank.categories, seed, settings)
        for split, share in zip(SPLITS, settings.split_shares, strict=True)
        if share
    }
    return tuple(dealers[_split_of(clip, settings)].deal(clip) for clip in range(clips))


def statistics(scripts: Iterable[ClipScript]) -> dict[str, dict[str, Any]]:
    """Count clips, events and situations, and work out the trivial priors, of each split and of all.

    ``event_share`` is the share of seconds that are event: the accuracy of the right category in every second;
    1 - ``event_share`` is that of "all background".
    """
    scripts = tuple(scripts)
    counts = {}
    for split in (*SPLITS, "all"):
        chosen = [script for script in scripts if split in (script.split, "all")]
        labels = [script.seconds() for script in chosen]
        events = sum(category != BACKGROUND for seconds in labels for category in seconds)
        names = [name for script in chosen for name in script.situations]
        categories = [script.annotation().category for script in chosen]
        counts[split] = {
            "clips": len(chosen),
            "clips_without_event": categories.count(BACKGROUND),
            "event_share": round(events / max(1, len(chosen) * CLIP_SECONDS), 4),
            "clips_by_category": {name: categories.count(name) for name in sorted(set(categories) - {BACKGROUND})},
            "situations": {name: names.count(name) for name in SITUATIONS},
        }
    return counts


class _Dealer:
    """Deals the clips of one split: each next clip by its rank within the split."""

    def __init__(
        self, split: str, shelf: Shelf, categories: tuple[str, ...], seed: int, settings: ComposeSettings
    ) -> None:
        self.split, self.shelf, self.categories, self.seed, self.settings = split, shelf, categories, seed, settings
        generator = np.random.default_rng([seed, SPLITS.index(split)])
        self.offset, self.first_length = generator.random(2) * 100, int(generator.integers(len(EVENT_SECONDS)))
        self.clips = self.events = 0

    def deal(self, clip: int) -> ClipScript:
        negative = _falls_due(self.clips + self.offset[0], self.settings.negatives)
        degraded = _falls_due(self.clips + self.offset[1], self.settings.degrade)
        self.clips += 1
        draw = _Draw(np.random.default_rng([self.seed, clip]), self.shelf, self.categories)
        if negative:
            tracks = draw.negative()
        else:
            deck, place = divmod(self.events, len(self.categories))
            order = np.random.default_rng([self.seed, SPLITS.index(self.split), 1, deck])
            category = self.categories[order.permutation(len(self.categories))[place]]
            length = EVENT_SECONDS[(self.first_length + self.events) % len(EVENT_SECONDS)]
            self.events += 1
            tracks = draw.with_event(category, length)
        return ClipScript(
            video_id=f"clip{clip:05d}",
            split=self.split,
            pictures=_merged(tracks.pictures),
            sounds=_merged(tracks.sounds),
            situations=tuple(tracks.situations),
            degraded=degraded and self.split in self.settings.degraded_splits,
            seed=(self.seed, clip),
        )


@dataclass
class _Tracks:
    """Both tracks by second, while they are being written."""

    pictures: list[Item | None] = field(default_factory=list)
    sounds: list[Item | None] = field(default_factory=list)
    situations: list[str] = field(default_factory=list)

    def add(self, seconds: int, picture: Item | None, sound: Item | None) -> None:
        self.pictures += [picture] * seconds
        self.sounds += [sound] * seconds


class _Draw:
    """Draws the content of one clip."""

    def __init__(self, generator: np.random.Generator, shelf: Shelf, categories: tuple[str, ...]) -> None:
        self.generator, self.shelf, self.categories = generator, shelf, categories

    def with_event(self, category: str, length: int) -> _Tracks:
        """One event, and something else before and after it."""
        tracks = _Tracks()
        start = int(self.generator.integers(CLIP_SECONDS - length + 1))
        picture, sound = self._item(self.shelf.pictures, category), self._item(self.shelf.sounds, category)
        if start:
            self._situation(tracks, start, category, picture, sound, _AROUND)
        tracks.add(length, picture, sound)
        if start + length < CLIP_SECONDS:
            self._situation(tracks, CLIP_SECONDS - start - length, category, picture, sound, _AROUND)
        return tracks

    def negative(self) -> _Tracks:
        """No event: one situation throughout, or two in turn."""
        tracks = _Tracks()
        category = str(self.generator.choice(self.categories))
        picture, sound = self._item(self.shelf.pictures, category), self._item(self.shelf.sounds, category)
        first = CLIP_SECONDS if self.generator.random() < 0.6 else int(self.generator.integers(3, CLIP_SECONDS - 2))
        for seconds in (first, CLIP_SECONDS - first):
            if seconds:
                self._situation(tracks, seconds, category, picture, sound, _NEGATIVE)
        return tracks

    def _situation(
        self,
        tracks: _Tracks,
        seconds: int,
        category: str,
        picture: Item | None,
        sound: Item | None,
        weights: Mapping[str, float],
    ) -> None:
        """Add seconds in which no category is both seen and heard."""
        name = str(self.generator.choice(list(weights), p=list(weights.values())))
        if name == "silent":
            sound = None
        elif name == "off screen":
            picture = self._stranger(self.shelf.pictures)
        elif name == "other sound":
            # Of no category at times: unknown things are heard more often than known ones.
            stranger = self.generator.random() < 0.35
            sound = self._stranger(self.shelf.sounds) if stranger else self._other(self.shelf.sounds, category)
        elif name == "swapped":
            picture = self._other(self.shelf.pictures, category)
        else:
            picture = self._stranger(self.shelf.pictures)
            sound = self._stranger(self.shelf.sounds) if self.generator.random() < 0.6 else None
        tracks.situations.append(name)
        tracks.add(seconds, picture, sound)

    def _item(self, items: Mapping[str, tuple[Item, ...]], category: str) -> Item:
        choice = items[category]
        return choice[int(self.generator.integers(len(choice)))]

    def _other(self, items: Mapping[str, tuple[Item, ...]], category: str) -> Item:
        return self._item(items, str(self.generator.choice([name for name in self.categories if name != category])))

    def _stranger(self, items: Mapping[str, tuple[Item, ...]]) -> Item | None:
        """Something of no category; at times, or if the bank has none, nothing at all."""
        if not items[BACKGROUND] or self.generator.random() < 0.12:
            return None
        return self._item(items, BACKGROUND)


def _merged(items: list[Item | None]) -> tuple[Take, ...]:
    """Turn one item per second into takes."""
    starts = [second for second in range(len(items)) if not second or items[second] != items[second - 1]]
    ends = [*starts[1:], len(items)]
    return tuple(Take(start, end, items[start]) for start, end in zip(starts, ends, strict=True))


def _falls_due(place: float, share: float) -> bool:
    """True if one of a share of all places falls on this one: as regular as the share allows."""
    return int((place + 1) * share) > int(place * share)


def _split_of(clip: int, settings: ComposeSettings) -> str:
    place = (0.5 + clip * _GOLDEN) % 1
    train, val, _ = settings.split_shares
    if place < train:
        return "train"
    return "val" if place < train + val else "test"


def require_clips(clips: int, settings: ComposeSettings) -> None:
    """Make sure that every split gets a clip.

    Raises:
        DataError: There are too few.
    """
    wanted = {split for split, share in zip(SPLITS, settings.split_shares, strict=True) if share}
    have: set[str] = set()
    for clip in range(max(clips, 100_000)):
        have.add(_split_of(clip, settings))
        if wanted <= have:
            if clip + 1 > clips:
                raise DataError(f"clips must be at least {clip + 1}, so that every split gets one, got {clips}")
            return
