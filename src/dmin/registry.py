"""Registries: things by name, those of installed packages included; a misspelt name is answered with the nearest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import ClassVar, TypeVar

from dmin.errors import ModelError, unknown_name

ENTRY_POINTS = "dmin.systems"
"""Group of entry points of installed packages, dmin's own lab among them. Each names a module that adds entries."""

Entry = TypeVar("Entry")
Decorated = TypeVar("Decorated")


class Registry(Mapping[str, Entry]):
    """A mapping whose error for an unknown name tells the nearest and the allowed names.

    Args:
        kind: Its entries' name in messages.
        extensible: Other packages may add entries: their modules are imported before a name is called unknown.

    Example:
        >>> shapes = Registry[int]("shape")
        >>> shapes.add("square", 4)
        >>> shapes["sqare"]
        Traceback (most recent call last):
        dmin.errors.ModelError: unknown shape 'sqare': did you mean 'square'? Known: square
    """

    entries: ClassVar[int] = 0
    """Number of entries in all registries."""

    def __init__(self, kind: str, extensible: bool = False) -> None:
        self.kind = kind
        self.extensible = extensible
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, entry: Entry) -> None:
        """Make an entry known.

        Raises:
            ModelError: The name belongs to another entry.
        """
        if name in self._entries and self._entries[name] != entry:
            raise ModelError(f"there is a {self.kind} {name!r} already: choose another name")
        Registry.entries += name not in self._entries
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
        if name not in self:
            hint = "; if it is of your own making, give --plugin FILE" if self.extensible else ""
            raise ModelError(unknown_name(self.kind, name, self._entries) + hint)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Mapping[str, Entry]:
        if self.extensible:
            load_extensions()
        return self._entries


@cache
def load_extensions() -> None:
    """Import the modules that installed packages name in the group `ENTRY_POINTS`, once."""
    for entry_point in entry_points(group=ENTRY_POINTS):
        entry_point.load()
