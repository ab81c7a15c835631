"""Scripts: what is seen and what is heard in every second of a composed clip. Drawn from a seed; plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dmin.data.annotations import BACKGROUND, Annotation
from dmin.data.banks.bank import SPLITS, Bank, Item, Shelf, shelves
from dmin.errors import DataError

CLIP_SECONDS = 10
"""Length of every composed clip, as in AVE."""
EVENT_SECONDS = (10, 4, 9, 6, 10, 2, 8, 10, 5, 9, 10, 3, 7, 10, 6, 8, 3, 10, 7, 5)
"""Lengths of events, dealt evenly: mean 7.1 s, so that 0.64 of all seconds are event at 0.1 of negative clips."""

SITUATIONS = {
    "silent": "the category is seen, not heard",
    "off screen": "the category is heard, not seen",
    "other sound": "the category is seen while another one, or none, is heard",
    "swapped": "the category is heard while another one is seen",
    "empty": "nothing of any category is seen or heard",
}
"""What may surround an event, or fill a clip that has none: the hard cases."""
_AROUND = {"silent": 0.22, "off screen": 0.2, "other sound": 0.18, "swapped": 0.15, "empty": 0.25}
_NEGATIVE = {"silent": 0.12, "off screen": 0.12, "other sound": 0.13, "swapped": 0.2, "empty": 0.43}
_GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, fill the interval more evenly than random numbers


@dataclass(frozen=True)
class ComposeSettings:
    """How clips are composed. The defaults give 0.6 to 0.7 of event seconds."""

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
    """Share of training clips whose sound and picture are degraded as bad recordings are; see `dmin.data.degrade`."""
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
    """What one track holds from one second to another."""

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
    """Which split it belongs to, and draws its items from."""
    pictures: tuple[Take, ...]
    """The visual track, without gaps."""
    sounds: tuple[Take, ...]
    """The audio track, without gaps."""
    situations: tuple[str, ...]
    """Names of `SITUATIONS` that occur, in order of time."""
    degraded: bool
    """Whether picture and sound are made bad."""
    seed: tuple[int, int] = field(repr=False)
    """What everything else (movement, levels, noise) is drawn from: the data set's seed and the clip's number."""

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


def draw_scripts(bank: Bank, clips: int, seed: int, settings: ComposeSettings) -> tuple[ClipScript, ...]:
    """Draw the scripts of a data set. Clip i's does not depend on how many clips there are.

    Splits, event lengths and categories are dealt evenly rather than drawn, so that even a small test split has the
    shares that the settings promise.

    Raises:
        DataError: Too few clips for every split to get one, or items that cannot be divided.
    """
    _require_clips(clips, settings)
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
        self.offset = np.random.default_rng([seed, SPLITS.index(split)]).random(2)
        self.clips = self.events = 0

    def deal(self, clip: int) -> ClipScript:
        negative = (self.offset[0] + self.clips * _GOLDEN) % 1 < self.settings.negatives
        degraded = (self.offset[1] + self.clips * 2**0.5) % 1 < self.settings.degrade
        self.clips += 1
        draw = _Draw(np.random.default_rng([self.seed, clip]), self.shelf, self.categories)
        if negative:
            tracks = draw.negative()
        else:
            deck, place = divmod(self.events, len(self.categories))
            order = np.random.default_rng([self.seed, SPLITS.index(self.split), 1, deck])
            category = self.categories[order.permutation(len(self.categories))[place]]
            deck, place = divmod(self.events, len(EVENT_SECONDS))
            order = np.random.default_rng([self.seed, SPLITS.index(self.split), 2, deck])
            # Turned, not shuffled: the even order within the deck is what keeps short runs near the mean.
            length = EVENT_SECONDS[(place + int(order.integers(len(EVENT_SECONDS)))) % len(EVENT_SECONDS)]
            self.events += 1
            tracks = draw.with_event(category, length)
        return ClipScript(
            video_id=f"clip{clip:05d}",
            split=self.split,
            pictures=_merged(tracks.pictures),
            sounds=_merged(tracks.sounds),
            situations=tuple(tracks.situations),
            degraded=bool(degraded) and self.split in self.settings.degraded_splits,
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
    """Turn one item a second into takes."""
    starts = [second for second in range(len(items)) if not second or items[second] != items[second - 1]]
    ends = [*starts[1:], len(items)]
    return tuple(Take(start, end, items[start]) for start, end in zip(starts, ends, strict=True))


def _by_second(takes: Iterable[Take]) -> list[str]:
    return [take.category for take in takes for _ in range(take.start_seconds, take.end_seconds)]


def _take_summary(take: Take, nothing: str) -> dict[str, Any]:
    summary: dict[str, Any] = {"start": take.start_seconds, "end": take.end_seconds, "category": take.category}
    return summary | {"item": take.item.name if take.item else nothing, "source": take.item.source if take.item else ""}


def _split_of(clip: int, settings: ComposeSettings) -> str:
    place = (0.5 + clip * _GOLDEN) % 1
    train, val, _ = settings.split_shares
    if place < train:
        return "train"
    return "val" if place < train + val else "test"


def _require_clips(clips: int, settings: ComposeSettings) -> None:
    wanted = {split for split, share in zip(SPLITS, settings.split_shares, strict=True) if share}
    have: set[str] = set()
    for clip in range(max(clips, 100_000)):
        have.add(_split_of(clip, settings))
        if wanted <= have:
            if clip + 1 > clips:
                raise DataError(f"clips must be at least {clip + 1}, so that every split gets one, got {clips}")
            return
