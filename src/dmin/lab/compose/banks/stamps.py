"""The bank of Debian's drawing stamps: cut-out photographs of animals and things, many with a recording."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dmin.data.annotations import BACKGROUND
from dmin.errors import DataError
from dmin.lab.compose.banks.bank import Item
from dmin.lab.compose.banks.drawing import HEIGHT, WIDTH
from dmin.lab.compose.banks.files import open_picture, read_sound
from dmin.lab.compose.banks.pen import place
from dmin.lab.compose.banks.surfaces import surface
from dmin.lab.compose.sound import audible_seconds, frame_levels_db

STAMPS_FOLDER = Path("/usr/share/tuxpaint/stamps")
"""Folder in which Debian's package puts them."""
MOST_CATEGORIES = 28
"""As many as AVE has."""
VARIANTS = 24
"""Pictures, and sounds, that are made of one stamp."""

_INSTALL = "run `apt-get install tuxpaint-stamps-default`, or name the folder of its stamps"
_SMALLEST_SIDE = 80  # pixels
_FEWEST = 2


@dataclass(frozen=True)
class StampsBank:
    """Stamps with a sound as categories. Each has one photograph and one recording only.

    So "held out" means less here than in the other banks: a test picture is another view of the *same* cut-out (other
    ground, place, size, rotation, colours, side), a test sound another playing of the *same* recording (other speed,
    equaliser and entry). What is measured is recognition under such changes, among clips whose hard cases are new; it
    is not recognition of another tiger.

    Which stamps are categories is a rule: PNG pictures of at least 80 x 80 pixels with a sound of the same name beside
    them, outside ``symbols`` (whose sounds are spoken names); of these the 28 that are heard longest, equal recordings
    and equal names taken once. The remaining sounds are negatives, and so are silent stamps of folders that hold no
    category (a category's neighbours often look like it).
    """

    folder: Path
    """Folder of the stamps."""
    stamps: Mapping[str, str] = field(repr=False)
    """Path below the folder, without suffix, of each category's stamp."""
    other_pictures: tuple[str, ...] = field(repr=False)
    """Paths below the folder, without suffix, of silent stamps."""
    other_sounds: tuple[str, ...] = field(repr=False)
    """Paths below the folder, without suffix, of the other stamps with sounds."""

    @property
    def name(self) -> str:
        """Name of the bank."""
        return "stamps"

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of stamps, sorted."""
        return tuple(self.stamps)

    def pictures(self, category: str) -> tuple[Item, ...]:
        """Views of a category's stamp; "Background" gives one view of each silent stamp."""
        return self._items("picture", category, self.other_pictures)

    def sounds(self, category: str) -> tuple[Item, ...]:
        """Playings of a category's sound; "Background" gives one playing of each other sound."""
        return self._items("sound", category, self.other_sounds)

    def load_picture(self, item: Item) -> NDArray[np.uint8]:
        """Pixels [H, W, 3]."""
        generator = _generator(item)
        stamp = open_picture(self._path(item, (".png",)), "RGBA")
        if generator.random() < 0.5:
            stamp = stamp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        # The three colours lighter or darker, each a little by itself.
        gains = np.append(generator.uniform(0.8, 1.2) * generator.uniform(0.92, 1.08, 3), 1.0)  # [4], opacity last
        tinted = np.clip(np.asarray(stamp, np.float32) * gains, 0, 255).astype(np.uint8)
        ground = Image.fromarray(surface(WIDTH, HEIGHT, generator))
        place(Image.fromarray(tinted), ground, generator.uniform(0.6, 0.9), generator)
        return np.asarray(ground)

    def load_sound(self, item: Item) -> NDArray[np.float32]:
        """Waveform [S] at 44.1 kHz."""
        generator = _generator(item)
        waveform = read_sound(self._path(item, (".ogg", ".wav")))
        speed = generator.uniform(0.94, 1.06)
        played = np.interp(np.arange(0, len(waveform) - 1, speed), np.arange(len(waveform)), waveform)
        # A first difference, more or less of it: brighter or duller.
        brighter = generator.uniform(-0.3, 0.3)
        return np.asarray(played + brighter * np.diff(played, prepend=played[:1]) * 4, dtype=np.float32)

    def _items(self, kind: str, category: str, others: Sequence[str]) -> tuple[Item, ...]:
        if category == BACKGROUND:
            return tuple(Item(f"{kind}:{stamp}", BACKGROUND, f"{kind}:{stamp}") for stamp in others)
        names = [f"{kind}:{self.stamps[category]}#{variant:02d}" for variant in range(VARIANTS)]
        return tuple(Item(name, category, name) for name in names)

    def _path(self, item: Item, suffixes: tuple[str, ...]) -> Path:
        stamp = self.folder / item.name.partition(":")[2].partition("#")[0]
        return _existing(stamp, suffixes) or stamp.with_name(stamp.name + suffixes[0])


