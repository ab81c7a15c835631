"""Results of a table: figures of each seed, and of each column over its seeds, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dmin.evaluation import Interval
from dmin.files import write_atomically
from dmin.lab.paper.grid import Row
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
    def seconds_trained(self) -> float:
        """Time in training of all seeds together."""
        return sum(seed.seconds_trained for seed in self.seeds)

    @property
    def parameters(self) -> int | None:
        """Trainable numbers of the network; None for an average of other columns."""
        return self.seeds[0].parameters if self.seeds else None

    @property
    def seconds_a_step(self) -> float | None:
        """Of a step of training, the median over seeds; None for an average of other columns."""
        return median(seed.seconds_a_step for seed in self.seeds) if self.seeds else None


@dataclass(frozen=True)
class Setting:
    """Under what a table was run: results of different settings do not belong into one table."""

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

    @property
    def on_ave(self) -> bool:
        """True if ours were trained and scored on AVE, as the paper's."""
        return self.setting.on_ave

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


def column_result(
    row: Row, column: str, heading: str, seeds: Sequence[SeedResult], paper_percent: float | None
) -> ColumnResult:
    """Sum up the seeds of one row in one column."""
    several = len(seeds) > 1
    interval = over_seeds([seed.accuracy.value for seed in seeds]) if several else seeds[0].accuracy
    return ColumnResult(
        row=row.key,
        name=row.name,
        source=row.source,
        mark=row.mark,
        column=column,
        heading=heading,
        mean=interval.value,
        interval=interval,
        interval_of=OVER_SEEDS.format(len(seeds)) if several else OVER_CLIPS,
        priors=_means([seed.priors for seed in seeds]),
        seeds=tuple(seeds),
        paper_percent=paper_percent,
    )


def average_result(
    column: str, heading: str, parts: Sequence[ColumnResult], paper_percent: float | None
) -> ColumnResult:
    """The mean of other columns of a row, seed by seed, over the seeds that all of them have."""
    by_seed = [{seed.seed: seed.accuracy.value for seed in part.seeds} for part in parts]
    common = sorted(set.intersection(*(set(part) for part in by_seed)))
    values = [float(np.mean([part[seed] for part in by_seed])) for seed in common]
    several = len(values) > 1
    return ColumnResult(
        row=parts[0].row,
        name=parts[0].name,
        source=parts[0].source,
        mark=parts[0].mark,
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
