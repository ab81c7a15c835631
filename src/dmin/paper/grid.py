"""What running a table of the paper means: its rows that can be run, its columns, and the preset of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dmin.errors import DataError, unknown_name
from dmin.paper.tables import TABLES
from dmin.recipe import LocalizationRecipe, MatchingRecipe, recipe_of

Material = Literal["full", "weak", "matching"]
"""A column's clips: AVE has some more to train on for weak supervision, and other splits for matching."""

FAMILIES = {
    "paper": "the paper's recipes, for AVE",
    "official": "the recipes of its authors' released code, for AVE",
    "small": "small networks for a few hundred clips",
}
"""Families of presets, and what they are for."""


@dataclass(frozen=True)
class Column:
    """One column of a table, as it is run."""

    name: str
    """Its name in folders and files."""
    heading: str
    material: Material
    presets: Mapping[str, str]
    """Preset by family."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """Options of the network that the column changes."""
    published: str | None = None
    """The paper's column; None where it has none."""

    def recipe(self, family: str, seed: int, options: Mapping[str, Any]) -> LocalizationRecipe | MatchingRecipe:
        """The recipe of one run.

        Args:
            family: One of `FAMILIES`.
            seed: Of the run.
            options: Fields of the recipe to change, ``model`` being a mapping of the network's.
        """
        model = {**self.model, **options.get("model", {})}
        return recipe_of(self.presets[family], seed=seed, **{**options, "model": model})


@dataclass(frozen=True)
class Grid:
    """One table, as it is run."""

    measure: str
    """What its numbers are shares of."""
    rows: tuple[str, ...]
    """Keys of the published rows that can be run."""
    columns: tuple[Column, ...]
    averages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that are means of others, by name."""

    def column(self, name: str) -> Column:
        """A column, by its name."""
        return next(column for column in self.columns if column.name == name)


def _direction(name: str, protocol: str) -> Column:
    """A column of Table II."""
    strict = protocol == "strict"
    return Column(
        f"{name}-strict" if strict else name,
        f"{name.upper()}, strict" if strict else name.upper(),
        "matching",
        {"paper": f"{name}-paper", "official": f"official-{name}", "small": f"{name}-small"},
        {"protocol": protocol},
        None if strict else name,
    )


GRIDS = {
    "table1": Grid(
        "seconds with the right category or background",
        ("dmin",),
        (
            Column(
                "full",
                "full supervision",
                "full",
                {"paper": "paper", "official": "official-full", "small": "small"},
                published="full",
            ),
            Column(
                "weak",
                "weak supervision",
                "weak",
                {"paper": "weak-paper", "official": "official-weak", "small": "weak-small"},
                published="weak",
            ),
        ),
    ),
    "table2": Grid(
        "clips with the exact window",
        ("dcmr",),
        # In the released code the whole clip feeds the query's side; "strict" is what matching of a lone query takes.
        tuple(_direction(name, protocol) for protocol in ("context", "strict") for name in ("a2v", "v2a")),
        {"average": ("a2v", "v2a")},
    ),
}
"""The tables that can be run."""


def grid_of(table_name: str) -> Grid:
    """How a table is run.

    Raises:
        DataError: There is no such table, or none of its rows can be run.
    """
    if table_name not in TABLES:
        raise DataError(unknown_name("table", table_name, TABLES))
    if table_name not in GRIDS:
        raise DataError(
            f"{table_name} cannot be run by this dmin, only its published numbers are here "
            f"(dmin.paper.table({table_name!r})): give {' or '.join(GRIDS)}"
        )
    return GRIDS[table_name]


def check_rows(table_name: str, rows: Sequence[str]) -> tuple[str, ...]:
    """The rows that were asked for, each once.

    Raises:
        DataError: No rows, an unknown one, or one that cannot be run.
    """
    grid = grid_of(table_name)
    published = TABLES[table_name]
    for key in rows:
        name = published.row(key).name
        if key not in grid.rows:
            raise DataError(
                f"row {key!r} of {table_name} ({name}) cannot be run by this dmin: give {' or '.join(grid.rows)}"
            )
    if not rows:
        raise DataError(f"no row of {table_name} was asked for: give {' or '.join(grid.rows)}")
    return tuple(dict.fromkeys(rows))


def check_family(name: str) -> str:
    """A family of presets, by its name.

    Raises:
        DataError: There is no such family.
    """
    if name not in FAMILIES:
        raise DataError(unknown_name("preset family", name, FAMILIES))
    return name
