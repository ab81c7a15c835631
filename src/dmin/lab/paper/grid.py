"""The paper's tables as runs: rows, columns, and the recipe of each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal

import torch

from dmin.errors import DataError, unknown_name
from dmin.lab.paper.tables import TABLES
from dmin.lab.zoo.joint import JointWeakSupervision
from dmin.models import LocalizationConfig, LocalizationModel, systems
from dmin.models.systems import merged
from dmin.tasks.objectives import OBJECTIVES
from dmin.tasks.weak_supervision import WeakSupervision
from dmin.training.presets import options_of, system_options, variants
from dmin.training.recipe import AnyRecipe, LocalizationRecipe, recipe_from

Material = Literal["full", "weak", "matching"]
"""A column's clips: AVE has some more to train on for weak supervision, and other splits for matching."""


AVE_CATEGORIES = 28


@dataclass(frozen=True)
class Row:
    """One line of a table, as it is run."""

    key: str
    """Its name on the command line."""
    name: str
    """Its name in print."""
    system: str
    """The system that is trained."""
    variant: str | None = None
    """A preset laid over it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the recipe that the row changes."""

    @property
    def mark(self) -> str:
        """Remark that is printed beside its results."""
        return systems()[self.system].mark

    @property
    def source(self) -> str:
        """Source of its specification."""
        return systems()[self.system].source if self.variant is None else variants()[self.variant].source


@dataclass(frozen=True)
class Column:
    """One column of a table, as it is run."""

    name: str
    """Its name in folders and files."""
    heading: str
    material: Material
    kind: str
    """The supervision or the direction: full, weak, a2v, v2a."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """Options of the network that the column changes, for networks that have them."""
    published: str | None = None
    """The paper's column; None where it has none."""

    def runs(self, row: Row) -> bool:
        """True if the row's system is described for this column."""
        return self.kind in systems()[row.system].kinds

    def recipe(self, row: Row, family: str, seed: int, options: Mapping[str, Any]) -> AnyRecipe:
        """The recipe of one run.

        Args:
            row: The row.
            family: One of `dmin.training.presets.FAMILIES`.
            seed: Of the run.
            options: Fields of the recipe to change; ``model`` holds options for the networks that have them.
        """
        known = {each.name for each in fields(systems()[row.system].network.config_type)}
        model = merged(self.model, options.get("model", {}))
        model = {name: value for name, value in model.items() if name in known}
        layers = [system_options(row.system, self.kind, family)]
        if row.variant is not None:
            layers.append(dict(options_of(row.variant)))
        return recipe_from(merged(*layers, row.options, {**options, "model": model, "seed": seed}))


