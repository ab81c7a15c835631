"""Draws spatial attention as heat over the frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from dmin.errors import DminError
from dmin.report.footage import plot_film
from dmin.results.footage import Footage

_LEAST_SPAN = 0.25
"""Attention that differs by less than this share of its mean is nearly even, and is not blown up to look decided."""


_FAINTEST = 0.12
"""Share of a picture that is left at relevance 0."""


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


def overlay(frame: NDArray[np.uint8], weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A frame whose attended places glow and whose others fade to a dim grey.

    Args:
        frame: [H, W, 3] RGB.
        weights: [h, w] attention of each region, e.g. 7 x 7; enlarged bilinearly.

    Returns:
        [H, W, 3].

    Raises:
        DminError: The shapes are not these.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or weights.ndim != 2:
        raise DminError(f"frame {list(frame.shape)} and weights {list(weights.shape)}: must be [H, W, 3] and [h, w]")
    warm = heat(weights)
    return glow(frame, warm, 1 - warm)


def glow(frame: NDArray[np.uint8], warm: NDArray[np.floating], cold: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A frame that glows where it is warm, fades to a dim grey where it is cold, and stays as it is elsewhere.

    Args:
        frame: [H, W, 3] RGB.
        warm: [h, w] in 0..1; enlarged bilinearly.
        cold: [h, w] in 0..1, likewise.

    Returns:
        [H, W, 3].
    """
    warm, cold = (_enlarged(level, frame)[..., None] for level in (warm, cold))  # [H, W, 1]
    picture = frame.astype(np.float32) / 255
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    dim = 0.55 * (0.7 * grey[..., None] + 0.3 * picture)
    fire = colormaps["inferno"](0.25 + 0.65 * warm[..., 0])[..., :3]
    base = picture + (dim - picture) * cold
    mixed = base + (fire - base) * (0.6 * warm)
    result: NDArray[np.uint8] = np.clip(255 * mixed, 0, 255).astype(np.uint8)
    return result


def _enlarged(level: NDArray[np.floating], frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = frame.shape[:2]
    small = Image.fromarray(np.asarray(level, np.float32))
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


def attended(
    footage: Footage, attention: NDArray[np.floating], relevance: NDArray[np.floating] | None = None
) -> Footage:
    """The same footage with each frame under its second's attention.

    Args:
        footage: Frames and their instants.
        attention: [T, H, W].
        relevance: [T] in 0..1: frames of a second without relevance fade into the page, for where a network looks
            means little where it finds nothing. Nothing fades by default.

    Raises:
        DminError: The attention is empty or has another shape.
    """
    if attention.ndim != 3 or not len(attention):
        raise DminError(f"attention is {list(attention.shape)}: must be [T, H, W] with a second or more")
    frames = []
    for frame, instant in zip(footage.frames, footage.instants_seconds, strict=True):
        second = min(int(instant), len(attention) - 1)
        picture = overlay(frame, attention[second])
        frames.append(picture if relevance is None else _faded(picture, float(relevance[second])))
    return replace(footage, frames=tuple(frames))


def _faded(picture: NDArray[np.uint8], relevance: float) -> NDArray[np.uint8]:
    """A picture that is whole at relevance 1 and a faint trace on the page at 0."""
    share = _FAINTEST + (1 - _FAINTEST) * relevance
    faded: NDArray[np.uint8] = (255 + (picture.astype(np.float32) - 255) * share).round().astype(np.uint8)
    return faded


def plot_attention(
    footage: Footage,
    attention: NDArray[np.floating],
    ax: Axes | None = None,
    relevance: NDArray[np.floating] | None = None,
) -> Axes:
    """A film strip with the attention [T, H, W] over its frames, faded by relevance [T] if that is given.

    Returns:
        The axes that were given, or new ones.
    """
    return plot_film(attended(footage, attention, relevance), ax)