def open_stamps(folder: str | Path | None = None) -> StampsBank:
    """Open the stamps, by default where Debian's package puts them; see `StampsBank` for what becomes a category.

    Raises:
        DataError: They are not there (the message holds the install command), or too few have sounds.
    """
    folder = Path(folder or STAMPS_FOLDER)
    if not folder.is_dir():
        raise DataError(f"no stamps in {folder}: {_INSTALL}")
    # Sorted, with "/" whatever the system: the rule must choose the same stamps everywhere.
    pictures = sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.png"))
    pictures = [
        stamp for stamp in pictures if not stamp.startswith("symbols/") and _large_enough(folder / f"{stamp}.png")
    ]
    sounding = _sounding(folder, pictures)
    named: dict[str, str] = {}
    for stamp in sorted(sounding, key=lambda stamp: (-sounding[stamp], stamp)):
        if _title(stamp) not in named and len(named) < MOST_CATEGORIES:
            named[_title(stamp)] = stamp
    if len(named) < _FEWEST:
        raise DataError(f"{folder} has {len(named)} stamps with a sound, at least {_FEWEST} are needed: {_INSTALL}")
    occupied = {Path(stamp).parent for stamp in named.values()}
    silent = [
        stamp
        for stamp in pictures
        if Path(stamp).parent not in occupied and not _existing(folder / stamp, (".ogg", ".wav"))
    ]
    others = tuple(stamp for stamp in sounding if _title(stamp) not in named)  # a category's namesake sounds like it
    return StampsBank(folder, dict(sorted(named.items())), tuple(silent), others)


def _title(stamp: str) -> str:
    """Read a stamp's category from its file's name."""
    return Path(stamp).name.replace("_", " ").replace("-", " ").capitalize()


def _sounding(folder: Path, stamps: Sequence[str]) -> dict[str, float]:
    """Audible seconds of the stamps that have a sound of their own."""
    heard: dict[str, float] = {}
    known: set[tuple[int, ...]] = set()
    for stamp in stamps:
        path = _existing(folder / stamp, (".ogg", ".wav"))
        if path is None:
            continue
        waveform = read_sound(path)
        # Some recordings were stored twice with other tags; their levels tell.
        levels = tuple(frame_levels_db(waveform).round().astype(int).tolist())
        seconds = audible_seconds(waveform)
        if seconds and levels not in known:
            known.add(levels)
            heard[stamp] = seconds
    return heard


def _existing(stamp: Path, suffixes: tuple[str, ...]) -> Path | None:
    """The stamp's first file that exists, among these suffixes."""
    paths = (stamp.with_name(stamp.name + suffix) for suffix in suffixes)
    return next((path for path in paths if path.is_file()), None)


def _large_enough(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return min(image.size) >= _SMALLEST_SIDE
    except (OSError, SyntaxError, ValueError):
        return False


def _generator(item: Item) -> np.random.Generator:
    return np.random.default_rng([*hashlib.sha256(item.name.encode()).digest()[:8]])
