"""A table that was run, in words: for the page, for the command line and for documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from dmin.evaluation import Interval
from dmin.lab.paper.grid import grid_of, mil_pooling
from dmin.lab.paper.results import ColumnResult, Reproduction
from dmin.lab.paper.tables import table

PRIORS = {
    "all_background": "all background",
    "every_second_is_event": "right category in every second",
    "uniform": "any window at random",
    "starts_with_clip": "starts with the clip",
    "ends_with_clip": "ends with the clip",
    "most_frequent": "usual start of its length",
    "linear_cca": "linear CCA of the features",
}
"""Descriptions of the priors. The last one is not really a prior: it sees the features, but needs no network."""
_DASH = "–"


@dataclass(frozen=True)
class Lines:
    """A table's words."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    bold: int | None = None
    """The row that stands out, by its index."""


@dataclass(frozen=True)
class Order:
    """All pairs of systems of a column, their order compared with the paper's."""

    agree: tuple[str, ...]
    """Pairs whose intervals are apart, in the paper's order."""
    disagree: tuple[str, ...]
    """Pairs whose intervals are apart, in the other order."""
    open: int
    """Pairs whose intervals overlap."""


def comparison(reproduction: Reproduction) -> list[Lines]:
    """Ours beside the paper's, a table per column, in the paper's order of systems.

    Under weak supervision a last column says how each system pools, for systems that pool differently know different
    things of their training clips.
    """
    paper = "paper, %" if reproduction.setting.on_ave else "paper, % (on AVE)"
    headings = ("system", "ours, %", "95 % interval", "seeds", paper, "weights", "ms a step")
    tables = []
    for name in column_names(reproduction):
        results = reproduction.of_column(name)
        rows: list[tuple[str, ...]] = [
            (
                marked_name(result),
                percent(result.mean),
                _DASH if result.interval is None else spread(result.interval),
                _DASH if not result.seeds else str(len(result.seeds)),
                _DASH if result.paper_percent is None else f"{result.paper_percent:.1f}",
                _DASH if result.parameters is None else f"{result.parameters:,}",
                _DASH if result.seconds_a_step is None else f"{1000 * result.seconds_a_step:.0f}",
            )
            for result in results
        ]
        run = reproduction.setting
        poolings = [mil_pooling(run.table, result.row, name, run.preset_family, run.options) for result in results]
        if any(poolings):
            rows = [(*row, pooling or _DASH) for row, pooling in zip(rows, poolings, strict=True)]
        names = (*headings, "MIL pooling") if any(poolings) else headings
        tables.append(Lines(results[0].heading, names, rows, winner(results)))
    return tables


def winner(results: Sequence[ColumnResult]) -> int | None:
    """The best result, if its interval is above all others' intervals; None if there is no such one.

    A marked result wins nothing: it is not to be compared.
    """
    best = max(range(len(results)), key=lambda index: results[index].mean)
    interval = results[best].interval
    others = [result.interval for index, result in enumerate(results) if index != best]
    if interval is None or results[best].mark or not others:
        return None
    apart = all(other is not None and other.bounds[1] < interval.bounds[0] for other in others)
    return best if apart else None


def order(results: Sequence[ColumnResult]) -> Order:
    """Pairs of a column's systems: in the paper's order, in the other one, or not told apart."""
    agree: list[str] = []
    disagree: list[str] = []
    undecided = 0
    for one, other in combinations([result for result in results if not result.mark], 2):
        if one.paper_percent is None or other.paper_percent is None or one.paper_percent == other.paper_percent:
            continue
        low, high = (one, other) if one.paper_percent < other.paper_percent else (other, one)
        if low.interval is None or high.interval is None or _overlap(low.interval, high.interval):
            undecided += 1
        else:
            (agree if low.mean < high.mean else disagree).append(f"{_plain(low)} < {_plain(high)}")
    return Order(tuple(agree), tuple(disagree), undecided)


