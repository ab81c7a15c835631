"""A few frames and a spectrogram of a video, gathered in one pass with little memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from dmin.media import Segments, Streams, decode, probe
from dmin.report import style

MOST_THUMBNAILS = 14
FEWEST_THUMBNAILS = 7
_THUMBNAIL_HEIGHT = 200
_RATE_HZ = 16_000
_TOP_HZ = _RATE_HZ / 2
_BANDS = 64
_WINDOW = 1024  # 64 ms at 16 kHz
_MOST_COLUMNS = 1600
"""A spectrogram with more columns would have more of them than the picture has pixels."""
_RANGE_DB = 70.0


@dataclass(frozen=True, eq=False)
class Footage:
    """Frames at evenly spaced instants, and the sound."""

    frames: tuple[NDArray[np.uint8], ...] = field(repr=False)
    """Each [H, W, 3] RGB."""
    instants_seconds: tuple[float, ...]
    """When each frame is shown."""
    spectrogram_db: NDArray[np.float32] | None = field(repr=False)
    """[bands, columns], mel bands from low to high over the whole duration; None without sound."""
    duration_seconds: float


def thumbnail_instants(duration_seconds: float) -> tuple[float, ...]:
    """One instant a second, in its middle; several where the video is very short, fewer where it is long.

    Example:
        >>> thumbnail_instants(1.0)[:2], len(thumbnail_instants(10.2)), len(thumbnail_instants(3600))
        ((0.07142857142857142, 0.21428571428571427), 10, 14)
    """
    seconds = max(1, int(duration_seconds + 0.5))
    count = min(MOST_THUMBNAILS, seconds * math.ceil(FEWEST_THUMBNAILS / seconds))
    return tuple((i + 0.5) * duration_seconds / count for i in range(count))


def watch(
    video: str | Path | Segments,
    *,
    streams: Streams | None = None,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
) -> Footage:
    """Go through a video once and keep what a picture of it needs; an hour takes no more memory than a minute.

    Args:
        video: A path, or segments that are already open (their frames' size and rates are taken as they are). A sound
            file gives footage without frames.
        streams: What of a path is wanted; all there is by default.
        start_seconds: Where the piece that is wanted of a path starts.
        end_seconds: Where it ends.

    Raises:
        MediaError: The video cannot be read.
    """
    segments = video if isinstance(video, Segments) else _open(video, streams, start_seconds, end_seconds)
    instants = thumbnail_instants(segments.duration_seconds) if segments.has_pictures else ()
    columns = columns_per_second(segments.count)
    frames: list[NDArray[np.uint8]] = []
    spectra: list[NDArray[np.float32]] = []
    for segment in segments:
        end = segment.index + 1 if segment.index + 1 < segments.count else math.inf
        while len(frames) < len(instants) and instants[len(frames)] < end:
            place = (instants[len(frames)] - segment.index) * len(segment.frames)
            frames.append(segment.frames[min(int(place), len(segment.frames) - 1)])
        if segments.has_audio:
            spectra.append(spectrogram(segment.waveform, segments.rate_hz, columns))
    sound = np.concatenate(spectra, axis=1) if spectra else None
    return Footage(tuple(frames), instants, sound, segments.duration_seconds)


def _open(video: str | Path, streams: Streams | None, start_seconds: float, end_seconds: float | None) -> Segments:
    info = probe(video)
    seconds = (info.duration_seconds if end_seconds is None else end_seconds) - start_seconds
    aspect = min(max(info.width * info.pixel_aspect / max(info.height, 1), 0.25), 4.0)
    rate = math.ceil(FEWEST_THUMBNAILS / max(1, int(seconds + 0.5)))
    size = (_THUMBNAIL_HEIGHT, round(_THUMBNAIL_HEIGHT * aspect))
    return decode(
        video,
        frames_per_second=rate,
        rate_hz=_RATE_HZ,
        frame_size=size,
        missing_audio="silence",
        streams=streams or ("both" if info.has_video else "sound"),
        start_seconds=start_seconds,
        end_seconds=end_seconds,
    )


def columns_per_second(seconds: int) -> int:
    """Columns of the spectrogram for each second: as many as a picture can show of so many seconds.

    Example:
        >>> columns_per_second(10), columns_per_second(60), columns_per_second(3600)
        (100, 25, 1)
    """
    return next((c for c in (100, 50, 25, 20, 10, 5, 4, 2) if c * seconds <= _MOST_COLUMNS), 1)


def spectrogram(waveform: NDArray[np.floating], rate_hz: int, columns: int) -> NDArray[np.float32]:
    """Loudness of one second of sound by mel band, in decibels below full scale.

    Args:
        waveform: [S] with S = ``rate_hz``, in -1..1.
        rate_hz: Samples in a second.
        columns: A divisor of 100; spectra are averaged in between.

    Returns:
        [bands, columns].
    """
    starts = np.linspace(0, len(waveform), 100, endpoint=False).astype(int)
    padded = np.pad(waveform, _WINDOW // 2, mode="reflect")
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[starts]  # [100, window]
    window = np.hanning(_WINDOW)
    amplitude = np.abs(np.fft.rfft(pieces * window)) / (window.sum() / 2)  # a full-scale sine has 1
    power = amplitude**2 @ _mel_filters(rate_hz).T  # [100, bands]
    mean = power.reshape(columns, -1, _BANDS).mean(1)
    decibels: NDArray[np.float32] = (10 * np.log10(mean.T + 1e-10)).astype(np.float32)
    return decibels


def _mel(frequency_hz: float) -> float:
    """The scale's formula as in HTK."""
    return 2595 * math.log10(1 + frequency_hz / 700)


def _mel_filters(rate_hz: int) -> NDArray[np.float64]:
    """[bands, window / 2 + 1]: overlapping triangles, evenly spaced in mel."""
    edges = 700 * (10 ** (np.linspace(0, _mel(_TOP_HZ), _BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(_WINDOW, 1 / rate_hz)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters: NDArray[np.float64] = np.clip(np.minimum(rising, falling), 0, None)
    # Low bands are narrower than a bin: none may stay empty.
    centres = np.abs(bins - edges[1:-1, None]).argmin(1)
    empty = filters.sum(1) == 0
    filters[empty, centres[empty]] = 1
    filters /= filters.sum(1, keepdims=True)
    return filters


def plot_film(footage: Footage, ax: Axes | None = None) -> Axes:
    """Frames side by side above their instants, each in its own proportions.

    Returns:
        The axes that were given, or new ones; time in seconds is the x-axis.
    """
    ax = style.dress(ax or style.new_axes(11, 1.4))
    duration = footage.duration_seconds
    width, height = _inches(ax)
    for frame, instant in zip(footage.frames, footage.instants_seconds, strict=True):
        across, up = _fitted(frame, 0.985 * width / len(footage.frames), height)
        half_seconds, half = 0.5 * across / width * duration, 0.5 * up / height
        box = (instant - half_seconds, instant + half_seconds, 0.5 - half, 0.5 + half)
        ax.imshow(frame, extent=box, aspect="auto", interpolation="antialiased")
    ax.set(xlim=(0, duration), ylim=(0, 1))
    ax.xaxis.set_major_locator(NullLocator())
    ax.yaxis.set_major_locator(NullLocator())
    return ax


def film_height(footage: Footage, width_inches: float, most_inches: float) -> float:
    """Height of a film strip in which the frames fill their width, within reason."""
    if not footage.frames:
        return most_inches
    return _fitted(footage.frames[0], 0.985 * width_inches / len(footage.frames), most_inches)[1]


def _fitted(frame: NDArray[np.uint8], width: float, height: float) -> tuple[float, float]:
    """Largest size with the frame's proportions within a width and a height."""
    aspect = frame.shape[1] / frame.shape[0]
    across = min(width, height * aspect)
    return across, across / aspect


def _inches(ax: Axes) -> tuple[float, float]:
    box = ax.get_window_extent()
    return max(box.width / ax.figure.dpi, 1e-3), max(box.height / ax.figure.dpi, 1e-3)


def plot_spectrogram(
    spectrogram_db: NDArray[np.floating] | None, duration_seconds: float, ax: Axes | None = None
) -> Axes:
    """The sound's mel bands over time, the loudest 70 dB of them.

    Args:
        spectrogram_db: [bands, columns]; None for a video without sound.
        duration_seconds: Length of the x-axis.
        ax: Axes to draw in.

    Returns:
        The axes that were given, or new ones.
    """
    ax = style.dress(ax or style.new_axes(11, 1.6), frame=True)
    ax.set(xlim=(0, duration_seconds), ylim=(0, _mel(_TOP_HZ)))
    ax.xaxis.set_major_locator(NullLocator())
    ax.yaxis.tick_right()
    ticks: Sequence[float] = [_mel(f) for f in (250, 1000, 4000)]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FuncFormatter(_frequency))
    if spectrogram_db is None or not spectrogram_db.size:
        ax.yaxis.set_major_locator(NullLocator())
        ax.text(0.5, 0.5, "no sound", transform=ax.transAxes, ha="center", va="center", color=style.MUTED)
        return ax
    # The quietest anybody could hear bounds the scale from below: silence must not be blown up into noise.
    top = max(float(np.quantile(spectrogram_db, 0.999)), -70.0)
    box = (0, spectrogram_db.shape[1] / _columns(spectrogram_db, duration_seconds), 0, _mel(_TOP_HZ))
    ax.imshow(
        spectrogram_db,
        extent=box,
        origin="lower",
        aspect="auto",
        cmap=style.SOUND_COLOURS,
        vmin=top - _RANGE_DB,
        vmax=top,
        interpolation="antialiased",
    )
    ax.set(xlim=(0, duration_seconds), ylim=(0, _mel(_TOP_HZ)))
    return ax


def _columns(spectrogram_db: NDArray[np.floating], duration_seconds: float) -> float:
    """Columns a second: a whole number of seconds was measured, the last of them perhaps filled up."""
    return float(spectrogram_db.shape[1] / max(1, int(duration_seconds + 0.5)))


def _frequency(mel: float, position: int | None = None) -> str:
    hertz = round(700 * (10 ** (mel / 2595) - 1))
    return f"{hertz / 1000:g} kHz" if hertz >= 1000 else f"{hertz} Hz"
