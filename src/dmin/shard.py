"""Work that several machines share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from dmin.errors import DataError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """One of several parts of some work, one part for each machine.

    Raises:
        DataError: There is no such part.

    Example:
        >>> Shard(2, 3).part(["a", "b", "c", "d", "e"])
        ['b', 'e']
    """

    number: int = 1
    """Number of the part, from 1."""
    total: int = 1
    """Number of parts."""

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.total:
            raise _no_shard(f"{self.number}/{self.total}")

    @classmethod
    def read(cls, text: str) -> Shard:
        """Read a shard as it is typed: "2/3" is the second of three parts.

        Raises:
            DataError: It is no such part.
        """
        if not (found := re.fullmatch(r"(\d+)/(\d+)", text)):
            raise _no_shard(text)
        return cls(int(found[1]), int(found[2]))

    def part(self, items: list[Item]) -> list[Item]:
        """The items of this part: every n-th."""
        return items[self.number - 1 :: self.total]


WHOLE = Shard()
"""All of the work."""


def _no_shard(text: str) -> DataError:
    return DataError(f"shard is {text!r}: must be i/n with i from 1 to n, e.g. 1/4 for the first of four parts")
