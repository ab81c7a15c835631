"""The table of sound event detection (DCASE)."""

from __future__ import annotations

from pathlib import Path

from dmin.results.events import Events
from dmin.results.formats import one_line, writes


@writes("tsv", ".tsv", "the table of sound event detection (DCASE), read by sed_eval")
def to_tsv(events: Events) -> str:
    """A header, then one row per event with tabs; a file without events has the header alone."""
    name = one_line(Path(events.video).name or events.video)
    rows = [f"{name}\t{e.start_seconds:.3f}\t{e.end_seconds:.3f}\t{one_line(e.category)}\n" for e in events]
    return "".join(["filename\tonset\toffset\tevent_label\n", *rows])
