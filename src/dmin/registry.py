"""Things by name: what is known, and the nearest name where one is misspelt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from dmin.errors import ModelError, unknown_name

Entry = TypeVar("Entry")
Decorated = TypeVar("Decorated")


class Registry(Mapping[str, Entry]):
    """A mapping that says, for an unknown name, which one is nearest and which are allowed.

    Args:
        kind: What its entries are called in messages.

    Example:
        >>> shapes = Registry[int]("shape")
        >>> shapes.add("square", 4)
        >>> shapes["sqare"]
        Traceback (most recent call last):
        dmin.errors.ModelError: unknown shape 'sqare': did you mean 'square'? Known: square
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, entry: Entry) -> None:
        """Make an entry known.

        Raises:
            ModelError: The name belongs to another entry.
        """
        if name in self._entries and self._entries[name] != entry:
            raise ModelError(f"there is a {self.kind} {name!r} already: choose another name")
        self._entries[name] = entry

    def register(self, name: str) -> Callable[[Decorated], Decorated]:
        """Decorate a function or a class to make it known."""

        def keep(entry: Decorated) -> Decorated:
            self.add(name, entry)  # type: ignore[arg-type]  # what is decorated is an Entry, of a narrower type
            return entry

        return keep

    def __getitem__(self, name: str) -> Entry:
        """An entry.

        Raises:
            ModelError: The name is not known.
        """
        if name not in self._entries:
            raise ModelError(unknown_name(self.kind, name, self._entries))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
