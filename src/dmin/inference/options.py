"""Options of a call of `Localizer`, for the methods that pass them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from dmin.features.stream import MissingAudio
from dmin.inference.windows import Stretch
from dmin.models import DecoupledOutput, JointOutput
from dmin.progress import Progress

OnWindow = Callable[[Stretch, DecoupledOutput | JointOutput], None]
"""Told of each window as the network sees it, features included, and of the network's output, a batch of one."""


class Options(TypedDict, total=False):
    """All that may be left out; `Localizer.__call__` describes each."""

    threshold: float | None
    min_seconds: float
    missing_audio: MissingAudio
    progress: Progress
    on_window: OnWindow | None
