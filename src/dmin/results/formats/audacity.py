"""A label track of Audacity."""

from __future__ import annotations

from dmin.errors import DataError
from dmin.results.events import Events
from dmin.results.formats import one_line, writes
from dmin.results.formats.reading import Label, reads, seconds_of


@writes("audacity", ".txt", "a label track of Audacity")
def to_audacity(events: Events) -> str:
    """A label track: start, end and category, with tabs between them."""
    return "".join(f"{e.start_seconds:.6f}\t{e.end_seconds:.6f}\t{one_line(e.category)}\n" for e in events)


@reads("label track of Audacity", ".txt")
def from_audacity(text: str) -> list[Label]:
    """Labels of a track; second lines with the frequencies of a selection, which begin with a backslash, are left out.

    Raises:
        DataError: A row is no label.
    """
    labels = []
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        fields = line.split("\t")
        if len(fields) < 2:
            raise DataError(f"row {row}: got {line!r}: must be start, end and label with tabs between them")
        start, end = seconds_of(fields[0]), seconds_of(fields[1])
        labels.append(Label(None, start, end, "\t".join(fields[2:])))
    return labels
