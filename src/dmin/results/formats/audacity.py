"""A label track of Audacity."""

from __future__ import annotations

from dmin.results.events import Events
from dmin.results.formats import one_line, writes


@writes("audacity", ".txt", "a label track of Audacity")
def to_audacity(events: Events) -> str:
    """A label track: start, end and category, with tabs between them."""
    return "".join(f"{e.start_seconds:.6f}\t{e.end_seconds:.6f}\t{one_line(e.category)}\n" for e in events)
