"""CSV: for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io

from dmin.results.events import Events
from dmin.results.formats import writes

CSV_HEADER = ("start_seconds", "end_seconds", "category", "score")


@writes("csv", ".csv", "one row per event, for spreadsheets and scripts")
def to_csv(events: Events) -> str:
    """A header with units, then one row per event.

    Example:
        >>> from dmin import Event
        >>> dog = Event(0.0, 7.0, "Dog", 0.91)
        >>> print(to_csv(Events("dog.mp4", 10.0, "starter", 0.5, (), (dog,))), end="")
        start_seconds,end_seconds,category,score
        0.0,7.0,Dog,0.91
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    writer.writerows((float(e.start_seconds), float(e.end_seconds), e.category, float(e.score)) for e in events)
    return text.getvalue()
