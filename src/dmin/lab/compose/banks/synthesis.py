"""Sounds made by code: a short recipe each, of random pitch, tempo and timbre, about five seconds long."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dmin.lab.compose.sound import RATE_HZ, Waveform, noise

SECONDS = 5
_SAMPLES = SECONDS * RATE_HZ
Signal = NDArray[np.float64]


def _time(seconds: float) -> Signal:
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def _tone(frequency_hz: Signal | float, samples: int, harmonics: dict[int, float] | None = None) -> Signal:
    """Tone [S] of steady or changing pitch; ``harmonics``: the strength of each multiple, the first alone if None."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(frequency_hz, samples)) / RATE_HZ
    tones = [strength * np.sin(order * phase) for order, strength in (harmonics or {1: 1.0}).items()]
    return np.asarray(np.sum(tones, axis=0))


def _placed(strokes: list[tuple[float, Signal]]) -> Waveform:
    """Lay strokes, each with its start in seconds, over one another."""
    track = np.zeros(_SAMPLES)
    for start_seconds, stroke in strokes:
        start = int(start_seconds * RATE_HZ)
        end = min(_SAMPLES, start + len(stroke))
        track[start:end] += stroke[: end - start]
    return _peaked(track)


def _peaked(track: Signal) -> Waveform:
    return np.asarray(0.6 * track / (np.abs(track).max() + 1e-9), np.float32)


def _starts(period: tuple[float, float], uneven: float, generator: np.random.Generator) -> list[float]:
    """Moments of strokes, a random period apart, each off by up to ``uneven`` periods."""
    every = generator.uniform(*period)
    count = int((SECONDS - 0.05) / every)
    return [(place + generator.uniform(0, uneven)) * every for place in range(count)]


