"""Draws answers of several systems to one clip (the paper's Fig. 7 and 8): frames, sound, truth, a lane per system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.files import readable
from dmin.lab.paper.drawing.region_rows import KEY_HEIGHT, check_attention, overlays, plot_scale, scale_top
from dmin.lab.paper.drawing.second_lanes import (
    ANSWERS_HEIGHT,
    TRUTH_HEIGHT,
    WRONG,
    Label,
    check_clip,
    clip_film,
    known_categories,
    plot_labels,
    row_names,
    write_seconds,
)
from dmin.media.footage import columns_per_second, spectrogram
from dmin.report import style
from dmin.report.footage import film_height, plot_film, plot_spectrogram
from dmin.report.rows import INNER, stack_rows

_FEWEST_SAMPLES = 1024
"""Of a second of sound: the spectrogram's window."""
_BARS_MIDDLE = 1 - TRUTH_HEIGHT / ANSWERS_HEIGHT / 2
"""Share of a system's lane, from below, at which its bars have their middle: there its words stand."""
_KEY, _LOOKS = "", "\nlooks at"


@dataclass(frozen=True, eq=False)
class SystemAnswers:
    """Answer of one system to a clip."""

    name: str
    labels: tuple[Label, ...]
    """T categories, None for background. In matching: the query's name inside the window found, None elsewhere."""
    score: str | None = None
    """Words at the lane's end, on two lines at most; by default the share of right seconds."""
    attention: NDArray[np.floating] | None = field(default=None, repr=False)
    """[T, h, w], where it looks: then a strip under its lane shows it, on one scale with the other systems'."""


@dataclass(frozen=True, eq=False)
class ClipAnswers:
    """A clip, its truth, and what systems say of it."""

    title: str
    about: str
    """A line under the title."""
    truth: tuple[Label, ...]
    """T categories, None for background."""
    systems: tuple[SystemAnswers, ...]
    """From the top."""
    frames: NDArray[np.uint8] | None = field(default=None, repr=False)
    """[T, H, W, 3], one a second."""
    waveform: NDArray[np.floating] | None = field(default=None, repr=False)
    """[T, S] in -1..1, S samples a second, 1024 at least."""
    categories: tuple[str, ...] = ()
    """The model's, in its order: they choose the colours."""
    query: Literal["picture", "sound"] | None = None
    """In matching: the modality that asks; the truth's seconds get a frame in its row, and the truth is the query's."""
    background: str = "background"
    """Text for a label that is None."""

    def __post_init__(self) -> None:
        check_clip(self.truth, self.frames, self.waveform)
        row_names(system.name for system in self.systems)
        if self.waveform is not None and self.waveform.shape[1] < _FEWEST_SAMPLES:
            raise DminError(f"waveform is {list(self.waveform.shape)}: a second must have {_FEWEST_SAMPLES} samples")
        for system in self.systems:
            if len(system.labels) != len(self.truth):
                raise DminError(f"{system.name} has {len(system.labels)} labels: must have T = {len(self.truth)}")
            if system.attention is None:
                continue
            if self.frames is None:
                raise DminError(f"{system.name} has attention, but the clip has no frames to show it over")
            check_attention(system.name, system.attention, len(self.truth))


def systems_figure(clip: ClipAnswers) -> Figure:
    """Frames and sound, if there are any, the truth, and each system's answer with its wrong seconds marked."""
    names = row_names(system.name for system in clip.systems)
    truth = "truth" if clip.query is None else "query"
    film = None if clip.frames is None else clip_film(clip.frames)
    height = 0.0 if film is None else film_height(film, INNER, 1.2)
    heights = ({} if film is None else {"frames": height}) | ({} if clip.waveform is None else {"sound": 0.8})
    heights |= {truth: TRUTH_HEIGHT}
    for name, system in zip(names, clip.systems, strict=True):
        heights |= {name: ANSWERS_HEIGHT} | ({} if system.attention is None else {_looks(name): height})
    figure, rows = stack_rows(heights | {_KEY: KEY_HEIGHT}, clip.title, style.shorten(clip.about, 110))
    for name, ax in rows.items():
        for text in ax.texts:
            style.plain(text).set_y(_BARS_MIDDLE if name in names else 0.5)
            if name.endswith(_LOOKS):
                text.set_text(_LOOKS.strip())  # it stands under the system's name
    if film is not None:
        plot_film(film, rows["frames"])
    if clip.waveform is not None:
        _plot_sound(clip.waveform, rows["sound"])
    _plot_lanes(clip, truth, names, rows)
    _plot_key(rows[_KEY])
    _plot_attentions(clip, names, rows)
    if clip.query is not None:
        _frame_query(clip.truth, rows.get("frames" if clip.query == "picture" else "sound"))
    write_seconds(rows[list(heights)[-1]], len(clip.truth))
    return figure


