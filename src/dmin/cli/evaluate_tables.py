"""The figures of `dmin evaluate` as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from dmin.evaluation import CcaFigures, GroupFigures, Interval, LocalizationReport, MatchingReport


def metrics_table(report: LocalizationReport) -> Table:
    """The figures of event localization."""
    table = _table(f"{report.model} on {report.split}: {_clips(report.clips)}, {report.seconds} seconds")
    table.add_row("both: segment accuracy", _counted(report.segment_accuracy))
    table.add_row("  prior: all background", f"{report.priors.all_background:.3f}")
    table.add_row("  prior: right category in every second", f"{report.priors.every_second_is_event:.3f}")
    table.add_row("  its category in every second", _counted(report.category_in_every_second))
    table.add_row("when: event / background, category given", _counted(report.event_accuracy))
    for seconds, boundaries in report.boundary_f1.items():
        table.add_row(f"  F1 of boundaries, {_within(seconds)}", _counted(boundaries))
    table.add_row("what: category, seconds given", _counted(report.category_accuracy_given_event))
    without_events = report.confusion[-1, -1] == report.seconds  # in truth and answer: no F1 is defined
    of_events = {f"whole events, F1 at IoU {iou}": value for iou, value in report.event_f1.items()}
    for words, value in {"event / background F1": report.relevance_f1, **of_events}.items():
        table.add_row(words, "-" if without_events else f"{value:.3f}")
    if report.false_event_seconds is not None:
        table.add_row("false events on clips of no category", _counted(report.false_event_seconds))
    if report.groups is not None:
        table.caption = f"which categories training has, in the table below, is told by {report.seen_by}"
    return table


def groups_table(groups: Mapping[str, GroupFigures]) -> Table:
    """Figures of seen and unseen categories apart, ours above those of OV-AVEBench."""
    table = Table(title="Categories that training has (seen) and lacks (unseen)", title_justify="left")
    table.add_column("measure [95 % interval]")
    for name, figures in groups.items():
        table.add_column(f"{name}, {_clips(figures.clips)}")
    for key, words in _GROUP_ROWS.items():
        table.add_row(words, *(str(getattr(figures, key)) for figures in groups.values()))
    return table


_GROUP_ROWS = {
    "segment_accuracy": "segment accuracy",
    "event_accuracy": "when: event / background, category given",
    "category_accuracy_given_event": "what: category, seconds given",
    "benchmark_accuracy": "OV-AVEBench: accuracy",
    "benchmark_segment_f1": "OV-AVEBench: segment F1",
    "benchmark_event_f1": "OV-AVEBench: event F1",
}


def _within(seconds: str) -> str:
    return "exact" if seconds == "0" else f"off by {seconds} s at most"


def matching_table(report: MatchingReport) -> Table:
    """The figures of cross-modality localization."""
    left_out = f" ({report.left_out} without a query left out)" if report.left_out else ""
    table = _table(f"{report.model}, {report.direction}, on {report.split}: {report.clips} clips{left_out}")
    priors = report.priors
    table.add_row("exact window", _counted(report.exact))
    table.add_row("  prior: any window at random", f"{priors.uniform:.3f}")
    table.add_row("  prior: starts with the clip", f"{priors.starts_with_clip:.3f}")
    table.add_row("  prior: ends with the clip", f"{priors.ends_with_clip:.3f}")
    if priors.most_frequent is not None:
        table.add_row("  prior: usual start of its length", f"{priors.most_frequent:.3f}")
    table.add_row("  model minus best prior", _counted(report.minus_best_prior))
    if report.cca is not None:
        table.add_row("linear CCA, exact window", _counted(report.cca.exact))
    if report.minus_cca is not None:
        table.add_row("  model minus linear CCA", _counted(report.minus_cca))
    table.add_row("mean absolute offset, s", _counted(report.mean_absolute_offset_seconds))
    if report.cca is not None:
        table.add_row("  of linear CCA, s", _counted(report.cca.mean_absolute_offset_seconds))
    for row in report.lengths:
        table.add_row(
            f"exact, queries of {row.seconds} s",
            f"{row.exact:.3f}, at random {row.uniform:.3f} ({_clips(row.clips)})",
        )
    table.caption = f"protocol {report.protocol}, matching {report.matching}"
    if report.cca is not None:
        table.caption += f"; {_words(report.cca)}"
    return table


def _words(cca: CcaFigures) -> str:
    """Describe how the linear CCA was fitted."""
    choice = cca.choice
    by = "not chosen, for want of a validation split" if choice.validation_exact is None else "chosen on validation"
    return f"CCA of {choice.comparison}, {choice.components} components, ridge {choice.ridge:g}, {by}"


def _counted(interval: Interval) -> str:
    """A figure, its interval and the number of clips behind it."""
    few = ", no interval" if interval.low is None and interval.clips != 0 else ""
    return f"{interval} ({_clips(interval.clips)}{few})"


def _clips(count: int | None) -> str:
    return f"{count} clip{'s' * (count != 1)}"


def _table(title: str) -> Table:
    table = Table(title=title)
    table.add_column("measure")
    table.add_column("value [95 % interval]")
    return table
