"""The answer a person gets: events with a start, an end, a category and a score. Plain data, no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from dmin.checks import check_within_unit
from dmin.errors import DataError, DminError, require

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from dmin.results.footage import Footage


@dataclass(frozen=True)
class Event:
    """One event: something that is heard and seen from one moment to another."""

    start_seconds: float
    """Start of the event, in seconds from the beginning of the video."""
    end_seconds: float
    """End of the event (exclusive), in seconds."""
    category: str
    """Name of the category."""
    score: float
    """Mean over the event's seconds of relevance times the category's score, in 0..1."""


@dataclass(frozen=True)
class Second:
    """Answer of the network for one second of the video."""

    start_seconds: float
    """Start of the second."""
    relevance: float
    """Probability that an event is both audible and visible here, in 0..1."""
    category: str
    """The best category of this second, whatever the relevance says."""
    scores: Mapping[str, float] = field(repr=False)
    """Every category's score; they sum to 1."""


@dataclass(frozen=True)
class Decided:
    """Seconds of a video that nothing that is still to come can change, as `Localizer.stream` gives them."""

    start_seconds: float
    """Start of the first of them."""
    end_seconds: float
    """End of the last; that of the video, if it is its last."""
    seconds: tuple[Second, ...] = field(repr=False)
    """One entry a second."""
    events: tuple[Event, ...]
    """Events that ended here, perhaps having started before; one that goes on comes once it has ended."""
    attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    """Spatial attention [T, H, W] of these seconds; None if the network has none."""


