"""One HTML file with everything in it; `page.html.jinja` is its form."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.files import write_file
from dmin.report import style
from dmin.report.answer import answer_html, asset
from dmin.report.template import template
from dmin.results.events import Event, Events
from dmin.results.formats import FORMATS

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers; the first cell of a row names it."""

    heading: str
    caption: str
    """Caption of the table."""
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str | float | None]]
    """Numbers are set to the right, fractions with three digits; None is a dash."""
    bold: int | None = None
    """The row that stands out, by its index."""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                raise DminError(
                    f"row {number} has {len(row)} cells: must have {len(self.columns)} ({', '.join(self.columns)})"
                )

    @property
    def numeric(self) -> list[bool]:
        """True for each column that holds a number."""
        return [any(isinstance(row[i], (int, float)) for row in self.rows) for i in range(len(self.columns))]


@dataclass(frozen=True)
class Picture:
    """A PNG picture that becomes part of the page."""

    heading: str
    png: bytes = field(repr=False)
    alt: str
    """Alternative text, for those who cannot see it."""
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.png.startswith(_PNG) or len(self.png) < 24:
            raise DminError(f"the picture {self.alt!r} is not PNG: give a PNG file, or a figure by Picture.of")
        if not self.alt.strip():
            raise DminError("a picture has no alt text: say in a sentence what it shows")

    @classmethod
    def of(cls, heading: str, picture: Figure | Axes, alt: str, caption: str = "") -> Picture:
        """A figure, or the one that axes belong to."""
        return cls(heading, style.render(picture), alt, caption)

    @property
    def size(self) -> tuple[int, ...]:
        """Width and height in pixels."""
        return struct.unpack(">II", self.png[16:24])

    @property
    def base64(self) -> str:
        """The file as base64."""
        return base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True)
class Metric:
    """One figure."""

    name: str
    value: str | float
    note: str = ""
    """Its interval, or what to compare it with."""


@dataclass(frozen=True)
class Metrics:
    """A few figures that matter most, set large."""

    heading: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Player:
    """A video that plays on the page, with its events as subtitles, as bars to click on and as a table."""

    heading: str
    video: bytes = field(repr=False)
    """An MP4 file that browsers play; it becomes part of the page."""
    events: Events
    truth: tuple[Event, ...] = ()
    """Events that should have been found."""
    caption: str = ""

    @property
    def source(self) -> str:
        """Address of the video."""
        return f"data:video/mp4;base64,{base64.b64encode(self.video).decode('ascii')}"

    @property
    def subtitles(self) -> str:
        """Address of the events as WebVTT."""
        text = FORMATS["vtt"].to_text(self.events)
        return f"data:text/vtt;base64,{base64.b64encode(text.encode()).decode('ascii')}"

    @property
    def answer(self) -> Markup:
        """The bars and the table."""
        return Markup(answer_html(self.events, player="player", truth=self.truth))


Section = Text | Table | Picture | Metrics | Player


def page(title: str, sections: Sequence[Section], introduction: str = "") -> str:
    """The page as text; all words that are given are escaped.

    Example:
        >>> "<h2>Why &amp; how</h2>" in page("A <title>", [Text("Why & how", ("Because.",))])
        True
    """
    plays = any(isinstance(section, Player) for section in sections)
    look, script = (Markup(asset(f"answer.{kind}")) if plays else "" for kind in ("css", "js"))
    return template("page.html.jinja").render(
        title=title, sections=sections, introduction=introduction, style=look, script=script
    )


def write_page(path: str | Path, title: str, sections: Sequence[Section], introduction: str = "") -> Path:
    """Write the page, whole or not at all.

    Args:
        path: The HTML file; missing parent folders are created.
        title: Its title and first heading.
        sections: What it holds, from the top.
        introduction: A paragraph under the title.

    Raises:
        DminError: The file cannot be written.
    """
    path = Path(path)
    write_file(path, page(title, sections, introduction).encode())
    return path
