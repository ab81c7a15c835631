"""A few frames and a spectrogram of a recording: what a picture of it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


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
