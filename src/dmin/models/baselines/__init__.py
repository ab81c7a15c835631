"""The systems that the paper compares with, a file each: a file reads as that paper's idea and little else."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every file here, so that each registers its systems."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
