"""What an audio backbone makes of a recording: each second alone, or in its surroundings."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dmin.backbones import Backbone

Sound = NDArray[np.float32]
"""[S], one second."""


class Hearing:
    """Takes a recording second by second, and gives the vectors of seconds whose surroundings have been heard.

    Seconds that a backbone hears alone come back at once. Others wait: for the second half of a window that is centred
    on them, or for the end of a block of a frame-wise backbone.

    Args:
        backbone: Its card says what it hears of a second's surroundings.
    """

    def __init__(self, backbone: Backbone) -> None:
        card = backbone.card
        self._backbone = backbone
        self._frame_wise = card.frame_wise
        self._rate_hz = card.rate_hz
        self._samples = round(card.context_seconds * card.rate_hz)
        # Seconds on either side of a second that its window reaches into; a block has none.
        self._reach = 0 if card.frame_wise else max(0, math.ceil((card.context_seconds - 1) / 2))
        length = max(1, int(card.context_seconds)) if card.frame_wise else 2 * self._reach + 1
        silence = [np.zeros(card.rate_hz, np.float32)] * self._reach
        self._held: deque[Sound] = deque(silence, maxlen=length)
        self._new = 0
        """Held seconds of a block whose vectors have not been given."""

    def hear(self, seconds: Sequence[Sound]) -> Tensor:
        """Take the next seconds, and give vectors [K, D_a] of the next seconds that are ready; K may be 0."""
        if self._frame_wise:
            return self._joined([rows for second in seconds if (rows := self._in_block(second)) is not None])
        windows = []
        for second in seconds:
            self._held.append(second)
            if len(self._held) == self._held.maxlen:
                windows.append(self._window())
        return self._vectors(np.stack(windows)) if windows else self._joined([])

    def end(self) -> Tensor:
        """Give the vectors of the seconds that still wait; the recording is over, and silence follows it."""
        if self._frame_wise:
            return self._joined([self._block()] if self._new else [])
        return self.hear([np.zeros(self._rate_hz, np.float32)] * self._reach)

    def _window(self) -> Sound:
        """What is held, cut at both ends to the length of the context."""
        whole = np.concatenate(self._held)
        start = (len(whole) - self._samples) // 2
        return whole[start : start + self._samples] if self._reach else whole

    def _in_block(self, second: Sound) -> Tensor | None:
        self._held.append(second)
        self._new += 1
        return self._block() if self._new == self._held.maxlen else None

    def _block(self) -> Tensor:
        """Vectors of the new seconds. A last block reaches back, so that its seconds have surroundings, too."""
        rows = self._vectors(np.concatenate(self._held)[None])[0]  # [1, T, D_a] -> [T, D_a]
        new, self._new = self._new, 0
        return rows[len(rows) - new :]

    @torch.no_grad()
    def _vectors(self, waveforms: Sound) -> Tensor:
        vectors: Tensor = self._backbone(torch.from_numpy(waveforms).to(device_of(self._backbone)))
        return vectors.float().cpu()

    def _joined(self, rows: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(rows)) if rows else torch.zeros(0, *self._backbone.card.output_shape)


def device_of(backbone: Backbone) -> torch.device:
    """The device that a backbone is on; the CPU if it has no weights."""
    return next((parameter.device for parameter in backbone.parameters()), torch.device("cpu"))
