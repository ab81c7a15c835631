"""The `--device` that several commands share."""

from __future__ import annotations

from dmin.errors import DminError


def check_device(name: str | None) -> None:
    """Make sure that a device can be used, before work starts.

    Raises:
        DminError: There is none of this name, or not on this machine.
    """
    if name is None:
        return
    import torch

    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, ImportError) as error:  # which one depends on how torch was built
        raise DminError(f"--device {name} cannot be used here: give cpu, or cuda or mps where there is one") from error
