"""Run a table of the paper: every row, column and seed, resumable run by run; ours beside the paper's.

```
OUT/store*, clips                            features, and composed clips
OUT/runs/<system>-<digest>/seed<k>/          a run folder with metrics.json; tables that need the same run share it
OUT/<table>.json, .md, .png, .html           the table
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dmin.errors import DataError, unknown_name
from dmin.lab.paper.cells import Cell, data_digest, recipe_digest, run_cell
from dmin.lab.paper.grid import Column, Row, grid_of, rows_of
from dmin.lab.paper.material import PreparedData, SourceOptions, prepare_data
from dmin.lab.paper.results import Reproduction, Setting, assemble, left_before
from dmin.progress import Progress, silent
from dmin.shard import WHOLE, Shard
from dmin.training.presets import FAMILIES
from dmin.training.recipe import HARDWARE


@dataclass(frozen=True)
class RunOptions:
    """Options of running a table."""

    rows: Sequence[str] = ()
    """Keys of rows; none for all of the paper's."""
    seeds: int = 1
    """Number of runs of each row and column; run k has seed k, from 0."""
    preset_family: str | None = None
    """One of `dmin.training.presets.FAMILIES`; by default "paper" for AVE and "small" for other clips."""
    recipe_options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of all recipes to change, e.g. ``{"epochs": 20}``; ``model`` may hold the network's."""
    shard: Shard = WHOLE
    """The runs of this machine; the others are left to other machines."""

    def family(self, prepared: PreparedData) -> str:
        """The family of presets for these data."""
        return self.preset_family or ("paper" if prepared.on_ave else "small")

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise DataError(f"seeds is {self.seeds}: must be at least 1; run k has seed k, from 0")
        if self.preset_family not in (None, *FAMILIES):
            raise DataError(unknown_name("preset family", str(self.preset_family), FAMILIES))


def reproduce(
    table_name: str,
    data: str | Path,
    out: str | Path,
    options: RunOptions | None = None,
    source: SourceOptions | None = None,
    progress: Progress = silent,
) -> Reproduction:
    """Run rows of a table and write ours beside the paper's; what is finished already is not done again.

    Args:
        table_name: "table1" to "table6".
        data: A folder of AVE with the released features or the videos; a feature store; or "composed", for clips that
            are made here.
        out: Folder of everything.
        options: What is run, and how.
        source: How features, and composed clips, come about.
        progress: Told about every step of every run.

    Raises:
        DataError: An unknown table, row or family, data that are not whole, or a folder with runs of another kind.
    """
    options = options or RunOptions()
    rows_of(table_name, options.rows)  # a misspelt row is told before clips are made
    materials = [column.material for column in grid_of(table_name).columns]
    prepared = prepare_data(data, out, materials, source, progress)
    return run_grid(table_name, prepared, out, options, progress)


def run_grid(
    table_name: str,
    prepared: PreparedData,
    out: str | Path,
    options: RunOptions | None = None,
    progress: Progress = silent,
) -> Reproduction:
    """The second half of `reproduce`: run a table on feature stores that are there.

    Raises:
        DataError: As `reproduce`; also if no run of the table is finished, as may be with shards.
    """
    from dmin.lab.paper.page import write_table_page

    out, options = Path(out), options or RunOptions()
    setting = setting_of(table_name, prepared, options)
    planned = plan(table_name, prepared, out, options)
    mine = set(options.shard.part(list(dict.fromkeys(map(id, planned.values())))))
    rows = rows_of(table_name, options.rows)
    found = left_before(out / f"{table_name}.json", setting, rows)  # rows that were run earlier stay in the table
    keys = [*(row.key for row in rows), *(row for row, _ in found)]
    for (row, column, _), cell in planned.items():
        finished = cell.finished
        if finished or id(cell) in mine:
            result = run_cell(cell, progress)
            found.setdefault((row, column), []).append(replace(result, run=result.run.relative_to(out)))
            if not finished:  # a stopped table leaves what it has
                assemble(setting, found, keys).save(out / f"{table_name}.json")
    reproduction = assemble(setting, found, keys)
    write_table_page(reproduction, prepared, out, progress)
    return reproduction


def plan(table_name: str, prepared: PreparedData, out: Path, options: RunOptions) -> dict[tuple[str, str, int], Cell]:
    """All runs of a table, by row, column and seed; seed after seed, so that a stopped table has all rows early.

    The same run may stand in several places, as one object.
    """
    cells: dict[Path, Cell] = {}
    planned = {}
    for seed in range(options.seeds):
        for row in rows_of(table_name, options.rows):
            for column in grid_of(table_name).columns:
                if column.runs(row):
                    cell = cell_of(row, column, seed, prepared, out, options)
                    planned[row.key, column.name, seed] = cells.setdefault(cell.run, cell)
    return planned


def cell_of(row: Row, column: Column, seed: int, prepared: PreparedData, out: Path, options: RunOptions) -> Cell:
    """One run of a table; runs of several tables that are the same are one."""
    recipe = column.recipe(row, options.family(prepared), seed, options.recipe_options)
    names = [name for name in (row.system, row.variant, column.kind) if name]
    run = out / "runs" / f"{'-'.join(names)}-{recipe_digest(recipe)}" / f"seed{seed}"
    return Cell(" ".join([*names, f"seed {seed}"]), prepared.stores[column.material], recipe, run)


def setting_of(table_name: str, prepared: PreparedData, options: RunOptions) -> Setting:
    """Conditions under which a table is run."""
    grid = grid_of(table_name)
    materials = dict.fromkeys(column.material for column in grid.columns)
    return Setting(
        table=table_name,
        measure=grid.measure,
        data=prepared.words,
        digests={material: data_digest(prepared.stores[material]) for material in materials},
        on_ave=prepared.on_ave,
        remark=prepared.remark,
        preset_family=options.family(prepared),
        options={name: value for name, value in options.recipe_options.items() if name not in HARDWARE},
    )
