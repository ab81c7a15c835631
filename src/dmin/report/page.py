"""One HTML file with everything in it; `page.html.jinja` is its form."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import jinja2
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.files import readable, write_file
from dmin.report import style

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


Section = Text | Table | Picture | Metrics


def page(title: str, sections: Sequence[Section], introduction: str = "") -> str:
    """The page as text; all words that are given are escaped.

    Example:
        >>> "<h2>Why &amp; how</h2>" in page("A <title>", [Text("Why & how", ("Because.",))])
        True
    """
    return _template().render(title=title, sections=sections, introduction=introduction)


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


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dmin.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["words"] = _words
    return environment.get_template("page.html.jinja")


def _words(value: str | float | None) -> str:
    """A value as the page shows it, before it is escaped."""
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else readable(str(value))
