"""Recordings made ready for composing: silence trimmed, levels equalised, short ones repeated to the time needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 44_100
"""Sampling rate of all waveforms here."""
LEVEL_DB = -20.0
"""Level, relative to full scale, that the loud frames of every sound are brought to."""
FLOOR_DB = -60.0
"""Whatever is below this, relative to full scale, counts as silence."""
LONGEST_PAUSE_SECONDS = 0.6
"""No pause within a repeated sound is longer: every whole second holds at least 0.4 s that are not pause."""

_FRAME = RATE_HZ // 20  # 50 ms
_RANGE_DB = 22.0  # frames this far below the loud ones count as pause
_FAINTEST_DB = 12.0  # no second's loudest frame is further below the whole sound's
_EDGE = RATE_HZ // 200  # 5 ms of fade where a sound is cut
_PEAK = 0.9

Waveform = NDArray[np.float32]


def frame_levels_db(waveform: Waveform) -> NDArray[np.float64]:
    """Level of each whole 50-ms frame, in dB relative to full scale (-120 for digital silence).

    Example:
        >>> frame_levels_db(np.repeat(np.float32([0.1, 0.0]), 2205)).round(3)
        array([ -20., -120.])
    """
    frames = len(waveform) // _FRAME
    power = (waveform[: frames * _FRAME].reshape(frames, _FRAME).astype(np.float64) ** 2).mean(1)
    return np.asarray(10 * np.log10(power + 1e-12))


def second_levels_db(waveform: Waveform) -> NDArray[np.float64]:
    """Level of the loudest 50-ms frame of each whole second, in dB relative to full scale."""
    seconds = len(waveform) // RATE_HZ
    levels = frame_levels_db(waveform[: seconds * RATE_HZ]).reshape(seconds, RATE_HZ // _FRAME)
    return np.asarray(levels.max(1))


def _audible_frames(waveform: Waveform) -> NDArray[np.bool_]:
    """Mark the 50-ms frames that are loud enough, compared with the sound's own loud ones, to be heard."""
    levels = frame_levels_db(waveform)
    heard = levels[levels > FLOOR_DB]
    if not len(heard):
        return np.zeros(len(levels), dtype=np.bool_)
    # The 95th percentile, not the maximum: one click must not make a whole recording count as pause.
    return levels > max(np.percentile(heard, 95) - _RANGE_DB, FLOOR_DB)


def audible_seconds(waveform: Waveform) -> float:
    """Seconds in which a recording is heard, without its pauses and padded silence.

    Example:
        >>> bark = np.concatenate([np.zeros(22050), np.full(8820, 0.5), np.zeros(22050)]).astype(np.float32)
        >>> audible_seconds(bark)
        0.2
    """
    return round(float(_audible_frames(_whole_frames(waveform)).sum()) * _FRAME / RATE_HZ, 6)


def trim(waveform: Waveform) -> Waveform:
    """Cut silence off both ends and shorten every inner pause to `LONGEST_PAUSE_SECONDS`.

    Args:
        waveform: A recording [S].

    Returns:
        What is left of it; empty if nothing is audible.
    """
    waveform = _whole_frames(waveform)
    audible = _audible_frames(waveform)
    if not audible.any():
        return np.zeros(0, np.float32)
    # A frame before each sound and one after: attack and decay are part of it.
    kept = audible | np.roll(audible, 1) | np.roll(audible, -1)
    kept[0], kept[-1] = audible[0] or audible[1 % len(kept)], audible[-1] or audible[-2 % len(kept)]
    longest = int(LONGEST_PAUSE_SECONDS * RATE_HZ / _FRAME) - 2  # the two frames beside a pause are nearly silent too
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    pieces = []
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        following = starts[place + 1] if place + 1 < len(starts) else end
        pieces.append(faded(waveform[start * _FRAME : min(following, end + longest) * _FRAME]))
    return np.concatenate(pieces)


def levelled(waveform: Waveform, level_db: float = LEVEL_DB) -> Waveform:
    """Scale a sound so that its loud frames have ``level_db``, or less where its peaks would clip."""
    levels = frame_levels_db(_whole_frames(waveform))
    gain = 10 ** ((level_db - np.percentile(levels[levels > levels.max() - _RANGE_DB], 95)) / 20)
    peak = float(np.abs(waveform).max())
    return np.asarray(waveform * min(gain, _PEAK / peak), np.float32)