def right_seconds(truth: Sequence[Label], labels: Sequence[Label]) -> str:
    r"""Words for the share of right seconds.

    Example:
        >>> right_seconds(["Dog", None, None], ["Dog", "Dog", None])
        '67 %\n2 of 3'
    """
    right = sum(said == true for said, true in zip(labels, truth, strict=True))
    return f"{100 * right / len(truth):.0f} %\n{right} of {len(truth)}"


def _looks(name: str) -> str:
    return f"{name}{_LOOKS}"


def _plot_sound(waveform: NDArray[np.floating], ax: Axes) -> None:
    columns = columns_per_second(len(waveform))
    pieces = [spectrogram(samples, len(samples), columns) for samples in np.nan_to_num(waveform)]
    plot_spectrogram(np.concatenate(pieces, axis=1), float(len(waveform)), ax)


def _plot_lanes(clip: ClipAnswers, truth: str, names: Sequence[str], rows: Mapping[str, Axes]) -> None:
    said = [label for system in clip.systems for label in system.labels]
    known = known_categories(clip.categories, [*clip.truth, *said])
    plot_labels(clip.truth, rows[truth], known=known, background=clip.background)
    _write_end(rows[truth], "seconds\nright" if all(system.score is None for system in clip.systems) else "", False)
    for name, system in zip(names, clip.systems, strict=True):
        wrong = [label != true for label, true in zip(system.labels, clip.truth, strict=True)]
        plot_labels(system.labels, rows[name], known=known, wrong=wrong, background=clip.background)
        score = system.score if system.score is not None else right_seconds(clip.truth, system.labels)
        _write_end(rows[name], readable(score), True, _BARS_MIDDLE)


def _plot_attentions(clip: ClipAnswers, names: Sequence[str], rows: Mapping[str, Axes]) -> None:
    maps = {name: s.attention for name, s in zip(names, clip.systems, strict=True) if s.attention is not None}
    if not maps or clip.frames is None:
        return
    top = scale_top(list(maps.values()))
    plot_scale(top, rows[_KEY])
    for name, attention in maps.items():
        plot_film(clip_film(overlays(clip.frames, attention, top)), rows[_looks(name)])


def _write_end(ax: Axes, words: str, strong: bool, height: float = 0.5) -> None:
    text = ax.text(
        1.008, height, words, transform=ax.transAxes, va="center", linespacing=1.1, fontsize=style.SMALL,
        color=style.INK if strong else style.MUTED,
    )  # fmt: skip
    style.plain(text).set_fontweight("bold" if strong else "normal")


def _frame_query(truth: Sequence[Label], ax: Axes | None) -> None:
    """A frame around the truth's seconds in the row that asks, if it is there."""
    start = 0
    for label, run in groupby(truth):
        count = len(list(run))
        if ax is not None and label is not None:
            box = Rectangle(
                (start, 0), count, 1, transform=ax.get_xaxis_transform(), fill=False, edgecolor=style.ACCENT,
                linewidth=2.6, clip_on=False, zorder=5,
            )  # fmt: skip
            ax.add_patch(box)
        start += count


def _plot_key(ax: Axes) -> None:
    """Draw the legend of hatching and crosses."""
    ax.set_axis_off()
    ax.set(xlim=(0, INNER), ylim=(0, KEY_HEIGHT), xticks=[], yticks=[])  # inches
    low = -0.28
    box = Rectangle(
        (0, low), 0.36, 0.16, facecolor=style.PAPER, edgecolor=style.MUTED, hatch="////", linewidth=1, clip_on=False
    )
    ax.add_patch(box)
    ax.plot(
        [0.5], [low + 0.08], "X", color=WRONG, markersize=8.5, markeredgecolor=style.PAPER, markeredgewidth=0.8,
        clip_on=False,
    )  # fmt: skip
    ax.text(0.64, low + 0.08, "a wrong second", va="center_baseline", fontsize=style.SMALL, color=style.INK)
