"""Parts shared by pictures of single clips: the clip, lanes with one label per second, and its sound."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.files import readable
from dmin.report import style
from dmin.report.rows import dress_row, stack_rows, write_times
from dmin.results.footage import Footage

Label = str | None
"""A second's category; None for background. In matching: "query", or None elsewhere."""
T = TypeVar("T")

TRUTH_HEIGHT = 0.46
"""Inches of a lane whose names may take three lines."""
MARKS_HEIGHT = 0.17
"""Inches more for the marks of wrong seconds, under the bars."""
ANSWERS_HEIGHT = TRUTH_HEIGHT + MARKS_HEIGHT
WRONG = "#a4001d"
"""The marks' colour. It says nothing that hatching and crosses do not say: prints may be grey."""
CROSS: dict[str, Any] = {"color": WRONG, "markersize": 8.5, "markeredgecolor": style.PAPER, "markeredgewidth": 0.8}
"""The form of the mark of a wrong second."""

_NAME_CHARACTERS, _ABOUT_CHARACTERS = 14, 110
_OTHER_ROWS = ("frames", "picture", "sound", "truth", "query")
_MOST_TICKS = 12
_PIECES = 80
"""Of a second of sound: as many as a picture of ten can show."""
_PAD_INCHES = 0.05


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip, or seconds of several clips side by side."""

    title: str
    about: str
    """A line under the title."""
    truth: tuple[Label, ...]
    """T labels, one at least."""
    frames: NDArray[np.uint8] | None = field(default=None, repr=False)
    """[T, H, W, 3], one a second."""
    waveform: NDArray[np.floating] | None = field(default=None, repr=False)
    """[T, S] in -1..1, S samples a second."""
    categories: tuple[str, ...] = ()
    """The model's, in its order: they choose the colours."""

    def __post_init__(self) -> None:
        seconds, frames, waveform = len(self.truth), self.frames, self.waveform
        if not seconds:
            raise DminError("the clip has no seconds: give the truth of one at least")
        if frames is not None and (frames.ndim != 4 or frames.shape[::3] != (seconds, 3) or frames.dtype != np.uint8):
            got = f"{list(frames.shape)} {frames.dtype}"
            raise DminError(
                f"frames are {got}: must be [T, H, W, 3] uint8 with T = {seconds}, as many as the truth has"
            )
        if waveform is not None and (waveform.ndim != 2 or len(waveform) != seconds or not waveform.size):
            got = f"{list(waveform.shape)}"
            raise DminError(f"waveform is {got}: must be [T, S] with T = {seconds}, as many as the truth has")


@dataclass(frozen=True, eq=False)
class Attention:
    """Attention of one system to a clip."""

    name: str
    weights: NDArray[np.floating] = field(repr=False)
    """At least 0, of any scale."""


def row_names(names: Iterable[str]) -> list[str]:
    r"""Names as they stand beside rows, on short lines.

    Raises:
        DminError: There is none, one is the name of another row, or two would look the same.

    Example:
        >>> row_names(["AVEL", "DMIN with dot product"])
        ['AVEL', 'DMIN with dot\nproduct']
    """
    names = list(names)
    wrapped = [style.wrap(name, _NAME_CHARACTERS, 3) for name in names]
    if not wrapped or len(set(wrapped)) < len(wrapped):
        raise DminError(f"names are {names}: give one at least, all different in their first and last characters")
    if taken := [name for name in names if name in _OTHER_ROWS]:
        raise DminError(f"the name {taken[0]!r} is that of another row: give a name that is none of {_OTHER_ROWS}")
    return wrapped


def stack_clip(clip: Clip, heights: Mapping[str, float]) -> tuple[Figure, dict[str, Axes]]:
    """Begin a clip's picture, as `stack_rows` does."""
    return stack_rows(heights, clip.title, style.shorten(clip.about, _ABOUT_CHARACTERS))


def film_of(frames: NDArray[np.uint8]) -> Footage:
    """Frames [T, H, W, 3] as footage of T seconds, each in the middle of its own."""
    instants = tuple(second + 0.5 for second in range(len(frames)))
    return Footage(tuple(frames), instants, None, float(len(frames)))


def runs(values: Iterable[T]) -> Iterator[tuple[T, int, int]]:
    """Runs of equal values, each with its start and its length.

    Example:
        >>> list(runs("aab"))
        [('a', 0, 2), ('b', 2, 1)]
    """
    start = 0
    for value, run in groupby(values):
        count = len(list(run))
        yield value, start, count
        start += count


def frame_seconds(ax: Axes, start: int, count: int, colour: str, width_points: float) -> None:
    """Draw a frame around some seconds of a row."""
    box = Rectangle((start, 0), count, 1, transform=ax.get_xaxis_transform(), fill=False, edgecolor=colour)
    box.set(linewidth=width_points, clip_on=False, zorder=6)
    ax.add_patch(box)


def known_categories(known: Sequence[str], labels: Iterable[Label]) -> tuple[str, ...]:
    """All categories by whose places colours are chosen: the model's, then those that it does not know."""
    return tuple(dict.fromkeys([*known, *(label for label in labels if label is not None)]))


