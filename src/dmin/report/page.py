"""One HTML file with everything in it: no script, nothing fetched, light and dark, readable by ear."""

from __future__ import annotations

import base64
import html
import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.files import readable, write_file
from dmin.report import style

_PNG = b"\x89PNG\r\n\x1a\n"

_CSS = """
:root { color-scheme: light dark; --paper: #ffffff; --card: #f5f7f9; --ink: #1d2733; --muted: #566171;
  --line: #d5dce3; --accent: #0067a0; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12171d; --card: #1b222a; --ink: #e6ebf0; --muted: #9dabb9; --line: #333e49; --accent: #6db8e8; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 system-ui, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 1120px; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .75rem; overflow-wrap: anywhere; }
section { margin-top: 2.5rem; }
p { max-width: 72ch; margin: 0 0 .75rem; overflow-wrap: anywhere; }
figure { margin: 0; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: 10px; }
figcaption, caption, .note { color: var(--muted); font-size: .92rem; }
figcaption { margin-top: .6rem; max-width: 80ch; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: .9rem; margin: 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1.1rem; }
dt { color: var(--muted); font-size: .92rem; }
dd { margin: 0; }
dd.value { font-size: 1.75rem; font-weight: 650; line-height: 1.3; color: var(--accent); font-variant-numeric:
  tabular-nums; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: min(100%, 32rem); }
caption { text-align: left; padding-bottom: .5rem; }
th, td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
thead th { color: var(--muted); font-size: .92rem; }
tr.bold td, tr.bold th { font-weight: bold; }
td.number, th.number { text-align: right; padding-left: 1.2rem; }
a { color: var(--accent); }
@media print { main { max-width: none; padding: 0; } section { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    heading: str
    paragraphs: tuple[str, ...] | str

    def body(self) -> str:
        """As HTML."""
        paragraphs = (self.paragraphs,) if isinstance(self.paragraphs, str) else self.paragraphs
        return "".join(f"<p>{_escape(paragraph)}</p>\n" for paragraph in paragraphs)


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

    def body(self) -> str:
        """As HTML."""
        numeric = [any(isinstance(row[i], (int, float)) for row in self.rows) for i in range(len(self.columns))]
        head = "".join(
            f'<th scope="col"{_number_class(right)}>{_escape(name)}</th>'
            for name, right in zip(self.columns, numeric, strict=True)
        )
        body = "".join(self._row(row, numeric, index == self.bold) for index, row in enumerate(self.rows))
        return (
            f'<div class="scroll"><table>\n<caption>{_escape(self.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}</tbody>\n</table></div>\n"
        )

    def _row(self, row: Sequence[str | float | None], numeric: Sequence[bool], bold: bool) -> str:
        cells = [f'<th scope="row"{_number_class(numeric[0])}>{_cell(row[0])}</th>'] if row else []
        cells += [f"<td{_number_class(r)}>{_cell(v)}</td>" for v, r in zip(row[1:], numeric[1:], strict=True)]
        stands_out = ' class="bold"' if bold else ""
        return f"<tr{stands_out}>{''.join(cells)}</tr>\n"


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
    def of(cls, heading: str, source: Figure | str | Path, alt: str, caption: str = "") -> Picture:
        """A figure, or a PNG file.

        Raises:
            DminError: The file cannot be read or is not PNG.
        """
        if isinstance(source, Figure):
            buffer = io.BytesIO()
            source.savefig(buffer, format="png", dpi=style.DOTS_PER_INCH)
            return cls(heading, buffer.getvalue(), alt, caption)
        try:
            return cls(heading, Path(source).read_bytes(), alt, caption)
        except OSError as error:
            raise DminError(f"cannot read the picture {source}: {error.strerror}") from error

    def body(self) -> str:
        """As HTML."""
        width, height = struct.unpack(">II", self.png[16:24])
        data = base64.b64encode(self.png).decode("ascii")
        caption = f"<figcaption>{_escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure><img width="{width}" height="{height}" alt="{_escape(self.alt)}" '
            f'src="data:image/png;base64,{data}">{caption}</figure>\n'
        )


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

    def body(self) -> str:
        """As HTML."""
        tiles = "".join(
            f'<div><dt>{_escape(m.name)}</dt><dd class="value">{_cell(m.value)}</dd>'
            + (f'<dd class="note">{_escape(m.note)}</dd>' if m.note else "")
            + "</div>\n"
            for m in self.metrics
        )
        return f"<dl>\n{tiles}</dl>\n"


Section = Text | Table | Picture | Metrics


def page(title: str, sections: Sequence[Section], introduction: str = "") -> str:
    """The page as text; all words that are given are escaped.

    Example:
        >>> "<h2>Why &amp; how</h2>" in page("A <title>", [Text("Why & how", "Because.")])
        True
    """
    parts = [
        f"<section>\n{f'<h2>{_escape(section.heading)}</h2>' if section.heading else ''}\n{section.body()}</section>\n"
        for section in sections
    ]
    lead = f"<p>{_escape(introduction)}</p>\n" if introduction else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # An empty icon keeps browsers from asking a server for one.
        '<link rel="icon" href="data:,">\n'
        f"<title>{_escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{_escape(title)}</h1>\n{lead}{''.join(parts)}</main>\n</body>\n</html>\n"
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


def _escape(words: str) -> str:
    return html.escape(readable(words), quote=True)


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return _escape(str(value))


def _number_class(right: bool) -> str:
    return ' class="number"' if right else ""
