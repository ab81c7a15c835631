"""Lets a killed run end as if it had not been killed: order of clips, random state, files; one run per folder.

A run goes on from the end of the last epoch that it finished, and repeats what came after. On one device nothing else
is needed for the same weights; on several, all of them go on with the first one's random state.
"""

from __future__ import annotations

import io
import pickle
import random
import shutil
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import RandomSampler

from dmin.errors import DataError
from dmin.files import remove_stale, write_atomically


class EpochOrder(RandomSampler):
    """The order of clips, which depends on the seed and the epoch alone; Lightning tells the epoch.

    Args:
        clips: What is ordered.
        seed: Of the run.

    Example:
        >>> order = EpochOrder("abcd", seed=0)
        >>> order.set_epoch(1)
        >>> list(order)
        [3, 0, 2, 1]
    """

    def __init__(self, clips: Sized, seed: int) -> None:
        super().__init__(clips)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of this epoch from now on."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.data_source))
        yield from order.tolist()


class RandomState(Callback):
    """Keeps the state of all random generators with each checkpoint, and goes on with it."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """The state now."""
        name, keys, *rest = np.random.get_state()  # noqa: NPY002  # the generator that others draw from
        return {
            "python": random.getstate(),
            "numpy": (name, [int(key) for key in keys], *rest),  # lists: checkpoints are read without pickled classes
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Note the state; `on_train_start` sets it, after all else that draws has been set up."""
        self._kept = state_dict

    def on_train_start(self, *of_lightning: Any) -> None:
        """Go on with the noted state, if there is one."""
        if self._kept is None:
            return
        random.setstate(self._kept["python"])
        np.random.set_state(self._kept["numpy"])  # noqa: NPY002
        torch.set_rng_state(self._kept["torch"])
        here = torch.cuda.device_count()
        torch.cuda.set_rng_state_all(self._kept["cuda"][:here])
        self._kept = None


class WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints whole or not at all, and says in one sentence if one is damaged."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write one."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(Path(path), content.getvalue())

    def load_checkpoint(self, path: str | Path, *options: Any, **more: Any) -> dict[str, Any]:
        """Read one.

        Raises:
            DataError: The file is damaged.
        """
        try:
            checkpoint: dict[str, Any] = super().load_checkpoint(path, *options, **more)
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
            raise DataError(
                f"{path} is damaged, so the run cannot go on: restore the file, or remove it to train from the start"
            ) from error
        return checkpoint


def is_first() -> bool:
    """True if this process is the first, or the only one, of those that train together."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


@contextmanager
def alone_in(run: Path) -> Iterator[None]:
    """Hold a run folder for this run; of a run's processes the first one does.

    Raises:
        DataError: Another run holds it.
    """
    if not is_first():
        yield
        return
    lock = FileLock(run / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DataError(
            f"another process trains in {run}: wait until it has ended and run the same again, or choose another --out"
        ) from error
    try:
        yield
    finally:
        lock.release()


def remove_remains(run: Path) -> None:
    """Remove what a killed run left half-written in its folder."""
    for folder in (run, run / "checkpoints"):
        remove_stale(folder, older_than_seconds=0)
    for folder in run.glob(".saving-*"):
        shutil.rmtree(folder)
