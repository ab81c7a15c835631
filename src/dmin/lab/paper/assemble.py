"""From single results to a table, whether they were found here or in several places."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from dmin.errors import DataError
from dmin.evaluation import Interval
from dmin.lab.paper.grid import Row, grid_of, is_row, rows_of
from dmin.lab.paper.results import ColumnResult, Reproduction, SeedResult, Setting, average_result, column_result
from dmin.lab.paper.tables import TABLES

Found = Mapping[tuple[str, str], Sequence[SeedResult]]
"""Results by row and column."""


def assemble(setting: Setting, found: Found, keys: Sequence[str] = ()) -> Reproduction:
    """The table of what was found.

    Args:
        setting: Under what.
        found: Results by row and column; seeds in any order.
        keys: Of rows; those of the paper if none.

    Raises:
        DataError: Nothing was found.
    """
    if not found:
        raise DataError(f"no run of {setting.table} is finished yet: run its other shards, or merge them later")
    grid = grid_of(setting.table)
    results: list[ColumnResult] = []
    for row in rows_of(setting.table, keys):
        of_row: dict[str, ColumnResult] = {}
        for column in grid.columns:
            if seeds := found.get((row.key, column.name)):
                paper = _published(setting.table, row, column.published)
                ordered = sorted(seeds, key=lambda seed: seed.seed)
                of_row[column.name] = column_result(row, column.name, column.heading, ordered, paper)
        for name, parts in grid.averages.items():
            if all(part in of_row for part in parts):
                table = TABLES[setting.table]
                heading = table.headings[table.columns.index(name)]
                paper = _published(setting.table, row, name)
                of_row[name] = average_result(name, heading, [of_row[part] for part in parts], paper)
        results += of_row.values()
    return Reproduction(setting, tuple(results))


def _published(table_name: str, row: Row, column: str | None) -> float | None:
    table = TABLES[table_name]
    if column is None or row.key not in {published.key for published in table.rows}:
        return None
    return table.value(row.key, column)


def merge(paths: Sequence[Path]) -> Reproduction:
    """One table of the results in several files, e.g. of the shards of a table.

    Args:
        paths: JSON files that `reproduce` wrote.

    Raises:
        DataError: A file is none of them, or they are of different tables, data or recipes, or contradict each other.
    """
    if not paths:
        raise DataError("nothing to merge: give the JSON files of a table")
    together: dict[tuple[str, str], dict[int, SeedResult]] = {}
    first: Setting | None = None
    rows: list[str] = []
    for path in paths:
        setting, found = read_results(path)
        first = first or setting
        if different := [f.name for f in fields(Setting) if _plain(first)[f.name] != _plain(setting)[f.name]]:
            raise DataError(f"{path} and {paths[0]} are not of one kind (different: {', '.join(different)})")
        for key, seeds in found.items():
            rows += [] if key[0] in rows else [key[0]]
            for seed in seeds:
                other = together.setdefault(key, {}).setdefault(seed.seed, seed)
                if other.accuracy != seed.accuracy:
                    raise DataError(
                        f"{path} has {seed.accuracy} for row {key[0]}, column {key[1]}, seed {seed.seed}, where "
                        f"another file has {other.accuracy}: leave one of them out"
                    )
    assert first is not None  # there is a path
    return assemble(first, {key: list(seeds.values()) for key, seeds in together.items()}, rows)


def read_results(path: Path) -> tuple[Setting, dict[tuple[str, str], list[SeedResult]]]:
    """Read the JSON file of a table.

    Raises:
        DataError: It is none.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        setting = Setting(**{field.name: data[field.name] for field in fields(Setting)})
        found = {
            (result["row"], result["column"]): [_seed(seed) for seed in result["seeds"]]
            for result in data["columns"]
            if result["seeds"]
        }
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): give a table's JSON file") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is no table that `dmin reproduce` wrote ({type(error).__name__}: {error}): give its JSON file"
        ) from error
    return setting, found


def left_before(path: Path, setting: Setting, rows: Sequence[Row]) -> dict[tuple[str, str], list[SeedResult]]:
    """Read the other rows of a table that is there already, if it is of the same kind and its rows are known here."""
    try:
        before, found = read_results(path)
    except DataError:
        return {}
    if _plain(before) != _plain(setting):
        return {}
    asked = {row.key for row in rows}
    return {key: seeds for key, seeds in found.items() if key[0] not in asked and is_row(setting.table, key[0])}


def _seed(data: Mapping[str, Any]) -> SeedResult:
    return SeedResult(**{**data, "accuracy": Interval(**data["accuracy"]), "run": Path(data["run"])})


def _plain(setting: Setting) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(asdict(setting)))
    return plain
