"""A bank whose every picture is one colour and whose every sound is one tone: what a clip shows and sounds like can be
told from its pixels and its spectrum alone. And a bank of names only, for scripts that nobody renders."""

from __future__ import annotations

import colorsys
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dmin.data.annotations import BACKGROUND
from dmin.lab.compose.banks import Item

RATE_HZ = 44_100
CATEGORIES = ("Ape", "Bee", "Cow")
EACH = 4
NEGATIVES = 3

_PLACES = [(category, number) for category in CATEGORIES for number in range(EACH)]
_PLACES += [(BACKGROUND, number) for number in range(NEGATIVES)]
HUES = {place: index / len(_PLACES) for index, place in enumerate(_PLACES)}
TONES_HZ = {place: 600 * 1.19**index for index, place in enumerate(_PLACES)}


def tone(hz: float, seconds: float, strength: float = 0.3) -> NDArray[np.float32]:
    return (strength * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def write_wav(path: Path, waveform: NDArray[np.float32]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((waveform * 32767).astype("<i2").tobytes())
    return path


def write_picture(path: Path, hue: float, size: tuple[int, int] = (64, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    red, green, blue = (round(255 * value) for value in colorsys.hsv_to_rgb(hue, 0.95, 0.75))
    Image.new("RGB", size, (red, green, blue)).save(path)
    return path


def write_bank(folder: Path) -> Path:
    """Pictures of one colour, sounds of one tone: short ones, long ones, and short ones padded with silence."""
    for (category, number), hue in HUES.items():
        within = "negatives/{}" if category == BACKGROUND else f"{{}}/{category}"
        write_picture(folder / within.format("pictures") / f"p{number}.png", hue)
        sound = tone(TONES_HZ[category, number], (0.3, 2.5, 0.8, 14)[number])
        padded = (silence(0), silence(1.7), silence(3))[number % 3]
        write_wav(folder / within.format("sounds") / f"s{number}.wav", np.concatenate([padded, sound, padded]))
    return folder


def place_of(item: Item) -> tuple[str, int]:
    """Which colour or tone an item of the bank above has: its key in `HUES` and `TONES_HZ`."""
    return item.category, int(Path(item.name).stem[1:])


def shown(frame: NDArray[np.uint8]) -> tuple[str, int] | None:
    """Which picture of the bank a frame [H, W, 3] shows; None for a plain surface, whose colours are never as pure."""
    height, width, _ = frame.shape
    middle = frame[height // 3 : -height // 3, width // 3 : -width // 3].reshape(-1, 3)
    red, green, blue = np.median(middle, axis=0) / 255
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if saturation < 0.8 or saturation * value < 0.4:
        return None
    return min(HUES, key=lambda place: abs((HUES[place] - hue + 0.5) % 1 - 0.5))


def heard(waveform: NDArray[np.float32]) -> tuple[str, int] | None:
    """Which tone of the bank dominates a second's middle [S]; None if it is silent or noise."""
    middle = waveform[RATE_HZ // 10 : -RATE_HZ // 10].astype(np.float64)
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2 / (len(middle) ** 2 * 3 / 16)
    hz = np.fft.rfftfreq(len(middle), 1 / RATE_HZ)
    power[hz < 500] = 0  # mains hum
    peak_hz = hz[power.argmax()]
    if power.sum() < 1e-5 or power[np.abs(hz - peak_hz) < 15].sum() < 0.5 * power.sum():
        return None
    place = min(TONES_HZ, key=lambda place: abs(TONES_HZ[place] - peak_hz))
    assert abs(TONES_HZ[place] / peak_hz - 1) < 0.02
    return place


@dataclass(frozen=True)
class NamesBank:
    """A bank of items without content."""

    all_pictures: Mapping[str, tuple[Item, ...]]
    all_sounds: Mapping[str, tuple[Item, ...]]
    name = "names"

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(name for name in self.all_pictures if name != BACKGROUND)

    def pictures(self, category: str) -> tuple[Item, ...]:
        return self.all_pictures.get(category, ())

    def sounds(self, category: str) -> tuple[Item, ...]:
        return self.all_sounds.get(category, ())


def names_bank(*, each: int = 6, negatives: int = 4, sources: int | None = None) -> NamesBank:
    """Items by count; ``sources``: how many sources those of one category have, each its own if None."""

    def items(kind: str) -> dict[str, tuple[Item, ...]]:
        counts = dict.fromkeys(CATEGORIES, each) | {BACKGROUND: negatives}
        return {
            category: tuple(
                Item(f"{kind}/{category}/{n}", category, f"{kind}/{category}/{n % sources if sources else n}")
                for n in range(count)
            )
            for category, count in counts.items()
        }

    return NamesBank(items("pictures"), items("sounds"))