@dataclass(frozen=True)
class Grid:
    """One table, as it is run."""

    measure: str
    """Unit of its numbers: shares of what."""
    task: str
    """Task of its systems."""
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    averages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that are means of others, by name."""

    def column(self, name: str) -> Column:
        """A column, by its name."""
        return next(column for column in self.columns if column.name == name)


def _supervision(name: str) -> Column:
    material: Material = "weak" if name == "weak" else "full"
    return Column(name, f"{name} supervision", material, name, published=name)


def _direction(name: str, protocol: str) -> Column:
    """A column of Table II."""
    strict = protocol == "strict"
    return Column(
        f"{name}-strict" if strict else name,
        f"{name.upper()}, strict" if strict else name.upper(),
        "matching",
        name,
        {"protocol": protocol},
        None if strict else name,
    )


def _localization(*rows: Row) -> Grid:
    columns = (_supervision("full"), _supervision("weak"))
    return Grid("seconds with the right category or background", "localization", rows, columns)


def _of(table_name: str, key: str, system: str = "dmin", variant: str | None = None, **options: Any) -> Row:
    """A published row; its system's or variant's name is its key, if not said otherwise."""
    published = TABLES[table_name].row(key)
    name = published.note if published.name == "Ours" else published.name
    return Row(key, name, system, variant, options)


_TABLE3 = "no-agta", "avtrans", "agva", "agsca", "agta-no-lstm", "agta-no-mfb", "agta-no-channel", "agta-no-spatial"
_TABLE4 = "no-dima", "han", "cmca", "fgnl-star", "gnl-star", "cmra"

GRIDS = {
    "table1": _localization(*(_of("table1", row.key, row.key) for row in TABLES["table1"].rows)),
    "table2": Grid(
        "clips with the exact window",
        "matching",
        (
            _of("table2", "dcca", "dcca"),
            _of("table2", "avdln", "avdln"),
            _of("table2", "dam", "dam-matching"),
            Row("cmra-star", "CMRA*", "cmra-star"),
            _of("table2", "dcmr", "dcmr"),
        ),
        # In the released code the whole clip feeds the query's side; "strict" is what matching of a lone query takes.
        tuple(_direction(name, protocol) for protocol in ("context", "strict") for name in ("a2v", "v2a")),
        {"average": ("a2v", "v2a")},
    ),
    "table3": _localization(*(_of("table3", key, variant=key) for key in _TABLE3), _of("table3", "agta")),
    "table4": _localization(*(_of("table4", key, variant=key) for key in _TABLE4), _of("table4", "dima")),
    "table5": _localization(
        _of("table5", "mha-mha", variant="cmra"),
        _of("table5", "dfa-mha", variant="dfa-mha"),
        _of("table5", "dfa-dfa", variant="dfa-dfa"),
        _of("table5", "mha-dfa"),
    ),
    "table6": _localization(
        *(
            _of("table6", row.key, unimodal_weight=float(row.key.removeprefix("lambda-")))
            for row in TABLES["table6"].rows
        )
    ),
}
"""The tables that can be run."""


def grid_of(table_name: str) -> Grid:
    """Look up the rows and columns of a table.

    Raises:
        DataError: There is no such table.
    """
    if table_name not in GRIDS:
        raise DataError(unknown_name("table", table_name, GRIDS))
    return GRIDS[table_name]


def rows_of(table_name: str, keys: Sequence[str] = ()) -> tuple[Row, ...]:
    """The rows that are asked for, each once: in the paper's order, then those that it does not have.

    Args:
        table_name: Of the table.
        keys: Of its rows, of other systems of its task, or of variants of DMIN; none for all of the paper's.

    Raises:
        DataError: An unknown table or row, or a system of another task.
    """
    grid = grid_of(table_name)
    if not keys:
        return grid.rows
    places = {row.key: place for place, row in enumerate(grid.rows)}
    asked = [_row(table_name, key) for key in dict.fromkeys(keys)]
    return tuple(sorted(asked, key=lambda row: places.get(row.key, len(places))))


def is_row(table_name: str, key: str) -> bool:
    """True if a table can have a row of this key."""
    try:
        _row(table_name, key)
    except DataError:
        return False
    return True


def mil_pooling(table_name: str, key: str, column: str, family: str, options: Mapping[str, Any]) -> str | None:
    """Name of the pooling of seconds to clips in a cell of weak supervision; None in columns of another kind.

    Args:
        table_name: Of the table.
        key: Of the row.
        column: Name of the column.
        family: One of `dmin.training.presets.FAMILIES`.
        options: Fields of the recipe that were changed.
    """
    weak = [each for each in grid_of(table_name).columns if each.name == column and each.kind == "weak"]
    if not weak:
        return None
    recipe = weak[0].recipe(_row(table_name, key), family, 0, options)
    network = systems()[recipe.system].network
    if not isinstance(recipe, LocalizationRecipe) or not issubclass(network, LocalizationModel):
        return None
    task = OBJECTIVES[network.objective](1, "weak", recipe)
    return task.pooling if isinstance(task, WeakSupervision | JointWeakSupervision) else None


def _row(table_name: str, key: str) -> Row:
    grid = grid_of(table_name)
    rows = {row.key: row for row in grid.rows}
    if key in rows:
        return rows[key]
    known, of_dmin = systems(), variants() if grid.task == "localization" else {}
    if key in known and known[key].task == grid.task:
        return Row(key, known[key].title, key)
    if key in of_dmin:
        return Row(key, of_dmin[key].words, "dmin", key)
    if key in known:
        raise DataError(f"the system {key} is for {known[key].task}, {table_name} for {grid.task}: choose another row")
    others = [name for name, system in known.items() if system.task == grid.task]
    raise DataError(unknown_name(f"row of {table_name}", key, {*rows, *others, *of_dmin}))


@cache
def parameters_of(system: str, kind: str, variant: str | None = None) -> int:
    """Parameters at the paper's sizes: VGG-19 maps, VGGish features, 28 categories.

    Args:
        system: Its name.
        kind: "full", "weak", "a2v" or "v2a".
        variant: A preset laid over it.

    Example:
        >>> parameters_of("dmin", "full")
        10995513
    """
    layers = [system_options(system, kind, "paper")] + ([] if variant is None else [options_of(variant)])
    config = recipe_from(merged(*layers)).model
    if isinstance(config, LocalizationConfig):
        config = replace(config, category_names=tuple(map(str, range(AVE_CATEGORIES))))
    with torch.device("meta"):
        return systems()[system].network(config).parameter_count