def _band(low_hz: float, high_hz: float, samples: int, generator: np.random.Generator) -> Signal:
    """Noise of a band, RMS 1."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    shaped = np.fft.irfft(spectrum / (1 + (low_hz / np.maximum(hz, 1)) ** 6) / (1 + (hz / high_hz) ** 6), samples)
    return np.asarray(shaped / (shaped.std() + 1e-12))


def _wander(low: float, high: float, points: int, generator: np.random.Generator) -> Signal:
    """Slowly changing value [S]."""
    return np.interp(np.arange(_SAMPLES), np.linspace(0, _SAMPLES, points), generator.uniform(low, high, points))


def _bell(generator: np.random.Generator) -> Waveform:
    pitch_hz, decay = generator.uniform(350, 950), generator.uniform(1.0, 2.2)
    ratios = np.array([0.5, 1.0, 1.19, 1.5, 2.0, 2.67, 3.01, 4.16]) * generator.uniform(0.99, 1.01, 8)
    time = _time(1.9)
    strengths = generator.uniform(0.3, 1, 8)
    stroke = np.sum(
        [
            strength * np.sin(2 * np.pi * pitch_hz * ratio * time) * np.exp(-decay * time * (0.6 + ratio))
            for ratio, strength in zip(ratios, strengths, strict=True)
        ],
        axis=0,
    )
    return _placed([(start, stroke * generator.uniform(0.7, 1)) for start in _starts((0.6, 1.2), 0.08, generator)])


def _bird(generator: np.random.Generator) -> Waveform:
    base_hz, depth = generator.uniform(2200, 4500), generator.uniform(0.15, 0.5)
    strokes = []
    for start in _starts((0.14, 0.3), 0.25, generator):
        if generator.random() < 0.15:
            continue
        time = _time(generator.uniform(0.06, 0.13))
        sweep = base_hz * (
            1 + depth * np.sin(np.pi * time / time[-1] * generator.choice([0.5, 1, 2]) + generator.uniform(0, 3))
        )
        strokes.append((start, _tone(sweep, len(time), {1: 1.0, 2: 0.15}) * np.sin(np.pi * time / time[-1])))
    return _placed(strokes)


def _clock(generator: np.random.Generator) -> Waveform:
    pitches_hz = generator.uniform(1500, 4200) * np.array([1, generator.uniform(0.7, 0.95)])
    time = _time(0.06)
    strokes = []
    for place, start in enumerate(_starts((0.2, 0.5), 0.0, generator)):
        click = np.sin(2 * np.pi * pitches_hz[place % 2] * time) + 0.5 * generator.standard_normal(len(time))
        strokes.append((start, click * np.exp(-time * generator.uniform(110, 140))))
    return _placed(strokes)


def _drum(generator: np.random.Generator) -> Waveform:
    low_hz, snare = generator.uniform(60, 130), generator.uniform(0.1, 0.5)
    strokes = []
    for place, start in enumerate(_starts((0.2, 0.45), 0.04, generator)):
        time = _time(0.35)
        hit = _tone(low_hz * (1 + 0.8 * np.exp(-time * 30)), len(time)) * np.exp(-time * 11)
        rattle = _band(800, 6000, len(time), generator) * np.exp(-time * 22) * snare * (place % 2)
        strokes.append((start, (hit + rattle) * generator.uniform(0.6, 1)))
    return _placed(strokes)


def _car(generator: np.random.Generator) -> Waveform:
    turning_hz = generator.uniform(28, 60) * _wander(0.85, 1.2, 6, generator)
    strengths = {order: generator.uniform(0.4, 1) / order**0.7 for order in range(1, 14)}
    rumble = _tone(turning_hz, _SAMPLES, strengths)
    breath = _band(60, 1500, _SAMPLES, generator) * (1 + 0.6 * _tone(turning_hz, _SAMPLES))
    return _peaked(rumble / rumble.std() + generator.uniform(0.3, 0.7) * breath)


def _rain(generator: np.random.Generator) -> Waveform:
    low_hz = generator.uniform(400, 1500)
    patter = np.zeros(_SAMPLES)
    drops = generator.integers(_SAMPLES, size=int(generator.integers(300, 1500)))
    patter[drops] = generator.uniform(5, 40, len(drops))
    drop = np.exp(-_time(0.006) * 900) * np.sin(2 * np.pi * generator.uniform(2500, 6000) * _time(0.006))
    size = 1 << (_SAMPLES + len(drop)).bit_length()
    patter = np.fft.irfft(np.fft.rfft(patter, size) * np.fft.rfft(drop, size), size)[:_SAMPLES]
    return _peaked(_band(low_hz, generator.uniform(7000, 14000), _SAMPLES, generator) + 0.4 * patter)


def _robot(generator: np.random.Generator) -> Waveform:
    scale_hz = generator.uniform(300, 520) * 2 ** (np.array([0, 3, 5, 7, 10, 12, 15, 19]) / 12)
    harmonics = {1: 1.0, 3: 0.33, 5: 0.2, 7: 0.14} if generator.random() < 0.6 else {1: 1.0, 2: 0.5, 3: 0.3}
    length = generator.uniform(0.06, 0.13)
    strokes = []
    for start in _starts((0.1, 0.18), 0.0, generator):
        time = _time(length)
        pitch = float(generator.choice(scale_hz)) * (1 + generator.choice([0, 0, 0.4]) * time / length)
        strokes.append((start, _tone(pitch, len(time), harmonics) * np.minimum(1, np.sin(np.pi * time / time[-1]) * 6)))
    return _placed(strokes)


def _siren(generator: np.random.Generator) -> Waveform:
    time = _time(SECONDS)
    low_hz, high_hz, rate_hz = generator.uniform(450, 700), generator.uniform(950, 1500), generator.uniform(0.3, 1.2)
    kind = generator.integers(3)
    wave = np.sin(2 * np.pi * rate_hz * time)
    if kind == 0:  # two tones in turn
        wave = np.sign(wave)
        high_hz = low_hz * 1.34
    elif kind == 1:  # yelping
        wave = 2 * ((time * rate_hz * 3) % 1) - 1
    pitch = low_hz + (high_hz - low_hz) * (wave + 1) / 2
    return _peaked(_tone(pitch, _SAMPLES, {1: 1.0, 2: 0.5, 3: 0.4, 4: 0.15, 5: 0.1}))


def _wind(generator: np.random.Generator) -> Waveform:
    low = _band(120, generator.uniform(400, 900), _SAMPLES, generator)
    return _peaked(low * _wander(0.4, 1.0, 9, generator))


def _whistle(generator: np.random.Generator) -> Waveform:
    steady = _wander(0.7, 1.3, 7, generator) * generator.uniform(600, 1300)
    return _peaked(_tone(steady, _SAMPLES) + 0.05 * _band(500, 3000, _SAMPLES, generator))


def _strings(generator: np.random.Generator) -> Waveform:
    root_hz = generator.uniform(110, 260)
    strokes = []
    for start in _starts((0.25, 0.5), 0.05, generator):
        time = _time(1.2)
        pitch = root_hz * 2 ** (float(generator.choice([0, 4, 7, 12])) / 12)
        tone = np.sum(
            [np.sin(2 * np.pi * pitch * k * time) * np.exp(-time * (2 + 1.2 * k)) / k for k in range(1, 9)], axis=0
        )
        strokes.append((start, tone))
    return _placed(strokes)


def _organ(generator: np.random.Generator) -> Waveform:
    root_hz = generator.uniform(130, 330)
    chord = [1, 1.26, 1.5] if generator.random() < 0.5 else [1, 1.189, 1.498]
    return _peaked(
        np.sum([_tone(root_hz * ratio, _SAMPLES, {1: 1.0, 2: 0.7, 4: 0.4, 6: 0.2}) for ratio in chord], axis=0)
    )


def _crackle(generator: np.random.Generator) -> Waveform:
    strokes = []
    for start in generator.uniform(0, SECONDS - 0.1, int(generator.integers(40, 110))):
        time = _time(0.012)
        strokes.append(
            (float(start), generator.standard_normal(len(time)) * np.exp(-time * 350) * generator.uniform(0.2, 1))
        )
    return _peaked(_placed(strokes) + 0.02 * noise("pink", _SAMPLES, generator).astype(np.float64))


def _bubbles(generator: np.random.Generator) -> Waveform:
    strokes = []
    for start in _starts((0.07, 0.16), 0.5, generator):
        time = _time(generator.uniform(0.05, 0.11))
        pitch = generator.uniform(250, 700) * (1 + time * generator.uniform(6, 12))
        strokes.append((start, _tone(pitch, len(time)) * np.exp(-time * 28)))
    return _placed(strokes)


SYNTHESES: dict[str, Callable[[np.random.Generator], Waveform]] = {
    "Bell": _bell,
    "Bird": _bird,
    "Clock": _clock,
    "Drum": _drum,
    "Car": _car,
    "Rain": _rain,
    "Robot": _robot,
    "Siren": _siren,
    "Wind": _wind,
    "Whistle": _whistle,
    "Strings": _strings,
    "Organ": _organ,
    "Crackle": _crackle,
    "Bubbles": _bubbles,
}
"""Each sound's name and its recipe."""
