"""An answer and footage, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from dmin.media.footage import thumbnail_instants
from dmin.report import style
from dmin.results.events import Event, Events, Second
from dmin.results.footage import Footage

CATEGORIES = ("Dog", "Bell", "Male speech, man speaking")


def drawn(plot: Callable[..., None], *values: Any) -> Axes:
    """Axes of their own, with what a function plots into them."""
    ax = style.new_axes(11, 1.6)
    plot(*values, ax)
    return ax


def answer(
    *found: Event,
    seconds: int = 10,
    duration_seconds: float | None = None,
    video: str = "holiday.mp4",
    attention: bool = False,
    threshold: float = 0.5,
) -> Events:
    """Events as a model would give them: relevance is 0.9 inside of events, 0.1 elsewhere."""
    inside = [any(e.start_seconds <= t < e.end_seconds for e in found) for t in range(seconds)]
    scores = {name: 0.8 if name == "Dog" else 0.1 for name in CATEGORIES}
    rows = tuple(Second(float(t), 0.9 if inside[t] else 0.1, "Dog", scores) for t in range(seconds))
    weights = np.random.default_rng(0).random((seconds, 7, 7)).astype(np.float32) if attention else None
    return Events(video, duration_seconds or float(seconds), "starter", threshold, rows, found, weights)


def film(duration_seconds: float = 10.0, height: int = 36, width: int = 64, sound: bool = True) -> Footage:
    """Grey frames and a spectrogram that grows louder."""
    instants = thumbnail_instants(duration_seconds)
    frames = tuple(np.full((height, width, 3), 20 + 10 * i, np.uint8) for i in range(len(instants)))
    loudness = np.linspace(-80, 0, 64 * 50, dtype=np.float32).reshape(64, 50)
    return Footage(frames, instants, loudness if sound else None, duration_seconds)
