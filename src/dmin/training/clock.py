"""Clocks of a training run: how long steps take, and how long they wait for their data."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback

from dmin.files import write_atomically

TIMES_FILE = "times.csv"
"""Of a run: one row per epoch."""


@dataclass(frozen=True)
class EpochTimes:
    """Times of the training steps of one epoch; validation is left out."""

    epoch: int
    """Counted from 1."""
    step_seconds: float
    """In all steps: forward, backward, update."""
    waiting_seconds: float
    """Between them: until the next batch was there."""

    @property
    def waiting_share(self) -> float:
        """Share of the time that was spent waiting for data."""
        return _share(self.waiting_seconds, self.step_seconds)


class StepClock(Callback):
    """Notes how long each step of training takes and waits for its data, and writes a row per epoch of times.csv.

    On a device that works ahead, a step's time is right on average only, and waiting that the device does not notice is
    counted too: the share is never too small.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.seconds: list[float] = []
        self.epochs: list[EpochTimes] = []
        self._waits: list[float] = []
        self._last = 0.0

    @property
    def median_seconds(self) -> float:
        """Of all steps so far; 0 before the first."""
        return median(self.seconds) if self.seconds else 0.0

    @property
    def waiting_share(self) -> float:
        """Share of the time of all epochs so far that was spent waiting for data; 0 before the first has ended."""
        return _share(sum(e.waiting_seconds for e in self.epochs), sum(e.step_seconds for e in self.epochs))

    def on_train_epoch_start(self, *of_lightning: Any) -> None:
        """Look at the clock."""
        self._waits = []
        self._last = time.perf_counter()

    def on_train_batch_start(self, *of_lightning: Any) -> None:
        """Look again: a batch has come."""
        self._waits.append(self._lap())

    def on_train_batch_end(self, *of_lightning: Any) -> None:
        """Look again: a step has ended."""
        self.seconds.append(self._lap())

    def on_train_epoch_end(self, trainer: Trainer, *of_lightning: Any) -> None:
        """Note the epoch."""
        steps = sum(self.seconds[-len(self._waits) :]) if self._waits else 0.0
        self.epochs.append(EpochTimes(trainer.current_epoch + 1, steps, sum(self._waits)))
        if trainer.is_global_zero:
            self._write()

    def state_dict(self) -> dict[str, Any]:
        """State that a resumed run needs."""
        return {"seconds": self.seconds, "epochs": [asdict(times) for times in self.epochs]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.seconds = state_dict["seconds"]
        self.epochs = [EpochTimes(**times) for times in state_dict["epochs"]]

    def _lap(self) -> float:
        """Seconds since the last look."""
        before, self._last = self._last, time.perf_counter()
        return self._last - before

    def _write(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["epoch", "step_seconds", "waiting_seconds", "waiting_share"])
        for times in self.epochs:
            share = f"{times.waiting_share:.4f}"
            writer.writerow([times.epoch, f"{times.step_seconds:.4f}", f"{times.waiting_seconds:.4f}", share])
        write_atomically(self.run / TIMES_FILE, text.getvalue().encode())


def _share(waiting_seconds: float, step_seconds: float) -> float:
    total = waiting_seconds + step_seconds
    return waiting_seconds / total if total else 0.0
