"""The bank of a folder: `pictures/CATEGORY/*` and `sounds/CATEGORY/*`, one's own photographs and recordings."""

from __future__ import annotations

import csv
import hashlib
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmin.data.annotations import BACKGROUND
from dmin.errors import DataError, DminError
from dmin.lab.compose.banks.bank import FEWEST_SOURCES, Item
from dmin.lab.compose.banks.files import AUDIO_SUFFIXES, IMAGE_SUFFIXES, read_picture, read_sound
from dmin.lab.compose.sound import audible_seconds

_ESC_NAME = re.compile(r"(\d+-\d+)-[A-Za-z](-\d+)?")
_PERSON_NAME = re.compile(r"([A-Za-z]+)-\d+")
_LAYOUT = (
    "a bank holds pictures/CATEGORY/* and sounds/CATEGORY/*, and may hold negatives/pictures/* and negatives/sounds/*"
)
_SOURCES_FILE = "sources.csv"
_SHORTEST_SECONDS = 0.05


@dataclass(frozen=True)
class FolderBank:
    """Pictures and sounds in a folder; see `open_folder` for its layout."""

    folder: Path
    """Path of the folder."""
    all_pictures: Mapping[str, tuple[Item, ...]] = field(repr=False)
    """Readable pictures by category, "Background" included."""
    all_sounds: Mapping[str, tuple[Item, ...]] = field(repr=False)
    """Audible sounds by category, "Background" included."""

    @property
    def name(self) -> str:
        """Name of the bank."""
        return "folder"

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the folders, sorted."""
        return tuple(category for category in self.all_pictures if category != BACKGROUND)

    def pictures(self, category: str) -> tuple[Item, ...]:
        """Pictures of a category; "Background" gives the negatives."""
        return self.all_pictures[category]

    def sounds(self, category: str) -> tuple[Item, ...]:
        """Sounds of a category; "Background" gives the negatives."""
        return self.all_sounds[category]

    def load_picture(self, item: Item) -> NDArray[np.uint8]:
        """Pixels [H, W, 3]."""
        return read_picture(self.folder / item.name)

    def load_sound(self, item: Item) -> NDArray[np.float32]:
        """Waveform [S] at 44.1 kHz."""
        return read_sound(self.folder / item.name)


def open_folder(folder: str | Path) -> FolderBank:
    """Open a folder of pictures and sounds, reading every file once; what cannot be read is left out with a warning.

    Which files are of one source, and so stay in one split, is taken from their names:

    * ``fold-source-take``, as ESC-50 names its recordings (``2-122104-B``): the recording is ``2-122104``;
    * ``name-number``, letters before the dash, if a folder has three or more such names (``george-03``,
      ``lucas-11``, ...): a speaker's or a player's takes;
    * else every file is a source of its own;
    * lines ``file,source`` of an optional ``sources.csv`` in the bank's folder (``sounds/Dog/rex1.wav,rex``) overrule
      the names;
    * sources that have files of equal content are one source, whatever their names.

    Raises:
        DataError: A folder is missing or empty, or a category has pictures without sounds, or fewer than three sources
            of either.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"bank folder {folder} is not a folder: {_LAYOUT}")
    for part in ("pictures", "sounds"):
        if not (folder / part).is_dir():
            raise DataError(f"bank {folder} has no folder {part!r}: {_LAYOUT}")
    names = {part: _subfolders(folder / part) for part in ("pictures", "sounds")}
    for one, other in (("pictures", "sounds"), ("sounds", "pictures")):
        lonely = sorted(set(names[one]) - set(names[other]))
        if lonely:
            raise DataError(
                f"bank {folder}: {', '.join(lonely)} has {one} but no {other}: add {other}/{lonely[0]}/*, or remove it"
            )
    categories = names["pictures"]
    if len(categories) < 2:
        raise DataError(f"bank {folder} has {len(categories)} categories: at least 2 are needed; {_LAYOUT}")
    given = _given_sources(folder)
    files: dict[tuple[str, str], list[Path]] = {}
    for part in ("pictures", "sounds"):
        files |= {(part, category): _usable(folder / part / category, part) for category in categories}
        files[part, BACKGROUND] = _usable(folder / "negatives" / part, part)
    items = _items(folder, files, given)
    for (part, category), group in items.items():
        if category != BACKGROUND:
            _require_sources(folder, part, category, group)
    pictures, sounds = (
        {category: items[part, category] for category in (*categories, BACKGROUND)} for part in ("pictures", "sounds")
    )
    return FolderBank(folder, pictures, sounds)


