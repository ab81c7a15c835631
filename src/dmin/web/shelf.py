"""Models that a visitor may choose, loaded when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from dmin.errors import DminError
from dmin.inference import Localizer, Matcher
from dmin.inference.loading import STARTER

_KEPT = 2
"""Models that stay in memory."""
Kind = TypeVar("Kind", Localizer, Matcher)


class Shelf(Generic[Kind]):
    """Models of one task, by the name of their folder.

    Args:
        kind: `Localizer` or `Matcher`.
        folder: A run of `dmin train`, or a folder with runs anywhere below it; None for none.
        device: Where to run.
    """

    def __init__(self, kind: type[Kind], folder: Path | None, device: str) -> None:
        file = kind.settings_type.FILE
        runs = {} if folder is None else {_name(path.parent, folder): path.parent for path in folder.rglob(file)}
        starter = {"starter": STARTER} if kind is Localizer else {}
        self.folders: dict[str, Path] = starter | dict(sorted(runs.items()))
        """Folders of the models, by name."""
        self._lock = Lock()

        def load(name: str) -> Kind:
            model = kind.from_pretrained(name if name in starter else self.folders[name], device)
            model.name = name  # not its path, which is nothing for visitors
            return model

        self._load: Callable[[str], Kind] = lru_cache(_KEPT)(load)

    def __getitem__(self, name: str) -> Kind:
        """The model of a name, loaded.

        Raises:
            DminError: There is none of this name, or it cannot be loaded.
        """
        if name not in self.folders:
            raise DminError(f"no model {name!r} here: choose {', '.join(self.folders)}")
        with self._lock, self.hiding_folder(name):  # two visitors at once would load it twice
            return self._load(name)

    @contextmanager
    def hiding_folder(self, name: str) -> Iterator[None]:
        """Name a model in its errors by its name: its folder is nothing for visitors.

        Raises:
            DminError: One was raised within.
        """
        try:
            yield
        except DminError as error:
            raise DminError(str(error).replace(str(self.folders[name]), name)) from error


def _name(run: Path, folder: Path) -> str:
    name = folder.resolve().name if run == folder else run.relative_to(folder).as_posix()
    return f"{run.resolve().parent.name}/{name}" if name == STARTER.name else name  # dmin's own has that name
