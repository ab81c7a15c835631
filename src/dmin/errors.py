"""The errors that dmin raises for a user's mistake or a bad file, and the words they share.

DminError (a ValueError)
├── MediaError          a video or a sound that cannot be read
├── DataError           annotations, splits, banks or feature stores that do not fit
├── ModelError          a checkpoint or a configuration that does not fit
└── MissingPackageError an optional package is needed; the message holds the install command
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

_FEW = 20
"""Names that a sentence can hold."""
_LISTED = ("format", "preset", "system")
"""Kinds of names that a command lists."""


class DminError(ValueError):
    """Base of all errors that say what was got, what is allowed and what to do next."""


class MediaError(DminError):
    """A video or a sound that cannot be read."""


class DataError(DminError):
    """Annotations, splits, banks or feature stores that do not fit."""


class ModelError(DminError):
    """A checkpoint or a configuration that does not fit."""


class MissingPackageError(DminError, ImportError):
    """An optional package is needed for what was asked."""


def unknown_name(kind: str, name: str, allowed: Iterable[str]) -> str:
    """Words for a name that nobody knows: the nearest ones first, at most three, then all that are allowed.

    Where more than twenty are allowed, the three nearest alone are named.

    Example:
        >>> unknown_name("backbone", "lite", ["lite0", "sfx"])
        "unknown backbone 'lite': did you mean 'lite0'? Known: lite0, sfx"
    """
    names = sorted(allowed)
    many = len(names) > _FEW
    close = [repr(near) for near in difflib.get_close_matches(name, names, n=3, cutoff=0.0 if many else 0.5)]
    hint = f"did you mean {', '.join(close[:-1])}{' or ' if close[:-1] else ''}{close[-1]}? " if close else ""
    where = f", `dmin list {kind}s` shows them" if kind in _LISTED else ""
    known = f"{len(names)} are known{where}" if many else f"Known: {', '.join(names)}"
    return f"unknown {kind} {name!r}: {hint}{known}"


def require(module: str, extra: str) -> ModuleType:
    """Import an optional module, or say which command installs it.

    Args:
        module: The module to import, e.g. ``gradio``.
        extra: The extra of dmin that brings it, e.g. ``web``.

    Raises:
        MissingPackageError: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(f"{module} is not installed: run `pip install 'dmin[{extra}]'`") from error
