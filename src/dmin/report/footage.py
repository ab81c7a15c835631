"""Drawings of footage: the film strip and the spectrogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from dmin.media.footage import TOP_HZ, mel
from dmin.report import style
from dmin.results.footage import Footage

_RANGE_DB = 70.0
"""Levels below the loudest one that the colours tell apart."""


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
    ax.set(xlim=(0, duration_seconds), ylim=(0, mel(TOP_HZ)))
    ax.xaxis.set_major_locator(NullLocator())
    ax.yaxis.tick_right()
    ticks: Sequence[float] = [mel(f) for f in (250, 1000, 4000)]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FuncFormatter(_frequency))
    if spectrogram_db is None or not spectrogram_db.size:
        ax.yaxis.set_major_locator(NullLocator())
        ax.text(0.5, 0.5, "no sound", transform=ax.transAxes, ha="center", va="center", color=style.MUTED)
        return ax
    # The quietest anybody could hear bounds the scale from below: silence must not be blown up into noise.
    top = max(float(np.quantile(spectrogram_db, 0.999)), -70.0)
    box = (0, spectrogram_db.shape[1] / _columns(spectrogram_db, duration_seconds), 0, mel(TOP_HZ))
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
    ax.set(xlim=(0, duration_seconds), ylim=(0, mel(TOP_HZ)))
    return ax


def _columns(spectrogram_db: NDArray[np.floating], duration_seconds: float) -> float:
    """Columns a second: a whole number of seconds was measured, the last of them perhaps filled up."""
    return float(spectrogram_db.shape[1] / max(1, int(duration_seconds + 0.5)))


def _frequency(mel: float, position: int | None = None) -> str:
    hertz = round(700 * (10 ** (mel / 2595) - 1))
    return f"{hertz / 1000:g} kHz" if hertz >= 1000 else f"{hertz} Hz"
