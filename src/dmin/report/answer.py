"""An answer as a piece of a web page: scores over time, bars to click on, and a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import resources

from dmin.report import style
from dmin.report.rows import round_times
from dmin.report.template import template
from dmin.results.events import Event, Events
from dmin.results.match import Match

_MOST_STEPS = 2000
"""More than a screen shows; of a longer recording, each step is the highest of several seconds."""


@dataclass(frozen=True)
class Bar:
    """A stretch of a recording."""

    label: str
    start_seconds: float
    end_seconds: float
    score: float
    colour: str

    @property
    def ink(self) -> str:
        """Colour of words on the bar."""
        return style.ink_on(self.colour)


@dataclass(frozen=True)
class Chart:
    """An answer, ready to be drawn."""

    column: str
    """Heading of the column of labels: category, or place."""
    curve: str
    """Name of the scores: relevance, or score."""
    duration_seconds: float
    values: Sequence[float] = field(repr=False)
    """One score a second, in 0..1."""
    first_seconds: float = field(kw_only=True, default=0.0)
    """Start of the first of them: a part of an answer begins later than its recording."""
    bars: Sequence[Bar]
    """The answer, in the order of the table."""
    threshold: float | None = None
    truth: Sequence[Bar] = ()
    """Stretches that should have been found."""

    @property
    def lanes(self) -> list[tuple[str, list[Bar]]]:
        """Rows of bars, each under the label that they share; the truth in a row of its own."""
        lanes: dict[str, list[Bar]] = {}
        for bar in self.bars:
            lanes.setdefault(bar.label, []).append(bar)
        return [*lanes.items(), *([("truth", list(self.truth))] if self.truth else [])]

    @property
    def outline(self) -> str:
        """Steps as the path of an SVG picture that is as wide as the duration in seconds, and 1 high."""
        width = max(1, -(-len(self.values) // _MOST_STEPS))
        path = f"M{self.first_seconds:g} 1"
        for start in range(0, len(self.values), width):
            end = min(self.first_seconds + min(start + width, len(self.values)), self.duration_seconds)
            path += f"V{1 - max(self.values[start : start + width]):.4f}H{end:g}"
        return path + "V1Z"

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Round times in seconds, each as words."""
        return [(time, self.clock(round(time, 3))) for time in round_times(self.duration_seconds)]

    def clock(self, seconds: float) -> str:
        """A time as people write it."""
        return style.clock(seconds, self.duration_seconds)

    def share(self, seconds: float) -> str:
        """A time as a percentage of the duration, for style sheets."""
        return f"{100 * seconds / self.duration_seconds if self.duration_seconds else 0:.3f}%"


def chart_of(answer: Events | Match, truth: Sequence[Event] = ()) -> Chart:
    """Turn an answer into what is to be drawn.

    Args:
        answer: Of a localizer or a matcher.
        truth: Events that should have been found.
    """
    if isinstance(answer, Match):
        return Chart("place", "score", answer.duration_seconds, answer.seconds, _places(answer))
    values = [second.relevance for second in answer.seconds]
    return Chart(
        "category",
        "relevance",
        answer.duration_seconds,
        values,
        _bars(answer, answer),
        answer.threshold,
        _bars(truth, answer),
        first_seconds=answer.seconds[0].start_seconds if answer.seconds else 0.0,
    )


def _bars(stretches: Iterable[Event], answer: Events) -> list[Bar]:
    known = list(answer.seconds[0].scores) if answer.seconds else []
    return [
        Bar(e.category, e.start_seconds, e.end_seconds, e.score, style.category_colour(e.category, known))
        for e in stretches
    ]


def _places(match: Match) -> list[Bar]:
    names = ("best place", "second", "third")
    colours = (style.ACCENT, style.blend(style.ACCENT, "#ffffff", 0.35), style.blend(style.ACCENT, "#ffffff", 0.6))
    return [
        Bar(
            name,
            window.start_seconds,
            min(window.start_seconds + match.query_seconds, match.duration_seconds),
            window.score,
            colour,
        )
        for name, colour, window in zip(names, colours, match.best(len(names)), strict=False)
    ]


def answer_html(answer: Events | Match, *, player: str | None = None, truth: Sequence[Event] = ()) -> str:
    """Write an answer as HTML, without style sheet and script.

    Args:
        answer: Of a localizer or a matcher.
        player: Id of the element that is or holds the video; a click on a bar or a row plays it from there. Without it
            there is nothing to click on.
        truth: Events that should have been found.
    """
    return template("answer.html.jinja").render(chart=chart_of(answer, truth), player=player)


def notebook_html(answer: Events | Match) -> str:
    """Write an answer as notebooks show it, with its style sheet."""
    return f"<style>{asset('answer.css')}</style>{answer_html(answer)}"


def asset(name: str) -> str:
    """The style sheet (answer.css) or the script (answer.js) of answers, as text."""
    return resources.files("dmin.report").joinpath(name).read_text("utf-8")