def filled(waveform: Waveform, seconds: int, generator: np.random.Generator) -> Waveform:
    """Trim a recording, level it, and repeat it until it lasts ``seconds``, every one of which is audible.

    Steady sounds (rain, an engine) are joined by cross-fades; single ones (a bark) follow each other after a pause
    that leaves no second without sound.

    Args:
        waveform: A recording [S], as loaded.
        seconds: How long it must last.
        generator: Chooses where a long recording is entered and how long the pauses are.

    Raises:
        ValueError: Nothing in it is audible.
    """
    piece = trim(waveform)
    if not len(piece):
        raise ValueError("the sound is silent throughout")
    wanted = seconds * RATE_HZ
    if len(piece) > wanted:
        start = int(generator.integers(len(piece) - wanted + 1))
        piece = trim(piece[start : start + wanted])  # entered within a pause, it would begin with silence
    piece = levelled(piece)  # only now: a long recording may be entered where it is faint
    if len(piece) >= wanted:
        return faded(_evened(piece[:wanted]))
    steady = len(piece) > RATE_HZ and _audible_frames(piece).mean() > 0.9
    joined = [piece]
    length = len(piece)
    overlap = min(_FRAME, len(piece) // 2)
    while length < wanted:
        if steady:
            joined[-1], following = _cross_faded(joined[-1], piece, overlap)
            length += len(piece) - overlap
        else:
            # The frames that decay at the end of a piece and the one before its attack are nearly pause themselves.
            pause = generator.uniform(0.05, LONGEST_PAUSE_SECONDS - 3 * _FRAME / RATE_HZ)
            joined.append(np.zeros(int(pause * RATE_HZ), np.float32))
            following = piece
            length += len(joined[-1]) + len(piece)
        joined.append(following)
    return faded(_evened(np.concatenate(joined)[:wanted]))


def faded(waveform: Waveform, samples: int = _EDGE) -> Waveform:
    """Fade both ends in and out, so that a cut does not click."""
    faded = waveform.astype(np.float32)
    samples = min(samples, len(faded) // 2)
    ramp = np.linspace(0, 1, samples, dtype=np.float32)
    if samples:
        faded[:samples] *= ramp
        faded[-samples:] *= ramp[::-1]
    return faded


def noise(colour: str, samples: int, generator: np.random.Generator) -> Waveform:
    """Noise [S] of RMS 1, by shaping a white spectrum: "white", "pink", "brown" or "hum" (mains and its harmonics)."""
    if colour == "hum":
        mains_hz = generator.choice([50.0, 60.0])
        time = np.arange(samples) / RATE_HZ
        tones = sum(
            generator.uniform(0.2, 1) / order * np.sin(2 * np.pi * mains_hz * order * time + generator.uniform(0, 6.3))
            for order in range(1, 8)
        )
        return _unit(np.asarray(tones))
    slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[colour]
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    return _unit(np.fft.irfft(spectrum / np.maximum(frequency, 30.0) ** slope, samples))


def _unit(waveform: NDArray[np.float64]) -> Waveform:
    return np.asarray(waveform / (np.sqrt((waveform**2).mean()) + 1e-12), np.float32)


def _evened(waveform: Waveform) -> Waveform:
    """Raise the faint seconds of a levelled sound, so that noise mixed underneath does not drown them."""
    loudest = second_levels_db(waveform)  # [seconds]
    lift_db = np.clip(np.percentile(loudest, 90) - _FAINTEST_DB - loudest, 0, 20)
    if not lift_db.any():
        return waveform
    gain_db = np.interp(np.arange(len(waveform)) / RATE_HZ, np.arange(len(loudest)) + 0.5, lift_db)
    lifted = waveform * 10 ** (gain_db / 20)
    return np.asarray(lifted * min(1.0, _PEAK / float(np.abs(lifted).max())), np.float32)


def _whole_frames(waveform: Waveform) -> Waveform:
    """Pad with silence to whole frames."""
    return np.pad(waveform, (0, -len(waveform) % _FRAME))


def _cross_faded(one: Waveform, other: Waveform, overlap: int) -> tuple[Waveform, Waveform]:
    """Mix the end of ``one`` into the beginning of ``other``; their concatenation is the joined sound."""
    ramp = np.sqrt(np.linspace(0, 1, overlap, dtype=np.float32))
    mixed = one[-overlap:] * ramp[::-1] + other[:overlap] * ramp
    return one[:-overlap], np.concatenate([mixed, other[overlap:]])
