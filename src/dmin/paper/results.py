"""What running a table gives: figures of each seed, and of each column over its seeds, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dmin.evaluation import Interval
from dmin.events import dumps
from dmin.features.atomic import write_atomically

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
    """What answers score on the same clips that look at nothing, by name; for matching linear CCA too."""
    test_clips: int
    seconds_trained: float
    """Time in training, all attempts together."""
    run: Path
    """Its run folder, with metrics.json and pictures."""


@dataclass(frozen=True)
class ColumnResult:
    """One row in one column: ours over all seeds, beside the paper's."""

    row: str
    """Key of the published row."""
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


@dataclass(frozen=True)
class Reproduction:
    """One table, run: ours beside the paper's."""

    table: str
    """Its name on the command line."""
    measure: str
    """What its numbers are shares of."""
    data: str
    """What ours were trained and scored on."""
    on_ave: bool
    """Whether that is AVE, as the paper's."""
    remark: str
    """How far ours and the paper's can be compared."""
    preset_family: str
    columns: tuple[ColumnResult, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, as in the JSON file."""
        data = asdict(self)
        for result, column in zip(data["columns"], self.columns, strict=True):
            result["seconds_trained"] = column.seconds_trained
            for seed in result["seeds"]:
                seed["run"] = seed["run"].as_posix()
        return data

    def save(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        write_atomically(path, dumps(self.to_dict()).encode())


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean and 95 % t-interval of one value a seed, kept within 0..1.

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
    row: str, column: str, heading: str, seeds: Sequence[SeedResult], paper_percent: float | None
) -> ColumnResult:
    """Sum up the seeds of one row in one column."""
    several = len(seeds) > 1
    interval = over_seeds([seed.accuracy.value for seed in seeds]) if several else seeds[0].accuracy
    return ColumnResult(
        row=row,
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
    row: str, column: str, heading: str, parts: Sequence[ColumnResult], paper_percent: float | None
) -> ColumnResult:
    """The mean of other columns, seed by seed."""
    values = [
        float(np.mean([seed.accuracy.value for seed in of_one_seed]))
        for of_one_seed in zip(*(part.seeds for part in parts), strict=True)
    ]
    several = len(values) > 1
    return ColumnResult(
        row=row,
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
