"""Drawings of footage: the film strip, attention over its frames, and the spectrogram."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray
from PIL import Image

from dmin.errors import DminError
from dmin.media.footage import TOP_HZ, mel
from dmin.report import style
from dmin.report.rows import dress_row
from dmin.results.footage import Footage

_RANGE_DB = 70.0
"""Levels below the loudest one that the colours tell apart."""
_LEAST_SPAN = 0.25
"""Attention that differs by less than this share of its mean is nearly even, and is not blown up to look decided."""
_FAINTEST = 0.12
"""Share of a picture that is left at relevance 0."""


def plot_film(footage: Footage, ax: Axes) -> None:
    """Draw frames side by side above their instants, each in its own proportions; time in seconds is the x-axis."""
    duration = footage.duration_seconds
    box = ax.get_window_extent()
    width, height = (max(pixels / ax.figure.dpi, 1e-3) for pixels in (box.width, box.height))  # inches
    for frame, instant in zip(footage.frames, footage.instants_seconds, strict=True):
        across, up = _fitted(frame, 0.985 * width / len(footage.frames), height)
        half_seconds, half = 0.5 * across / width * duration, 0.5 * up / height
        extent = (instant - half_seconds, instant + half_seconds, 0.5 - half, 0.5 + half)
        ax.imshow(frame, extent=extent, aspect="auto", interpolation="antialiased")
    dress_row(ax, duration)


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


def attended(footage: Footage, attention: NDArray[np.floating], relevance: NDArray[np.floating]) -> Footage:
    """Footage with each frame under its second's attention: attended places glow, others are a dim grey.

    Args:
        footage: Frames and their instants.
        attention: [T, H, W] of any scale.
        relevance: [T] in 0..1: frames of a second without relevance fade into the page, for where a network looks
            means little where it finds nothing.

    Raises:
        DminError: The attention is empty or has another shape.
    """
    if attention.ndim != 3 or not len(attention):
        raise DminError(f"attention is {list(attention.shape)}: must be [T, H, W] with a second or more")
    frames = []
    for frame, instant in zip(footage.frames, footage.instants_seconds, strict=True):
        second = min(int(instant), len(attention) - 1)
        warm = heat(attention[second])
        share = _FAINTEST + (1 - _FAINTEST) * float(relevance[second])
        picture = glow(frame, warm, 1 - warm).astype(np.float32)
        frames.append((255 + (picture - 255) * share).round().astype(np.uint8))
    return replace(footage, frames=tuple(frames))


def heat(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Attention weights [H, W] of any scale as heat in 0..1, even attention as 0; outliers do not dim the rest.

    Example:
        >>> heat(np.full((2, 2), 0.25)).max()
        np.float32(0.0)
        >>> heat(np.array([[0.1, 0.1], [0.1, 0.7]])).round(2).tolist()
        [[0.0, 0.0], [0.0, 1.0]]
    """
    weights = np.nan_to_num(np.asarray(weights, np.float32))
    low, high = np.quantile(weights, [0.05, 0.98])
    span = max(float(high - low), _LEAST_SPAN * float(np.abs(weights).mean()), 1e-12)
    warm: NDArray[np.float32] = np.clip((weights - low) / span, 0, 1).astype(np.float32)
    return warm


def glow(frame: NDArray[np.uint8], warm: NDArray[np.floating], cold: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A frame that glows where it is warm, fades to a dim grey where it is cold, and stays as it is elsewhere.

    Args:
        frame: [H, W, 3] RGB.
        warm: [h, w] in 0..1; enlarged bilinearly.
        cold: [h, w] in 0..1, likewise.

    Returns:
        [H, W, 3].
    """
    size = frame.shape[1::-1]
    small = (Image.fromarray(np.asarray(level, np.float32)) for level in (warm, cold))
    warm, cold = (np.asarray(level.resize(size, Image.Resampling.BILINEAR))[..., None] for level in small)  # [H, W, 1]
    picture = frame.astype(np.float32) / 255
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    dim = 0.55 * (0.7 * grey[..., None] + 0.3 * picture)
    fire = colormaps["inferno"](0.25 + 0.65 * warm[..., 0])[..., :3]
    base = picture + (dim - picture) * cold
    mixed = base + (fire - base) * (0.6 * warm)
    result: NDArray[np.uint8] = np.clip(255 * mixed, 0, 255).astype(np.uint8)
    return result


def plot_spectrogram(spectrogram_db: NDArray[np.floating] | None, duration_seconds: float, ax: Axes) -> None:
    """Draw the sound's mel bands over time, the loudest 70 dB of them.

    Args:
        spectrogram_db: [bands, columns]; None for a video without sound.
        duration_seconds: Length of the x-axis.
        ax: Axes to draw in.
    """
    if spectrogram_db is None or not spectrogram_db.size:
        dress_row(ax, duration_seconds, top=mel(TOP_HZ), frame=True)
        ax.text(0.5, 0.5, "no sound", transform=ax.transAxes, ha="center", va="center", color=style.MUTED)
        return
    # The quietest anybody could hear bounds the scale from below: silence must not be blown up into noise.
    top = max(float(np.quantile(spectrogram_db, 0.999)), -70.0)
    measured_seconds = max(1, int(duration_seconds + 0.5))  # a whole number, the last of them perhaps filled up
    ax.imshow(
        spectrogram_db, extent=(0, measured_seconds, 0, mel(TOP_HZ)), origin="lower", aspect="auto",
        cmap=style.SOUND_COLOURS, vmin=top - _RANGE_DB, vmax=top, interpolation="antialiased",
    )  # fmt: skip
    dress_row(ax, duration_seconds, top=mel(TOP_HZ), frame=True)
    ax.yaxis.tick_right()
    ax.yaxis.set_major_locator(FixedLocator([mel(hertz) for hertz in (250, 1000, 4000)]))
    ax.yaxis.set_major_formatter(FuncFormatter(_frequency))


def _frequency(mel: float, position: int | None = None) -> str:
    """Label of a place on the axis of mel bands."""
    hertz = round(700 * (10 ** (mel / 2595) - 1))
    return f"{hertz / 1000:g} kHz" if hertz >= 1000 else f"{hertz} Hz"
