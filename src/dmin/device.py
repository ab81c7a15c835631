"""Devices by one set of names in every command and class, checked before work starts."""

from __future__ import annotations

import re

import torch

from dmin.errors import DminError

_NAME = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def device_of(name: str | torch.device = "auto") -> torch.device:
    """The device that a name means on this machine.

    Args:
        name: "auto" for a GPU where there is one, "cpu", "cuda", "cuda:1" (the second GPU) or "mps".

    Raises:
        DminError: No such name, or no such device on this machine.

    Example:
        >>> device_of("cpu")
        device(type='cpu')
    """
    asked = str(name)
    if not _NAME.fullmatch(asked):
        raise DminError(f"device is {asked!r}: must be auto, cpu, cuda, cuda:1 (the second GPU) or mps")
    here = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    here += ["mps"] if torch.backends.mps.is_available() else []
    here += ["cpu"]
    if asked == "auto":
        return torch.device(here[0].removesuffix(":0"))
    if asked not in {*here, "cuda" if torch.cuda.device_count() else "cpu"}:
        raise DminError(f"device is {asked!r}, but this machine has {', '.join(here)}: give one of these, or auto")
    return torch.device(asked)
