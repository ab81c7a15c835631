"""The rows of a table that was run, in words: for the page and for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmin.evaluation import Interval
from dmin.paper.results import ColumnResult, Reproduction
from dmin.paper.tables import table

PRIORS = {
    "all_background": "all background",
    "every_second_is_event": "right category in every second",
    "uniform": "any window at random",
    "starts_with_clip": "starts with the clip",
    "ends_with_clip": "ends with the clip",
    "most_frequent": "usual start of its length",
    "linear_cca": "linear CCA of the features",
}
"""What each prior is. The last one is none in truth: it looks at the features, but needs no network."""
_LINEAR = "linear_cca"
_DASH = "–"


@dataclass(frozen=True)
class Lines:
    """A table's words."""

    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def comparison(reproduction: Reproduction) -> Lines:
    """Ours beside the paper's, and beside the best of what needs no network."""
    paper = "paper, %" if reproduction.on_ave else "paper, % (on AVE)"
    linear = any(_LINEAR in result.priors for result in reproduction.columns)
    headings = ["system", "column", "ours, %", "95 % interval", "best prior, %"]
    headings += ["linear CCA, %", paper] if linear else [paper]
    rows = []
    for result in reproduction.columns:
        row = [
            system(reproduction, result),
            result.heading,
            percent(result.mean),
            _DASH if result.interval is None else spread(result.interval),
            percent(max(value for name, value in result.priors.items() if name != _LINEAR)),
        ]
        if linear:
            row.append(percent(result.priors[_LINEAR]) if _LINEAR in result.priors else _DASH)
        row.append(_DASH if result.paper_percent is None else f"{result.paper_percent:.1f}")
        rows.append(tuple(row))
    return Lines(tuple(headings), rows)


def priors(reproduction: Reproduction) -> Lines:
    """What needs no network scores on the same clips, in percent."""
    names = list(dict.fromkeys(name for result in reproduction.columns for name in result.priors))
    headings = ("system", "column", "ours, %", *(f"{PRIORS[name]}, %" for name in names))
    rows = [
        (
            system(reproduction, result),
            result.heading,
            percent(result.mean),
            *(percent(result.priors[name]) if name in result.priors else _DASH for name in names),
        )
        for result in reproduction.columns
    ]
    return Lines(headings, rows)


def seeds(reproduction: Reproduction) -> Lines:
    """Each run alone, with its interval over clips."""
    headings = ("system", "column", "seed", "ours, %", "95 % interval over clips", "test clips", "trained", "run")
    rows = [
        (
            system(reproduction, result),
            result.heading,
            str(seed.seed),
            percent(seed.accuracy.value),
            spread(seed.accuracy),
            str(seed.test_clips),
            duration(seed.seconds_trained),
            seed.run.as_posix(),
        )
        for result in reproduction.columns
        for seed in result.seeds
    ]
    return Lines(headings, rows)


def intervals(results: Sequence[ColumnResult]) -> str:
    """What the intervals of columns are."""
    return "; ".join(dict.fromkeys(result.interval_of for result in results))


def system(reproduction: Reproduction, result: ColumnResult) -> str:
    """A row's name: the paper's "Ours" by its own name."""
    published = table(reproduction.table).row(result.row)
    return published.note if published.name == "Ours" else published.name


def percent(share: float) -> str:
    """A share in 0..1 as the paper prints it.

    Example:
        >>> percent(0.7961)
        '79.6'
    """
    return f"{100 * share:.1f}"


def spread(interval: Interval) -> str:
    """An interval's ends in percent."""
    return f"{percent(interval.low)} to {percent(interval.high)}"


def duration(seconds: float) -> str:
    """A time as people say it.

    Example:
        >>> duration(41.3), duration(754), duration(5 * 3600 + 130)
        ('41 s', '12 min 34 s', '5 h 02 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
