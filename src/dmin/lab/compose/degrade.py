"""Bad recordings and bad pictures, made on purpose: what a network meets in people's videos. The truth stays true."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from dmin.lab.compose.banks.surfaces import colour
from dmin.lab.compose.sound import FLOOR_DB, RATE_HZ, Waveform, noise, second_levels_db

_HEARD_DB = 16.0  # seconds that are further below the loudest one hold no more than a bed of noise
_MOST_LOST_DB = 12.0  # by any of the others, through all faults together
_BED_DB = 6.0  # a bed of noise is at least this far below each of the others

Spectrum = NDArray[np.floating[Any]]


def degrade_sound(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    """Spoil a sound [S] of whole seconds as microphones, rooms and codecs do: by up to four faults.

    The faults: a band limit (telephone to 12 kHz), a tilted spectrum, a room's echo, a bed of noise 9 to 28 dB below
    the sound, gaps of at most 0.2 s, clipping. A second that was audible stays audible: a fault that would take
    it away, as a telephone takes a bird's voice, is left out.
    """
    faults = (_limit_band, _tilt, _echo, _add_noise, _cut_gaps, _clip)
    levels_db = second_levels_db(waveform)
    heard = _heard(levels_db)
    for index in sorted(generator.choice(len(faults), size=int(generator.integers(1, 5)), replace=False)):
        spoilt = faults[index](waveform, generator)
        if (second_levels_db(spoilt) > levels_db - _MOST_LOST_DB)[heard].all():
            waveform = spoilt
    peak = float(np.abs(waveform).max())
    return waveform if peak <= 1 else (waveform / peak).astype(np.float32)


def degrade_frames(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Spoil frames [N, H, W, 3], all alike, by one or two of: blur, odd light, JPEG, captions, a squeezed picture."""
    faults = (_squeeze, _blur, _relight, _compress, _caption)
    chosen = sorted(generator.choice(len(faults), size=int(generator.integers(1, 3)), replace=False))
    for index in chosen:
        frames = faults[index](frames, generator)
    return frames


def _limit_band(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    low_hz = float(generator.choice([0.0, 80.0, 200.0, 300.0]))
    high_hz = float(generator.choice([3_400.0, 5_500.0, 8_000.0, 12_000.0]))
    return _filtered(waveform, lambda hz: 1 / ((1 + (hz / high_hz) ** 16) * (1 + (low_hz / np.maximum(hz, 1)) ** 6)))


def _tilt(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    decibels = generator.uniform(-4, 4)  # per octave away from 1 kHz
    return _filtered(waveform, lambda hz: 10 ** (np.clip(decibels * np.log2(np.maximum(hz, 40) / 1000), -18, 18) / 20))


def _echo(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    # Short enough that a sound's end does not ring through the whole of the next second.
    decay_seconds = generator.uniform(0.08, 0.3)  # to -60 dB
    samples = int(decay_seconds * RATE_HZ)
    response = generator.standard_normal(samples) * np.exp(-6.9 * np.arange(samples) / samples)
    response *= generator.uniform(0.2, 0.7) / np.sqrt((response**2).sum())
    response[0] += 1
    size = len(waveform) + samples
    echoed = np.fft.irfft(np.fft.rfft(waveform, size) * np.fft.rfft(response, size), size)
    return echoed[: len(waveform)].astype(np.float32)


def _add_noise(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    loud = np.sqrt(np.percentile(waveform.astype(np.float64) ** 2, 95))
    bed = noise(str(generator.choice(["white", "pink", "brown"])), len(waveform), generator)
    level = max(loud, 1e-3) * 10 ** (-generator.uniform(9, 28) / 20)
    levels_db = second_levels_db(waveform)
    faintest_db = levels_db.min(initial=0, where=_heard(levels_db))
    return waveform + bed * np.float32(min(level, 10 ** ((faintest_db - _BED_DB) / 20)))


def _heard(levels_db: NDArray[np.float64]) -> NDArray[np.bool_]:
    """In which seconds something is heard."""
    return np.asarray(levels_db > max(levels_db.max(initial=FLOOR_DB) - _HEARD_DB, FLOOR_DB))


def _cut_gaps(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    cut = waveform.copy()
    for _ in range(int(generator.integers(2, 9))):
        length = int(generator.uniform(0.03, 0.2) * RATE_HZ)
        start = int(generator.integers(max(1, len(cut) - length)))
        cut[start : start + length] *= 0.05
    return cut


def _clip(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    limit = float(np.percentile(np.abs(waveform), generator.uniform(96, 99.7))) + 1e-4
    return np.clip(waveform, -limit, limit).astype(np.float32)


def _filtered(waveform: Waveform, gain: Callable[[Spectrum], Spectrum]) -> Waveform:
    spectrum = np.fft.rfft(waveform)
    hz = np.fft.rfftfreq(len(waveform), 1 / RATE_HZ)
    return np.fft.irfft(spectrum * gain(hz), len(waveform)).astype(np.float32)


def _squeeze(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Show a narrower or lower window stretched to the whole frame, as other aspect ratios end up."""
    _, height, width, _ = frames.shape
    narrow = generator.uniform(0.72, 0.95)
    kept_width, kept_height = (
        (int(width * narrow), height) if generator.random() < 0.5 else (width, int(height * narrow))
    )
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    box = (left, top, left + kept_width, top + kept_height)
    return _each(frames, lambda image: image.resize((width, height), Image.Resampling.BILINEAR, box=box))


def _blur(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    radius = generator.uniform(0.5, 2.2)
    return _each(frames, lambda image: image.filter(ImageFilter.GaussianBlur(radius)))


def _relight(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    gain = generator.uniform(0.7, 1.35) * generator.uniform(0.88, 1.12, 3)  # a colour cast too
    gamma = generator.uniform(0.75, 1.3)
    table = 255 * np.clip(np.linspace(0, 1, 256)[:, None] ** gamma * gain, 0, 1)  # [256, 3]
    return np.stack([table[:, channel].astype(np.uint8)[frames[..., channel]] for channel in range(3)], axis=-1)


def _compress(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    quality = int(generator.integers(8, 35))

    def through_jpeg(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)  # read by the caller, from memory

    return _each(frames, through_jpeg)


def _caption(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Lay bars and words over the lower or upper edge, as broadcasters and phones do."""
    _, height, width, _ = frames.shape
    bar = int(height * generator.uniform(0.1, 0.2))
    top = height - bar if generator.random() < 0.6 else 0
    words = "".join(generator.choice(list("abcdefghij KLMNO 0123 :"), size=int(generator.integers(8, 24))))
    back = colour(generator.random(), generator.random(), generator.uniform(0, 0.6))
    see_through = generator.uniform(0.5, 1.0)

    def captioned(image: Image.Image) -> Image.Image:
        over = image.copy()
        draw = ImageDraw.Draw(over)
        draw.rectangle([0, top, width, top + bar], fill=back)
        draw.text((width * 0.05, top + bar * 0.2), words, fill=(240, 240, 230), font_size=max(8, bar * 0.6))
        return Image.blend(image, over, see_through)

    return _each(frames, captioned)


def _each(frames: NDArray[np.uint8], change: Callable[[Image.Image], Image.Image]) -> NDArray[np.uint8]:
    return np.stack([np.asarray(change(Image.fromarray(pixels))) for pixels in frames])