def order_words(reproduction: Reproduction) -> list[str]:
    """The order of systems beside the paper's, a paragraph per column that the paper has."""
    paragraphs = []
    for name in column_names(reproduction):
        results = reproduction.of_column(name)
        found = order(results)
        pairs = len(found.agree) + len(found.disagree) + found.open
        if not pairs:
            continue
        text = (
            f"{results[0].heading}, pairs of systems that the paper orders: {pairs}; in the same order here, with "
            f"intervals apart: {len(found.agree)}; in the other order: {len(found.disagree)}; with intervals that "
            f"overlap: {found.open}."
        )
        if found.disagree:
            text += f" The paper has, and here it is the other way round: {'; '.join(found.disagree)}."
        paragraphs.append(text)
    return paragraphs


def marks(reproduction: Reproduction) -> list[str]:
    """Remarks on marked rows, and the rows whose specification is our reading."""
    marked = [f"† {_plain(result)}: {result.mark}" for result in reproduction.columns if result.mark]
    readings = [f"‡ {_plain(result)}: {result.source}" for result in reproduction.columns if _is_reading(result)]
    return list(dict.fromkeys([*marked, *readings]))


def priors(reproduction: Reproduction) -> Lines:
    """Scores of answers without a network on the same clips, in percent, one row per column."""
    of_column = {name: reproduction.of_column(name)[0] for name in column_names(reproduction)}
    names = list(dict.fromkeys(prior for result in of_column.values() for prior in result.priors))
    headings = ("column", *(f"{PRIORS[name]}, %" for name in names))
    rows = [
        (result.heading, *(percent(result.priors[name]) if name in result.priors else _DASH for name in names))
        for result in of_column.values()
    ]
    return Lines("What needs no network", headings, rows)


def seeds(reproduction: Reproduction) -> Lines:
    """Each run alone, with its interval over clips."""
    headings = ("system", "column", "seed", "ours, %", "95 % interval over clips", "test clips", "trained", "run")
    rows = [
        (
            result.name,
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
    return Lines("Each run", headings, rows)


def setting(reproduction: Reproduction) -> str:
    """Conditions under which the table was run."""
    options = ", ".join(f"{name} {value}" for name, value in reproduction.setting.options.items())
    changed = f", with {options}" if options else ""
    intervals = "; ".join(dict.fromkeys(result.interval_of for result in reproduction.columns))
    return (
        f"{reproduction.setting.data}; presets of the family {reproduction.setting.preset_family}{changed}; {intervals}"
    )


def markdown(reproduction: Reproduction) -> str:
    """The whole table for a document."""
    published = table(reproduction.table)
    blocks = [f"**Table {published.number}.** {published.title}.", f"Ours: {setting(reproduction)}."]
    for lines in [*comparison(reproduction), priors(reproduction)]:
        rows = [tuple(f"**{cell}**" for cell in row) if i == lines.bold else row for i, row in enumerate(lines.rows)]
        dashes = ("---",) * len(lines.headings)
        blocks.append(f"{lines.title}:")
        blocks.append("\n".join(f"| {' | '.join(row)} |" for row in (lines.headings, dashes, *rows)))
    return "\n\n".join([*blocks, *marks(reproduction), *order_words(reproduction), reproduction.setting.remark]) + "\n"


def column_names(reproduction: Reproduction) -> list[str]:
    """Names of the columns that have results, averages last."""
    grid = grid_of(reproduction.table)
    names = [column.name for column in grid.columns] + list(grid.averages)
    return [name for name in names if reproduction.of_column(name)]


def marked_name(result: ColumnResult) -> str:
    """A system's name with its marks."""
    return _plain(result) + (" †" if result.mark else "") + (" ‡" if _is_reading(result) else "")


def percent(share: float) -> str:
    """A share in 0..1 as the paper prints it.

    Example:
        >>> percent(0.7961)
        '79.6'
    """
    return f"{100 * share:.1f}"


def spread(interval: Interval) -> str:
    """An interval's ends in percent."""
    if interval.low is None or interval.high is None:
        return "too few clips"
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


def _plain(result: ColumnResult) -> str:
    """A system's name, its asterisks as a sign that Markdown takes for no emphasis."""
    return result.name.replace("*", "∗")


def _is_reading(result: ColumnResult) -> bool:
    """True if parts of the system's specification are a reading or a choice of ours."""
    return "reading" in result.source or "choice of ours" in result.source


def _overlap(one: Interval, other: Interval) -> bool:
    return one.bounds[0] <= other.bounds[1] and other.bounds[0] <= one.bounds[1]
