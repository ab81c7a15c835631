"""Brings clips to the network: from memory or the device where they fit, else by workers that read ahead."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Dataset

from dmin.data.clips import ClipDataset, Sample, pad
from dmin.errors import DataError
from dmin.features.workers import cores, interrupts_held
from dmin.progress import Progress, silent
from dmin.training.order import EpochOrder, SharedBatches

_SHARE_OF_MEMORY = 0.5
"""Of what is available, that "auto" takes for features."""
_SHARE_OF_DEVICE = 0.25
"""Of what is free on a GPU, that "auto" takes for features: the network's own need is not known yet."""
_MOST_WORKERS = 8
_BATCHES_AHEAD = 4
"""Batches that each worker prepares in advance."""
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Loading:
    """A decision where features are held during a run, and the loaders that follow from it."""

    held_on: torch.device | None
    """None: they are read from their files whenever they are needed."""
    reason: str
    """What was decided, and why: half a sentence."""
    device: torch.device
    """The device that trains."""
    processes: int
    """Number of processes that train on this machine and share its memory and cores."""

    @classmethod
    def of(cls, size_bytes: int, cache: str, device: torch.device, processes: int = 1) -> Loading:
        """Decide for features of a size, by the recipe's ``cache`` and the memory that is free.

        Raises:
            DataError: ``cache`` asks for memory that is not there.
        """
        memory, size = torch.device("cpu"), _in_words(size_bytes)
        if cache == "none":
            reason = f"features ({size}) are read from their files in every epoch (cache none)"
            return cls(None, reason, device, processes)
        is_asked = cache != "auto"
        for place in {"memory": (memory,), "device": (device,)}.get(cache, (device, memory)):
            there = available_bytes(place, processes)
            share = 1.0 if is_asked else _SHARE_OF_MEMORY if place == memory else _SHARE_OF_DEVICE
            words = "in memory" if place == memory else f"on {place}"
            if size_bytes <= share * there:
                reason = f"features ({size}) are read once and held {words}, where {_in_words(there)} are free"
                return cls(place, reason, device, processes)
            if is_asked:
                raise DataError(
                    f"cache is {cache!r}, but the features take {size} and {_in_words(there)} are free {words}: "
                    "choose auto or none"
                )
        reason = (
            f"features ({size}) are read from their files in every epoch: they do not fit into "
            f"{_SHARE_OF_MEMORY:.0%} of the {_in_words(there)} of memory that are free"
        )
        return cls(None, reason, device, processes)

    def loader(self, clips: Dataset[Sample], batch_size: int, order: EpochOrder | None = None) -> DataLoader[Sample]:
        """Batches of a split in features' own type: for training in the order given, for validation as clips come.

        Workers read ahead if files are read. Clips that are drawn anew in every epoch always come from this process:
        workers would draw other numbers than it does.
        """
        options: dict[str, Any] = {"batch_sampler": SharedBatches(cast(Sized, clips), batch_size)}
        if order is not None:
            options = {"batch_size": batch_size, "sampler": order}
        if self.held_on is None and isinstance(clips, ClipDataset):
            workers = max(1, min(cores() // self.processes // 2, _MOST_WORKERS))
            # Spawned, not forked: a forked worker would hold the lock on the run's folder beyond a killed run's end.
            options |= {"num_workers": workers, "prefetch_factor": _BATCHES_AHEAD, "persistent_workers": True}
            options["multiprocessing_context"] = "spawn"
        return _Loader(
            clips,
            collate_fn=pad,
            # A generator of its own: a loader draws from it whenever it starts, and a resumed run starts one more.
            generator=torch.Generator(),
            pin_memory=self.device.type == "cuda" and self.held_on != self.device,
            **options,
        )


class _Loader(DataLoader[Sample]):
    """Starts its workers so that Ctrl-C does not reach them, not even while they import."""

    def __iter__(self) -> Any:
        with interrupts_held():
            return super().__iter__()


def hold_clips(
    splits: Sequence[ClipDataset], cache: str, device: torch.device, processes: int = 1, progress: Progress = silent
) -> Loading:
    """Decide where the features of some splits are held, and read them if they are.

    Args:
        splits: Of one run.
        cache: One of `dmin.training.recipe.CACHES`.
        device: The device that this process trains on.
        processes: Number of processes that train on this machine.
        progress: Told as clips are read.

    Raises:
        DataError: ``cache`` asks for memory that is not there, or a clip is damaged.
    """
    loading = Loading.of(sum(clips.size_bytes for clips in splits), cache, device, processes)
    if loading.held_on is not None:
        for clips in splits:
            clips.hold(loading.held_on, progress)
    return loading


def available_bytes(device: torch.device, processes: int = 1) -> float:
    """Memory that can be taken on a device now; the machine's own is divided among processes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_available_on_machine(), _available_in_container()) / processes


def _available_on_machine() -> int:
    """Memory that can be had without swapping; where the system does not tell, half of what is built in."""
    try:
        found = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        found = None
    return 1024 * int(found[1]) if found else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _available_in_container() -> float:
    """What the limit of this process's container leaves, without files that it holds in memory; infinite without."""
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        cached = re.search(r"^inactive_file (\d+)$", (_CGROUP / "memory.stat").read_text(), re.MULTILINE)
    except OSError:
        return float("inf")
    return float("inf") if limit == "max" else int(limit) - int(used) + (int(cached[1]) if cached else 0)


def _in_words(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"