def plot_labels(
    labels: Sequence[Label],
    ax: Axes,
    known: Sequence[str] = (),
    wrong: Sequence[bool] | None = None,
    background: str = "background",
) -> None:
    """Draw a lane of named bars, a bar per run of equal seconds.

    Args:
        labels: T of them.
        ax: Axes to draw in. Bars become its ``patches``, crosses its only line.
        known: All categories, in the model's order; they choose the colours.
        wrong: True for each of the T seconds that is wrong: those are pale and hatched, with a cross under each. None
            for a lane that cannot be wrong.
        background: Text for a label that is None.
    """
    known = known_categories(known, labels)
    dress_row(ax, len(labels))
    foot = 0.0 if wrong is None else MARKS_HEIGHT / max(float(ax.get_window_extent().height / ax.figure.dpi), 1e-3)
    marks = [False] * len(labels) if wrong is None else list(wrong)
    for (label, bad), start, count in runs(zip(labels, marks, strict=True)):
        draw_label(ax, label, (start, foot), (count, 1 - foot), known, background, wrong=bad)
        if bad:
            ax.hlines(foot / 2, start + 0.06, start + count - 0.06, color=WRONG, linewidth=1.6, zorder=3)
    places = [second + 0.5 for second, bad in enumerate(marks) if bad]
    ax.plot(places, [foot / 2] * len(places), "X", linestyle="none", zorder=4, **CROSS)


def draw_label(
    ax: Axes,
    label: Label,
    corner: tuple[float, float],
    size: tuple[float, float],
    known: Sequence[str] = (),
    background: str = "background",
    *,
    wrong: bool = False,
) -> None:
    """Draw one named bar in the axes' own units, from its lower left corner."""
    colour = style.FAINT if label is None else style.category_colour(label, known)
    rim, ink = (style.MUTED, style.MUTED) if label is None else (colour, style.ink_on(colour))
    face = style.blend(colour, style.PAPER, 0.75) if wrong else colour
    bar = Rectangle(corner, *size, facecolor=face, edgecolor=rim if wrong else style.PAPER, linewidth=1.0, zorder=1)
    if wrong:
        bar.set(hatch="////", zorder=2)  # its rim lies over its neighbours'
        ink = style.INK
    ax.add_patch(bar)
    middle = (corner[0] + size[0] / 2, corner[1] + size[1] / 2)
    words = background if label is None else label
    write_fitting(ax, words, middle, size, ink, halo=face if wrong else None)


def write_fitting(
    ax: Axes,
    words: str,
    middle: tuple[float, float],
    size: tuple[float, float],
    ink: str,
    *,
    halo: str | None = None,
) -> None:
    """Write words into a box: whole on as few lines as it takes, shortened only where three lines are too few.

    Args:
        ax: Axes to draw in.
        words: Text; nothing is written where not even three characters have room.
        middle: The box's middle, in the axes' units.
        size: Its width and height, likewise.
        ink: The type's colour.
        halo: A rim of this colour around the type, over hatching.
    """
    words = " ".join(words.split())
    if not words:
        return
    (left, bottom), (right, top) = ax.transData.transform([(0, 0), size])
    pad = 2 * _PAD_INCHES * ax.get_figure(root=True).dpi  # type: ignore[union-attr]  # drawn axes have a figure
    text = style.plain(ax.text(*middle, "", ha="center", va="center", fontsize=style.SMALL, color=ink, linespacing=1.0))
    text.set_zorder(3)
    if halo is not None:
        text.set_path_effects([withStroke(linewidth=3.0, foreground=halo)])
    for candidate in _settings(words):
        text.set(text=candidate, va="center" if "\n" in candidate else "center_baseline")
        box = text.get_window_extent()
        if box.width <= right - left - pad and box.height <= top - bottom - pad / 2:
            return
    text.remove()


def _settings(words: str) -> list[str]:
    """Ways to set words, the best first: whole on one, two, three lines, then ever shorter."""
    whole = [style.wrap(words, width, lines) for lines in (1, 2, 3) for width in range(len(words), 2, -1)]
    plain = readable(words)
    whole = [setting for setting in whole if setting.replace("\n", " ") == plain]  # no word is broken
    begun = [
        "\n".join(textwrap.wrap(plain, width, max_lines=3, placeholder="…", break_long_words=False))
        for width in range(len(plain), 5, -1)
    ]
    begun = [setting for setting in begun if len(setting) > len(plain) / 3]  # enough of it to be known by
    return list(dict.fromkeys([*whole, *begun, *(style.shorten(words, width) for width in range(20, 2, -1))]))


def plot_waveform(waveform: NDArray[np.floating], ax: Axes) -> None:
    """Draw a clip's sound [T, S], as loud as its loudest second allows."""
    dress_row(ax, len(waveform), -1.08, 1.08, frame=True)
    draw_waveform(ax, waveform.ravel() / loudest_of(waveform), (0, 0), len(waveform), 1.0, _PIECES * len(waveform))


def draw_waveform(
    ax: Axes,
    samples: NDArray[np.floating],
    start: tuple[float, float],
    width: float,
    half: float,
    pieces: int = _PIECES,
) -> None:
    """Draw sound [S] in -1..1 in the axes' own units, from the middle of its left edge."""
    samples = np.nan_to_num(np.asarray(samples, np.float32))
    starts = np.linspace(0, len(samples), min(pieces, len(samples)), endpoint=False).astype(int)
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)  # of each piece
    low, high = np.minimum(low, -0.012), np.maximum(high, 0.012)  # silence is a line
    x = start[0] + width * np.linspace(0, 1, len(low))
    ax.fill_between(x, start[1] + half * low, start[1] + half * high, color="#2f5d8a", linewidth=0, zorder=2)


def loudest_of(waveform: NDArray[np.floating]) -> float:
    """The largest sample, but never so small that silence would be blown up into noise."""
    return max(float(np.abs(np.nan_to_num(waveform)).max()), 0.02)


def write_seconds(ax: Axes, seconds: int) -> None:
    """Write times along the x-axis, at the borders of seconds."""
    write_times(ax, float(seconds))
    if seconds <= _MOST_TICKS:
        ax.xaxis.set_major_locator(FixedLocator(list(range(seconds + 1))))
