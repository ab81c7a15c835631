"""Style shared by all pictures and pages: colours, type sizes, forms of names and times."""

from __future__ import annotations

import functools
import io
import textwrap
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from dmin.errors import DminError, unknown_name
from dmin.files import readable, write_file

INK = "#1d2733"
MUTED = "#5f6b7a"
LINE = "#c9d1da"
FAINT = "#eef1f5"
PAPER = "#ffffff"
ACCENT = "#0072b2"
SECOND = "#d55e00"

SMALL, NORMAL, LARGE = 8.5, 9.5, 15.0
"""Sizes of type in points; readable where a picture of 11 inches is shown 1200 pixels wide or wider."""

DOTS_PER_INCH = 140

SOUND_COLOURS = LinearSegmentedColormap.from_list("sound", ["#f6f8fa", "#c3d4e3", "#6f97bb", "#2f5d8a", "#12263f"])
"""Silence is paper, loud is ink."""
SHARE_COLOURS = LinearSegmentedColormap.from_list("share", ["#ffffff", "#d3e5f1", "#7fb5d8", "#0072b2", "#00375a"])

_CATEGORY_COLOURS = (
    # Okabe and Ito's colours without black and yellow, then six that stay apart
    # from them and from each other for people without red or without green receptors as well (tested).
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#882255",
    "#999933",
    "#332288",
    "#66ccaa",
    "#7a4a2b",
    "#8458e0",
)
_ROUNDS = (("#ffffff", 0.0), ("#ffffff", 0.42), ("#000000", 0.38))
"""After the twelve colours come their lighter, then their darker versions."""
_FALLBACK_FONTS = ("Noto Sans CJK JP", "Noto Sans", "Hiragino Sans", "Microsoft YaHei", "Arial Unicode MS")


def category_colour(category: str, known: Sequence[str] = ()) -> str:
    """A category's colour, always the same one: by its place among the model's categories, else by its name.

    Args:
        category: Its name.
        known: All categories of the model, in the model's order.

    Example:
        >>> category_colour("Cat", ["Dog", "Cat"]), category_colour("Cat", ["Dog", "Cat", "Bell"])
        ('#d55e00', '#d55e00')
    """
    place = known.index(category) if category in known else zlib.crc32(category.encode("utf-8", "replace"))
    turn, index = divmod(place, len(_CATEGORY_COLOURS))
    towards, share = _ROUNDS[turn % len(_ROUNDS)]
    return blend(_CATEGORY_COLOURS[index], towards, share)


def blend(colour: str, towards: str, share: float) -> str:
    """Mix two colours; a share of 0 leaves the first as it is.

    Example:
        >>> blend("#ff0000", "#ffffff", 0.5)
        '#ff8080'
    """
    pairs = zip(to_rgb(colour), to_rgb(towards), strict=True)
    mixed = [(1 - share) * a + share * b for a, b in pairs]
    return to_hex((mixed[0], mixed[1], mixed[2]))


def ink_on(colour: str) -> str:
    """Dark or white type, whichever reads better on a colour (the larger contrast of WCAG).

    Example:
        >>> ink_on("#ffffff"), ink_on("#332288")
        ('#000000', '#ffffff')
    """
    contrasts = {ink: _contrast(ink, colour) for ink in ("#000000", PAPER)}
    return max(contrasts, key=lambda ink: contrasts[ink])


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@functools.cache
def fonts() -> list[str]:
    """Matplotlib's own font, then those installed here that know more scripts."""
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FALLBACK_FONTS if name in installed)]


def plain(text: Text) -> Text:
    """Take a text's dollars and the like as they are, and find glyphs of more scripts."""
    text.set_parse_math(False)
    text.set_fontfamily(fonts())
    return text


def shorten(name: str, characters: int) -> str:
    r"""One line of at most so many characters, its middle left out if need be.

    Example:
        >>> shorten("a very long name.mp4", 12), shorten("short\tname", 12)
        ('a very….mp4', 'short name')
    """
    name = " ".join(readable(name).split())
    if len(name) <= characters:
        return name
    tail = 2 * (characters - 1) // 5
    return f"{name[: characters - 1 - tail].rstrip()}…{name[len(name) - tail :]}"


def wrap(name: str, characters: int, lines: int = 2) -> str:
    """A name on few short lines.

    Example:
        >>> print(wrap("Male speech, man speaking", 14))
        Male speech,
        man speaking
    """
    rows = textwrap.wrap(" ".join(readable(name).split()), characters)
    if len(rows) > lines:
        rows = [*rows[: lines - 1], shorten(" ".join(rows[lines - 1 :]), characters)]
    return "\n".join(rows) or "(no name)"


def clock(seconds: float, longest_seconds: float) -> str:
    """A time as people write it; the longest one around decides whether hours and minutes are needed.

    Example:
        >>> clock(75, 90), clock(75, 600), clock(75, 7200)
        ('75 s', '1:15', '0:01:15')
    """
    if longest_seconds <= 120:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if longest_seconds >= 3600 else f"{60 * hours + minutes}:{rest:02d}"


def new_axes(width_inches: float, height_inches: float) -> Axes:
    """Axes in a figure of their own."""
    figure = Figure(figsize=(width_inches, height_inches), dpi=DOTS_PER_INCH, layout="constrained", facecolor=PAPER)
    axes: Axes = figure.add_subplot()
    return axes


def dress(ax: Axes, *, frame: bool = False) -> Axes:
    """Give axes the type, the colours and the few lines that all pictures share."""
    ax.set_facecolor(PAPER)
    for side in ("top", "right", "bottom", "left"):
        ax.spines[side].set(visible=frame, color=LINE, linewidth=0.8)
    ax.tick_params(color=LINE, labelcolor=MUTED, labelsize=SMALL, labelfontfamily="DejaVu Sans", length=3, width=0.8)
    return ax


def grid(ax: Axes, axis: Literal["x", "y"]) -> None:
    """Draw faint lines behind everything else."""
    ax.grid(axis=axis, color=FAINT)
    ax.set_axisbelow(True)


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Write names beside rows, the first one at the top."""
    ax.set_yticks(range(len(names)), names)
    for text in ax.get_yticklabels():
        plain(text).set(color=INK)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.5, -0.5)


def save(picture: Figure | Axes, path: str | Path) -> Path:
    """Write a picture, whole or not at all; the name's ending (.png, .svg, .pdf) chooses the format.

    Args:
        picture: A figure, or axes of it.
        path: The file; missing parent folders are created.

    Raises:
        DminError: The ending is unknown, or the place cannot be written.
    """
    path = Path(path)
    known = FigureCanvasBase.get_supported_filetypes()
    ending = path.suffix.lower().lstrip(".") or "png"
    if ending not in known:
        raise DminError(unknown_name("picture format", ending, known))
    write_file(path, render(picture, ending))
    return path


def render(picture: Figure | Axes, ending: str = "png") -> bytes:
    """The content of a picture's file, or of the one that axes belong to."""
    figure = picture.get_figure(root=True)
    assert figure is not None
    buffer = io.BytesIO()
    figure.savefig(buffer, format=ending, dpi=DOTS_PER_INCH)
    return buffer.getvalue()
