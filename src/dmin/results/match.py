"""The answer a person gets who asked where a sound is seen, or a picture heard. Plain data, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmin.results.events import dumps

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Window:
    """One place where the query could lie."""

    start_seconds: float
    """Start in the recording that was searched."""
    score: float
    """Mean over its seconds of how sure the network is that they belong to the query, in 0..1."""


@dataclass(frozen=True, repr=False)
class Match:
    """Places of a query of one modality in a recording of the other.

    The window with the largest sum of logits over its seconds is the answer, as in the paper. Scores are sigmoids of
    those logits, which are easier to read; now and then another window has a slightly larger one.
    """

    query: str
    """Path of the recording that the query is from, as given."""
    inside: str
    """Path of the recording that was searched, as given."""
    direction: str
    """"a2v": a sound was searched in the picture. "v2a": a picture was searched in the sound."""
    model: str
    """Name of the model that was used."""
    query_start_seconds: float
    """Start of the query in its recording."""
    query_end_seconds: float
    """End of the query there (exclusive)."""
    query_seconds: int
    """K, length of the query in whole seconds."""
    duration_seconds: float
    """Length of the recording that was searched."""
    start_seconds: float
    """Start of the best window."""
    end_seconds: float
    """End of the best window (exclusive)."""
    score: float
    """The best window's score, in 0..1."""
    margin: float | None
    """By how much its mean logit exceeds that of the next best window that does not overlap it, 0 or more; None if
    there is no such window."""
    windows: tuple[Window, ...]
    """One for each second at which the query could start, in order of time."""
    seconds: tuple[float, ...]
    """Score of each second of the recording: how sure the network is that it belongs to the query, in 0..1."""

    def __repr__(self) -> str:
        return (
            f"Match({self.query!r} inside {self.inside!r}, {self.direction}: {self.start_seconds:g} to "
            f"{self.end_seconds:g} s of {self.duration_seconds:g} s, score {self.score:.2f})"
        )

    def best(self, count: int) -> tuple[Window, ...]:
        """The answer and the best windows by score that overlap neither it nor each other, best first.

        Example:
            >>> windows = tuple(Window(float(t), score) for t, score in enumerate([0.1, 0.7, 0.9, 0.2, 0.3]))
            >>> match = Match("a.wav", "b.mp4", "a2v", "mine", 0.0, 2.0, 2, 6.0, 2.0, 4.0, 0.9, 1.5, windows, ())
            >>> print(*(window.start_seconds for window in match.best(3)))
            2.0 4.0 0.0
        """
        chosen = [window for window in self.windows if window.start_seconds == self.start_seconds]
        for window in sorted(self.windows, key=lambda window: -window.score):
            if all(abs(window.start_seconds - other.start_seconds) >= self.query_seconds for other in chosen):
                chosen.append(window)
        return tuple(chosen[:count])

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain lists and dicts, in the layout of the JSON file."""
        return {
            "query": self.query,
            "inside": self.inside,
            "direction": self.direction,
            "model": self.model,
            "query_start": self.query_start_seconds,
            "query_end": self.query_end_seconds,
            "query_seconds": self.query_seconds,
            "duration_seconds": self.duration_seconds,
            "start": self.start_seconds,
            "end": self.end_seconds,
            "score": self.score,
            "margin": self.margin,
            "windows": [{"start": window.start_seconds, "score": window.score} for window in self.windows],
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """JSON text of the answer; also written to ``path`` if given."""
        from dmin.results import formats

        return formats.write(dumps(self.to_dict()), path)

    def _repr_html_(self) -> str:
        """Scores, the best places as bars, and a table, as notebooks show them; the recordings are not needed."""
        from dmin.report.answer import notebook_html

        return notebook_html(self)

    def plot(self, path: str | Path | None = None) -> Axes:
        """Draw the answer (needs both recordings to be where they were); also saved to ``path`` if given."""
        from dmin.report.match_picture import plot_match

        return plot_match(self, path)