@dataclass(frozen=True)
class Events:
    """All that was found in one video. Iterating gives the events, in order of time."""

    video: str
    """Path of the video, as given."""
    duration_seconds: float
    """Length of the video."""
    model: str
    """Name of the model that was used."""
    threshold: float
    """Seconds of at least this relevance count as event."""
    seconds: tuple[Second, ...] = field(repr=False)
    """One entry a second."""
    events: tuple[Event, ...]
    """Seconds over the threshold, merged where neighbours share a category."""
    attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    """Spatial attention [T, H, W], each second summing to 1; None if the network has none."""
    frames_per_second: float | None = None
    """Of the video, for formats that count its frames; None if nobody knows."""
    footage: Footage | None = field(default=None, repr=False, compare=False)
    """Frames and sound for the picture, if they were kept; `plot` decodes the video again where they were not."""

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...

    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self.events[index]

    @property
    def nearest(self) -> Second | None:
        """The second of the highest relevance: if nothing was found, the nearest to an event. None without seconds.

        Example:
            >>> rows = tuple(Second(float(t), r, "Dog", {"Dog": 1.0}) for t, r in enumerate([0.1, 0.45, 0.2]))
            >>> Events("dog.mp4", 3.0, "starter", 0.5, rows, ()).nearest
            Second(start_seconds=1.0, relevance=0.45, category='Dog')
        """
        return max(self.seconds, key=lambda second: second.relevance, default=None)

    def summary(self, min_seconds: float = 1.0) -> str:
        """The number of events in words; without any, the second that came nearest to one, and why it is none.

        Args:
            min_seconds: What shorter events were dropped by.
        """
        if self:
            return f"{len(self)} event{'s' * (len(self) != 1)}"
        second = self.nearest
        if second is None:
            return "no event"
        short = second.relevance >= self.threshold
        why = f"shorter than {min_seconds:g} s" if short else f"threshold {self.threshold:.2f}"
        return f"no event; nearest: {second.category} {second.relevance:.2f} at {second.start_seconds:.0f} s, {why}"

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain lists and dicts, in the layout of the JSON file."""
        return {
            "video": self.video,
            "duration_seconds": self.duration_seconds,
            **({} if self.frames_per_second is None else {"frames_per_second": self.frames_per_second}),
            "model": self.model,
            "threshold": self.threshold,
            "seconds": [
                {
                    "start": second.start_seconds,
                    "relevance": second.relevance,
                    "category": second.category,
                    "scores": dict(second.scores),
                }
                for second in self.seconds
            ],
            "events": [
                {
                    "start": event.start_seconds,
                    "end": event.end_seconds,
                    "category": event.category,
                    "score": event.score,
                }
                for event in self.events
            ],
        }

    def above(self, threshold: float, min_seconds: float = 1.0) -> Events:
        """The events at another threshold; nothing is computed again.

        Args:
            threshold: Lowest relevance that counts as event, 0 to 1.
            min_seconds: Shorter events are dropped.

        Raises:
            ModelError: The threshold is out of range.
            DataError: ``min_seconds`` is below 0 or no number.
        """
        from dmin.results.merging import merge_seconds

        check_within_unit(threshold=threshold)
        events = merge_seconds(self.seconds, threshold, self.duration_seconds, min_seconds)
        return replace(self, threshold=threshold, events=events)

    def between(self, start_seconds: float, end_seconds: float) -> Events:
        """What lies between two times: the seconds that touch it, and the events, cut where it starts and ends.

        The times stay those of the video, and so does its duration.

        Raises:
            DataError: The end is not after the start.

        Example:
            >>> rows = tuple(Second(float(t), 0.9, "Dog", {"Dog": 1.0}) for t in range(9))
            >>> part = Events("dog.mp4", 9.0, "starter", 0.5, rows, (Event(1.0, 9.0, "Dog", 0.9),)).between(4.5, 7.0)
            >>> part[0], [second.start_seconds for second in part.seconds]
            (Event(start_seconds=4.5, end_seconds=7.0, category='Dog', score=0.9), [4.0, 5.0, 6.0])
        """
        if not start_seconds < end_seconds:
            raise DataError(f"{start_seconds:g} to {end_seconds:g} s holds nothing: the end must be after the start")
        touch = [start_seconds - 1 < second.start_seconds < end_seconds for second in self.seconds]
        cut = (
            replace(
                event,
                start_seconds=max(event.start_seconds, float(start_seconds)),
                end_seconds=min(event.end_seconds, float(end_seconds)),
            )
            for event in self.events
        )
        return replace(
            self,
            seconds=tuple(compress(self.seconds, touch)),
            events=tuple(event for event in cut if event.start_seconds < event.end_seconds),
            attention=None if self.attention is None else self.attention[touch],
        )

    def save(self, path: str | Path, format: str | None = None) -> str:  # as in other libraries
        """Write to a file in any format that `dmin list formats` shows; by default its ending chooses the format.

        Returns:
            The text that was written.

        Raises:
            DminError: There is no such format, or the file cannot be written.
        """
        from dmin.results import formats

        return formats.save(self, path, format)

    @classmethod
    def from_json(cls, source: str | Path) -> Events:
        """Read what `to_json` or `dmin localize` wrote: a file (a `Path`, or a name that ends in .json), or its text.

        Raises:
            DminError: The file cannot be read, or is not of this layout; the message names the place.
        """
        from dmin.results.formats.as_json import from_json

        if isinstance(source, str) and not source.endswith(".json"):
            return from_json(source)
        try:
            return from_json(Path(source).read_text("utf-8-sig"))
        except OSError as error:
            raise DminError(f"cannot read {source}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise DminError(f"{source} is not UTF-8 text (byte {error.start}): save it as UTF-8") from error

    def to_json(self, path: str | Path | None = None) -> str:
        """JSON text of everything; also written to ``path`` if given."""
        from dmin.results import formats

        return formats.write(formats.FORMATS["json"].to_text(self), path)

    def to_csv(self, path: str | Path | None = None) -> str:
        """CSV text, one row per event; also written to ``path`` if given."""
        from dmin.results import formats

        return formats.write(formats.FORMATS["csv"].to_text(self), path)

    def to_dataframe(self) -> Any:
        """The events as a pandas DataFrame, one row each, with the columns of the CSV file.

        Raises:
            MissingPackageError: pandas is not installed.
        """
        from dmin.results.formats.as_csv import CSV_HEADER

        rows = [(event.start_seconds, event.end_seconds, event.category, event.score) for event in self]
        return require("pandas", "dataframe").DataFrame(rows, columns=list(CSV_HEADER))

    def _repr_html_(self) -> str:
        """Relevance, events as bars, and a table, as notebooks show them; the video is not needed."""
        from dmin.report.answer import notebook_html

        return notebook_html(self)

    def plot(self, path: str | Path | None = None) -> Axes:
        """Draw the timeline (without footage, the video must be where it was); also saved to ``path`` if given."""
        from dmin.report.timeline import plot_events

        return plot_events(self, path)


def dumps(data: Mapping[str, Any] | list[Any]) -> str:
    """JSON with the indentation that all of dmin's files share."""
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    # Surrogates stand for bytes of a file name that are not UTF-8: escaped, the text can be written and says which.
    return re.sub(r"[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)
