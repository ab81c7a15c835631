"""Lets a killed run end as if it had not been killed: random state, files; one run per folder.

A run goes on from the end of the last epoch that it finished, and repeats what came after. On one device nothing else
is needed for the same weights. Of several processes the first one's random state is kept, and the others go on from it.
"""

from __future__ import annotations

import io
import os
import pickle
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from filelock import FileLock, Timeout
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only

from dmin.errors import DataError
from dmin.files import remove_stale, write_atomically


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

    def on_train_start(self, trainer: Trainer, *of_lightning: Any) -> None:
        """Go on with the noted state, if there is one; then part from the other processes, which have the same one."""
        if self._kept is not None:
            self._set(self._kept)
            self._kept = None
        if trainer.global_rank:
            lightning.seed_everything(int(torch.randint(2**31, ())) + trainer.global_rank, verbose=False)

    def _set(self, kept: dict[str, Any]) -> None:
        random.setstate(kept["python"])
        np.random.set_state(kept["numpy"])  # noqa: NPY002
        torch.set_rng_state(kept["torch"])
        here = torch.cuda.device_count()
        torch.cuda.set_rng_state_all(kept["cuda"][:here])


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
    # Until a run begins, Lightning takes the first process of every machine for the first of all.
    return int(getattr(rank_zero_only, "rank", 0)) == 0 and int(os.environ.get("NODE_RANK", 0)) == 0


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