def _subfolders(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    for name in names:
        if "&" in name or name != name.strip() or name.casefold() == BACKGROUND.casefold():
            raise DataError(
                f"{folder / name}: a category's name has no '&', no outer spaces, and is not {BACKGROUND!r}: rename it"
            )
    return names


def _usable(folder: Path, part: str) -> list[Path]:
    """List the files of a folder that can be read; warn of the others."""
    suffixes, check = (IMAGE_SUFFIXES, _check_picture) if part == "pictures" else (AUDIO_SUFFIXES, _check_sound)
    usable = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith(".") or path.suffix.lower() not in suffixes:
            continue
        try:
            check(path)
        except DminError as error:
            warnings.warn(f"left out of the bank: {error}", stacklevel=4)
        else:
            usable.append(path)
    return usable


def _check_picture(path: Path) -> None:
    height, width, _ = read_picture(path).shape
    if min(height, width) < 16:
        raise DataError(f"{path} is {width} x {height} pixels: at least 16 x 16 are needed")


def _check_sound(path: Path) -> None:
    if audible_seconds(read_sound(path)) < _SHORTEST_SECONDS:
        raise DataError(f"{path} is silent: a sound needs something to hear")


def _items(
    folder: Path, files: Mapping[tuple[str, str], Sequence[Path]], given: Mapping[str, str]
) -> dict[tuple[str, str], tuple[Item, ...]]:
    """Make items of the files of each part and category, with their sources."""
    items: dict[tuple[str, str], list[Item]] = {}
    contents: list[tuple[str, bytes]] = []
    for (part, category), paths in files.items():
        sources = name_sources([path.stem for path in paths])
        items[part, category] = []
        for path in paths:
            name = path.relative_to(folder).as_posix()
            # A name that stands for itself must not meet the same name in another category's folder.
            source = given.get(name) or (sources[path.stem] if sources[path.stem] != path.stem else name)
            items[part, category].append(Item(name, category, source))
            contents.append((source, hashlib.sha256(path.read_bytes()).digest()))
    joined = _joined(contents)
    return {place: tuple(replace(item, source=joined[item.source]) for item in group) for place, group in items.items()}


def _joined(contents: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """For each source, the one it goes by: two that have a file in common are one, and so are all their other files."""
    joined: dict[str, str] = {}
    first_with: dict[bytes, str] = {}

    def leader(source: str) -> str:
        while source != joined.setdefault(source, source):
            source = joined[source]
        return source

    for source, content in contents:
        joined[leader(source)] = leader(first_with.setdefault(content, source))
    return {source: leader(source) for source in joined}


def name_sources(stems: Sequence[str]) -> dict[str, str]:
    """Tell the sources of one folder's files from their names without suffix; see `open_folder` for the rule.

    Example:
        >>> name_sources(["2-122104-A", "2-122104-B", "gm065-10"])
        {'2-122104-A': '2-122104', '2-122104-B': '2-122104', 'gm065-10': 'gm065-10'}
        >>> name_sources(["george-03", "george-06", "jackson-01", "lucas-02"])
        {'george-03': 'george', 'george-06': 'george', 'jackson-01': 'jackson', 'lucas-02': 'lucas'}
        >>> name_sources(["dog-01", "dog-02"])
        {'dog-01': 'dog-01', 'dog-02': 'dog-02'}
    """
    people = {match[1] for stem in stems if (match := _PERSON_NAME.fullmatch(stem))}
    sources = {}
    for stem in stems:
        recording, person = _ESC_NAME.fullmatch(stem), _PERSON_NAME.fullmatch(stem)
        if recording:
            sources[stem] = recording[1]
        elif person and len(people) >= FEWEST_SOURCES:
            sources[stem] = person[1]
        else:
            sources[stem] = stem
    return sources


def _given_sources(folder: Path) -> dict[str, str]:
    path = folder / _SOURCES_FILE
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not all(row):
            raise DataError(
                f"{path}, row {number}: got {','.join(row)!r}: write file,source, e.g. sounds/Dog/a.wav,rex"
            )
        if row != ["file", "source"] and not (folder / row[0]).is_file():
            raise DataError(f"{path}, row {number}: {row[0]} is not a file of the bank: write its path below {folder}")
    return {name: source for name, source in rows if [name, source] != ["file", "source"]}


def _require_sources(folder: Path, part: str, category: str, items: Sequence[Item]) -> None:
    sources = {item.source for item in items}
    if len(sources) < FEWEST_SOURCES:
        raise DataError(
            f"bank {folder}: {part}/{category} has {len(items)} usable files from {len(sources)} sources: at least "
            f"{FEWEST_SOURCES} sources are needed, one for each of train, val and test (if files of different sources "
            f"look alike by name, say so in {_SOURCES_FILE})"
        )
