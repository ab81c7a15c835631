"""Run a table of the paper: every row, column and seed, resumable run by run; ours beside the paper's.

```
OUT/store*, clips                            features, and composed clips
OUT/runs/<row>/<column>/seed<k>/             a run folder with metrics.json
OUT/<table>.json, index.html                 the table
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dmin.errors import DataError
from dmin.paper.cells import Cell, run_cell
from dmin.paper.grid import Column, check_family, check_rows, grid_of
from dmin.paper.material import COMPOSED, PreparedData, SourceOptions, prepare_data
from dmin.paper.results import ColumnResult, Reproduction, average_result, column_result
from dmin.paper.tables import table
from dmin.progress import Progress, silent


def reproduce(
    table_name: str,
    rows: Sequence[str],
    data: str | Path,
    out: str | Path,
    *,
    seeds: int = 1,
    preset_family: str | None = None,
    recipe_options: Mapping[str, Any] | None = None,
    source: SourceOptions | None = None,
    progress: Progress = silent,
) -> Reproduction:
    """Run rows of a table and write ours beside the paper's; what is finished already is not done again.

    Args:
        table_name: "table1" or "table2".
        rows: Keys of its rows, e.g. "dmin".
        data: A folder of AVE with the released features or the videos; or "composed", for clips that are made here.
        out: Folder of everything.
        seeds: How many runs of each row and column; run k has seed k, from 0.
        preset_family: One of `dmin.paper.grid.FAMILIES`; by default "paper" for AVE and "small" for composed clips.
        recipe_options: Fields of all recipes to change, e.g. ``{"epochs": 20}``; ``model`` may hold the network's.
        source: How features, and composed clips, come about.
        progress: Told about every step of every run.

    Raises:
        DataError: An unknown table, row or family, data that are not whole, or a folder with runs of another kind.
    """
    keys = check_rows(table_name, rows)
    family = check_family(preset_family or ("small" if str(data) == COMPOSED else "paper"))
    _check_seeds(seeds)
    materials = [column.material for column in grid_of(table_name).columns]
    prepared = prepare_data(data, out, materials, source, progress)
    return run_grid(
        table_name,
        keys,
        prepared,
        out,
        seeds=seeds,
        preset_family=family,
        recipe_options=recipe_options,
        progress=progress,
    )


def run_grid(
    table_name: str,
    rows: Sequence[str],
    prepared: PreparedData,
    out: str | Path,
    *,
    seeds: int = 1,
    preset_family: str = "small",
    recipe_options: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Reproduction:
    """The second half of `reproduce`: run a table on feature stores that are there.

    Args:
        table_name: As in `reproduce`, like all that is not said here.
        rows: Likewise.
        prepared: The stores, and what they hold.
        out: Likewise.
        seeds: Likewise.
        preset_family: Likewise.
        recipe_options: Likewise.
        progress: Likewise.

    Raises:
        DataError: As `reproduce`.
    """
    from dmin.paper.page import write_table_page

    out, keys = Path(out), check_rows(table_name, rows)
    check_family(preset_family)
    _check_seeds(seeds)
    grid, published = grid_of(table_name), table(table_name)
    results: list[ColumnResult] = []
    for key in keys:
        of_row: dict[str, ColumnResult] = {}
        for column in grid.columns:
            cells = [
                _cell(key, column, seed, prepared, out, preset_family, recipe_options or {}) for seed in range(seeds)
            ]
            finished = [run_cell(cell, progress) for cell in cells]
            relative = [replace(seed, run=seed.run.relative_to(out)) for seed in finished]
            paper = None if column.published is None else published.value(key, column.published)
            of_row[column.name] = column_result(key, column.name, column.heading, relative, paper)
        for name, parts in grid.averages.items():
            heading = published.headings[published.columns.index(name)]
            columns = [of_row[part] for part in parts]
            of_row[name] = average_result(key, name, heading, columns, published.value(key, name))
        results += of_row.values()
    reproduction = Reproduction(
        table=table_name,
        measure=grid.measure,
        data=prepared.words,
        on_ave=prepared.on_ave,
        remark=prepared.remark,
        preset_family=preset_family,
        columns=tuple(results),
    )
    reproduction.save(out / f"{table_name}.json")
    write_table_page(reproduction, prepared, out, progress)
    return reproduction


def _cell(
    key: str,
    column: Column,
    seed: int,
    prepared: PreparedData,
    out: Path,
    family: str,
    options: Mapping[str, Any],
) -> Cell:
    return Cell(
        words=f"{key} {column.name} seed {seed}",
        store=prepared.stores[column.material],
        recipe=column.recipe(family, seed, options),
        run=out / "runs" / key / column.name / f"seed{seed}",
    )


def _check_seeds(seeds: int) -> None:
    if seeds < 1:
        raise DataError(f"seeds is {seeds}: must be at least 1; run k has seed k, from 0")
