"""Checks of options, each with a message that says what was got and what is allowed."""

from __future__ import annotations

from typing import Any

from dmin.errors import DminError, ModelError


def check_choices(options: Any, **allowed: tuple[str, ...]) -> None:
    """Make sure that options are among those allowed.

    Raises:
        ModelError: One is not.
    """
    for name, choices in allowed.items():
        if getattr(options, name) not in choices:
            raise ModelError(f"{name} is {getattr(options, name)!r}: must be {' or '.join(map(repr, choices))}")


def check_sizes(options: Any, *names: str, error: type[DminError] = ModelError) -> None:
    """Make sure that options are at least 1.

    Raises:
        ModelError: One is not; or another ``error``.
    """
    for name in names:
        if getattr(options, name) < 1:
            raise error(f"{name} is {getattr(options, name)}: must be at least 1")


def check_within_unit(error: type[DminError] = ModelError, /, **options: float | None) -> None:
    """Make sure that options are from 0 to 1, or None.

    Raises:
        ModelError: One is not; or another ``error``.
    """
    for name, value in options.items():
        if value is not None and not 0 <= value <= 1:
            raise error(f"{name} is {value:g}: must be within 0 and 1")


def check_shares(options: Any, *names: str) -> None:
    """Make sure that options are at least 0 and less than 1.

    Raises:
        ModelError: One is not.
    """
    for name in names:
        if not 0 <= getattr(options, name) < 1:
            raise ModelError(f"{name} is {getattr(options, name)}: must be at least 0 and less than 1")


def check_heads(width: int, **heads: int) -> None:
    """Make sure that a width is a multiple of each number of heads.

    Raises:
        ModelError: It is not.
    """
    for name, number in heads.items():
        if width % number:
            raise ModelError(f"width is {width} and {name} {number}: the width must be a multiple of it")
