"""Results of a table: of each seed, of each column over its seeds, and of all rows, found here or in several places."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dmin.errors import DataError
from dmin.evaluation import Interval
from dmin.files import write_atomically
from dmin.lab.paper.grid import Column, Row, grid_of, is_row, rows_of
from dmin.lab.paper.tables import TABLES
from dmin.results.events import dumps

OVER_SEEDS = "95 % t-interval over {} seeds"
OVER_CLIPS = "95 % bootstrap interval over test clips, one seed"
NO_INTERVAL = "no interval: one seed"


@dataclass(frozen=True)
class SeedResult:
    """One finished run."""

    seed: int
    accuracy: Interval
    """On the test split, with its bootstrap interval over clips; shares in 0..1."""
    priors: Mapping[str, float]
    """Scores of the priors on the same clips, by name; for matching also of linear CCA."""
    test_clips: int
    seconds_trained: float
    """Time in training, all attempts together."""
    parameters: int
    """Trainable numbers of its network."""
    seconds_a_step: float
    """Median time of a step of training, on the machine where it ran."""
    run: Path
    """Its run folder below the table's, with metrics.json and pictures."""


@dataclass(frozen=True)
class ColumnResult:
    """One row in one column: ours over all seeds, beside the paper's."""

    row: str
    """Key of the row."""
    name: str
    """Its name in print."""
    source: str
    """Source of its system's specification."""
    mark: str
    """Remark that is printed beside it."""
    column: str
    heading: str
    mean: float
    """Over seeds, in 0..1."""
    interval: Interval | None
    """Around it, as `interval_of` says; None for an average of columns that were run with one seed."""
    interval_of: str
    priors: Mapping[str, float]
    """Means over seeds."""
    seeds: tuple[SeedResult, ...]
    """Empty for an average of other columns."""
    paper_percent: float | None
    """As published, on AVE; None where the paper has no such number."""

    @property
    def parameters(self) -> int | None:
        """Trainable numbers of the network; None for an average of other columns."""
        return self.seeds[0].parameters if self.seeds else None

    @property
    def seconds_a_step(self) -> float | None:
        """Time of a step of training, the median over seeds; None for an average of other columns."""
        return median(seed.seconds_a_step for seed in self.seeds) if self.seeds else None


@dataclass(frozen=True)
class Setting:
    """Conditions under which a table was run: results of different ones do not belong in one table."""

    table: str
    """Its name on the command line."""
    measure: str
    """Unit of its numbers: shares of what."""
    data: str
    """Data that ours were trained and scored on."""
    digests: Mapping[str, str]
    """Of the annotations, the splits and the kind of features, by material."""
    on_ave: bool
    """True if that is AVE, the data of the paper."""
    remark: str
    """Sentence on how far ours and the paper's can be compared."""
    preset_family: str
    options: Mapping[str, Any]
    """Fields of all recipes that were changed."""


@dataclass(frozen=True)
class Reproduction:
    """One table, run: ours beside the paper's."""

    setting: Setting
    columns: tuple[ColumnResult, ...] = field(repr=False)
    """One for each row and column of which there are results, row by row."""

    @property
    def table(self) -> str:
        """Its name on the command line."""
        return self.setting.table

    def of_column(self, name: str) -> list[ColumnResult]:
        """A column's results, row by row."""
        return [result for result in self.columns if result.column == name]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, as in the JSON file."""
        data = {**asdict(self.setting), "columns": [asdict(column) for column in self.columns]}
        for result in data["columns"]:
            for seed in result["seeds"]:
                seed["run"] = seed["run"].as_posix()
        return data

    def save(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        write_atomically(path, dumps(self.to_dict()).encode())


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean and 95 % t-interval of one value per seed, kept within 0..1.

    Args:
        values: At least two.

    Example:
        >>> print(over_seeds([0.70, 0.74, 0.72]))
        0.720 [0.670, 0.770]
    """
    from scipy.stats import t

    array = np.asarray(values, np.float64)
    mean = float(array.mean())
    reach = float(t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / len(array) ** 0.5)
    return Interval(mean, max(0.0, mean - reach), min(1.0, mean + reach))


def assemble(
    setting: Setting, found: Mapping[tuple[str, str], Sequence[SeedResult]], keys: Sequence[str] = ()
) -> Reproduction:
    """Make the table of the results that were found.

    Args:
        setting: Conditions of the runs.
        found: Results by row and column; seeds in any order.
        keys: Of rows; those of the paper if none.

    Raises:
        DataError: Nothing was found.
    """
    if not found:
        raise DataError(f"no run of {setting.table} is finished yet: run its other shards, or merge them later")
    grid, table = grid_of(setting.table), TABLES[setting.table]
    published = {row.key: dict(zip(table.columns, row.values, strict=True)) for row in table.rows}
    results: list[ColumnResult] = []
    for row in rows_of(setting.table, keys):
        paper, of_row = published.get(row.key, {}), {}
        for column in grid.columns:
            if seeds := found.get((row.key, column.name)):
                percent = None if column.published is None else paper.get(column.published)
                of_row[column.name] = _column_result(row, column, sorted(seeds, key=lambda seed: seed.seed), percent)
        for name, parts in grid.averages.items():
            if all(part in of_row for part in parts):
                heading = table.headings[table.columns.index(name)]
                of_row[name] = _average(name, heading, [of_row[part] for part in parts], paper.get(name))
        results += of_row.values()
    return Reproduction(setting, tuple(results))


def _column_result(row: Row, column: Column, seeds: Sequence[SeedResult], paper_percent: float | None) -> ColumnResult:
    """Sum up the seeds of one row in one column."""
    several = len(seeds) > 1
    interval = over_seeds([seed.accuracy.value for seed in seeds]) if several else seeds[0].accuracy
    return ColumnResult(
        row=row.key,
        name=row.name,
        source=row.source,
        mark=row.mark,
        column=column.name,
        heading=column.heading,
        mean=interval.value,
        interval=interval,
        interval_of=OVER_SEEDS.format(len(seeds)) if several else OVER_CLIPS,
        priors=_means([seed.priors for seed in seeds]),
        seeds=tuple(seeds),
        paper_percent=paper_percent,
    )


def _average(column: str, heading: str, parts: Sequence[ColumnResult], paper_percent: float | None) -> ColumnResult:
    """The mean of other columns of a row, seed by seed, over the seeds that all of them have."""
    by_seed = [{seed.seed: seed.accuracy.value for seed in part.seeds} for part in parts]
    common = sorted(set.intersection(*(set(part) for part in by_seed)))
    values = [float(np.mean([part[seed] for part in by_seed])) for seed in common]
    several = len(values) > 1
    return replace(
        parts[0],
        column=column,
        heading=heading,
        mean=float(np.mean(values)),
        interval=over_seeds(values) if several else None,
        interval_of=OVER_SEEDS.format(len(values)) if several else NO_INTERVAL,
        priors=_means([part.priors for part in parts]),
        seeds=(),
        paper_percent=paper_percent,
    )


def _means(priors: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each prior that all of them have."""
    names = [name for name in priors[0] if all(name in each for each in priors)]
    return {name: float(np.mean([each[name] for each in priors])) for name in names}


def merge(paths: Sequence[Path]) -> Reproduction:
    """Make one table of the results in several files, e.g. of the shards of a table.

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
            (result["row"], result["column"]): [
                SeedResult(**{**seed, "accuracy": Interval(**seed["accuracy"]), "run": Path(seed["run"])})
                for seed in result["seeds"]
            ]
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


def _plain(setting: Setting) -> dict[str, Any]:
    """A setting as a JSON file holds it."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(setting)))
    return plain
