"""Draws several systems on one clip: their answers (the paper's Fig. 7 and 8), and where they look (Fig. 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from dmin.errors import DminError
from dmin.files import readable
from dmin.lab.paper.drawing.clips import (
    ANSWERS_HEIGHT,
    CROSS,
    TRUTH_HEIGHT,
    Attention,
    Clip,
    Label,
    film_of,
    frame_seconds,
    known_categories,
    plot_labels,
    row_names,
    runs,
    stack_clip,
    write_seconds,
)
from dmin.media.footage import columns_per_second, spectrogram
from dmin.report import style
from dmin.report.footage import film_height, glow, plot_film, plot_spectrogram
from dmin.report.rows import INNER, dress_row, write_end

_FEWEST_SAMPLES = 1024
"""Of a second of sound: the spectrogram's window."""
_BARS_MIDDLE = 1 - TRUTH_HEIGHT / ANSWERS_HEIGHT / 2
"""Share of a system's lane, from below, at which its bars have their middle: there its words stand."""
_LEAST_TOP = 2.0
"""The scale ends here at the earliest: regions with less than twice an even share are not blown up to look decided."""
_HIGHEST, _ALL_ROWS = 1.35, 5.6
"""Inches of one row of regions, and of all together, at most."""
_KEY, _KEY_HEIGHT = "", 0.22
"""The row for keys, and its inches; they reach into the picture's foot."""
_LOOKS = "\nlooks at"


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


def systems_figure(
    clip: Clip, systems: Sequence[SystemAnswers], query: Literal["picture", "sound"] | None = None
) -> Figure:
    """Draw frames and sound, if there are any, the truth, and each system's answer with its wrong seconds marked.

    Args:
        clip: The clip; a second of its sound has 1024 samples at least.
        systems: From the top.
        query: In matching, the modality that asks: the truth is the query's place, framed in this modality's row.

    Raises:
        DminError: A part does not fit the clip.
    """
    names = row_names(system.name for system in systems)
    _check_answers(clip, systems)
    maps = {f"{name}{_LOOKS}": s.attention for name, s in zip(names, systems, strict=True) if s.attention is not None}
    truth, background = ("truth", "background") if query is None else ("query", "elsewhere")
    film = None if clip.frames is None else film_of(clip.frames)
    height = 0.0 if film is None else film_height(film, INNER, 1.2)
    heights = ({} if film is None else {"frames": height}) | ({} if clip.waveform is None else {"sound": 0.8})
    heights |= {truth: TRUTH_HEIGHT}
    for name in names:
        looks = f"{name}{_LOOKS}"
        heights |= {name: ANSWERS_HEIGHT} | ({looks: height} if looks in maps else {})
    figure, rows = _stack(clip, heights)
    if film is not None:
        plot_film(film, rows["frames"])
    if clip.waveform is not None:
        columns = columns_per_second(len(clip.waveform))
        pieces = [spectrogram(samples, len(samples), columns) for samples in np.nan_to_num(clip.waveform)]
        plot_spectrogram(np.concatenate(pieces, axis=1), float(len(clip.waveform)), rows["sound"])
    _plot_lanes(clip, dict(zip(names, systems, strict=True)), rows, truth, background)
    _draw_wrong_key(rows[_KEY])
    if maps and clip.frames is not None:
        for looks in maps:
            rows[looks].texts[0].set_text(_LOOKS.strip())  # it stands under the system's name
        _plot_regions(clip.frames, maps, rows)
    if query is not None and (asking := rows.get("frames" if query == "picture" else "sound")) is not None:
        for label, start, count in runs(clip.truth):
            if label is not None:
                frame_seconds(asking, start, count, style.ACCENT, 2.6)
    write_seconds(rows[list(heights)[-1]], len(clip.truth))
    return figure


def _stack(clip: Clip, heights: Mapping[str, float]) -> tuple[Figure, dict[str, Axes]]:
    """Begin a picture with a row for keys at its foot, to draw in by inches."""
    figure, rows = stack_clip(clip, {**heights, _KEY: _KEY_HEIGHT})
    rows[_KEY].set_axis_off()
    dress_row(rows[_KEY], INNER, top=_KEY_HEIGHT)
    return figure, rows


def _plot_lanes(
    clip: Clip, systems: Mapping[str, SystemAnswers], rows: Mapping[str, Axes], truth: str, background: str
) -> None:
    """Draw the truth's lane, and those of systems by the names of their rows, each with its score at the end."""
    said = [label for system in systems.values() for label in system.labels]
    known = known_categories(clip.categories, [*clip.truth, *said])
    plot_labels(clip.truth, rows[truth], known, background=background)
    if all(system.score is None for system in systems.values()):
        write_end(rows[truth], "seconds\nright").set_color(style.MUTED)
    for name, system in systems.items():
        rows[name].texts[0].set_y(_BARS_MIDDLE)
        wrong = [label != true for label, true in zip(system.labels, clip.truth, strict=True)]
        plot_labels(system.labels, rows[name], known, wrong, background)
        score = system.score if system.score is not None else right_seconds(clip.truth, system.labels)
        write_end(rows[name], readable(score), _BARS_MIDDLE).set(fontweight="bold", linespacing=1.1)


def _check_answers(clip: Clip, systems: Sequence[SystemAnswers]) -> None:
    if clip.waveform is not None and clip.waveform.shape[1] < _FEWEST_SAMPLES:
        raise DminError(f"waveform is {list(clip.waveform.shape)}: a second must have {_FEWEST_SAMPLES} samples")
    for system in systems:
        if len(system.labels) != len(clip.truth):
            raise DminError(f"{system.name} has {len(system.labels)} labels: must have T = {len(clip.truth)}")
        if system.attention is not None:
            _checked_frames(clip, Attention(system.name, system.attention))


def right_seconds(truth: Sequence[Label], labels: Sequence[Label]) -> str:
    r"""Words for the share of right seconds.

    Example:
        >>> right_seconds(["Dog", None, None], ["Dog", "Dog", None])
        '67 %\n2 of 3'
    """
    right = sum(said == true for said, true in zip(labels, truth, strict=True))
    return f"{100 * right / len(truth):.0f} %\n{right} of {len(truth)}"


def regions_figure(clip: Clip, systems: Sequence[Attention], column_names: Sequence[str]) -> Figure:
    """Draw the frames, each system's attention over them on one scale, and the truth under each second.

    Args:
        clip: Seconds of several clips side by side, with their frames.
        systems: Maps [T, h, w], from the top: only a region's share of its second counts. All 0 is taken as even.
        column_names: Of the T seconds.

    Raises:
        DminError: A part does not fit the clip.
    """
    names = row_names(system.name for system in systems)
    for system in systems:
        frames = _checked_frames(clip, system)
    if len(column_names) != len(clip.truth):
        raise DminError(f"there are {len(column_names)} column names for {len(clip.truth)} seconds")
    film = film_of(frames)
    height = film_height(film, INNER, min(_HIGHEST, _ALL_ROWS / (1 + len(names))))
    heights = {"frames": height} | dict.fromkeys(names, height) | {"truth": TRUTH_HEIGHT}
    figure, rows = _stack(clip, heights)
    plot_film(film, rows["frames"])
    plot_labels(clip.truth, rows["truth"], clip.categories)
    shown = [style.shorten(name, max(6, int(110 / len(column_names)))) for name in column_names]
    rows["truth"].set_xticks([column + 0.5 for column in range(len(shown))], shown)
    rows["truth"].tick_params(axis="x", length=0)
    for text in rows["truth"].get_xticklabels():
        style.plain(text)
    _plot_regions(frames, {name: system.weights for name, system in zip(names, systems, strict=True)}, rows)
    return figure


def _checked_frames(clip: Clip, system: Attention) -> NDArray[np.uint8]:
    """The clip's frames.

    Raises:
        DminError: There are none, or a system's maps do not fit them.
    """
    maps, seconds = system.weights, len(clip.truth)
    if clip.frames is None:
        raise DminError(f"{system.name} has attention, but the clip has no frames to show it over")
    if maps.ndim != 3 or len(maps) != seconds or not maps.size:
        raise DminError(f"attention of {system.name} is {list(maps.shape)}: must be [T, h, w] with T = {seconds}")
    if not np.isfinite(maps).all() or maps.min() < 0:
        raise DminError(f"attention of {system.name} has values that are below 0 or no numbers: must be at least 0")
    return clip.frames


def _plot_regions(
    frames: NDArray[np.uint8], maps: Mapping[str, NDArray[np.floating]], rows: Mapping[str, Axes]
) -> None:
    """Draw maps [T, h, w] over the frames in the rows of their names, all on one scale, and its key."""
    top = scale_top(list(maps.values()))
    for name, attention in maps.items():
        plot_film(film_of(overlays(frames, attention, top)), rows[name])
    plot_scale(top, rows[_KEY])


def even_shares(attention: NDArray[np.floating]) -> NDArray[np.float64]:
    """Weights [T, h, w] as multiples of what an even attention would give each region; 1 where a map is all 0.

    Example:
        >>> even_shares(np.array([[[0.1, 0.3]], [[0.0, 0.0]]])).round(2).tolist()
        [[[0.5, 1.5]], [[1.0, 1.0]]]
    """
    weights = np.asarray(attention, np.float64)
    mean = weights.mean((1, 2), keepdims=True)
    shares: NDArray[np.float64] = np.where(mean > 0, weights / np.where(mean > 0, mean, 1), 1.0)
    return shares


def scale_top(maps: Sequence[NDArray[np.floating]]) -> float:
    """Multiple of an even share at which the glow of all maps [T, h, w] is full; few regions lie above."""
    shares = np.concatenate([even_shares(attention).ravel() for attention in maps])
    return max(_LEAST_TOP, float(np.quantile(shares, 0.99)))


def overlays(frames: NDArray[np.uint8], attention: NDArray[np.floating], top: float) -> NDArray[np.uint8]:
    """Frames that glow where a region has more than an even share and fade where it has less; even ones are untouched.

    Args:
        frames: [T, H, W, 3].
        attention: [T, h, w].
        top: From `scale_top`: there the glow is full, at its inverse the frame has faded. In between counts how many
            times a share doubles, so twice and half are equally far from even.

    Returns:
        [T, H, W, 3].
    """
    floor = 1 / (2 * top)
    level = np.clip(np.log(np.maximum(even_shares(attention), floor)) / np.log(top), -1, 1)  # [T, h, w]
    pairs = zip(frames, level, strict=True)
    return np.stack([glow(frame, np.maximum(at, 0), np.maximum(-at, 0)) for frame, at in pairs])


def plot_scale(top: float, ax: Axes) -> None:
    """Draw the legend: a strip from the least to the most attention, at the right under a row of `INNER`."""
    level = np.linspace(-1, 1, 121)[None]  # so many that enlarging is smooth
    strip = glow(np.full((8, 484, 3), 160, np.uint8), np.maximum(level, 0), np.maximum(-level, 0))
    left, right, low, high = INNER - 2.9, INNER - 0.45, -0.29, -0.11
    ax.imshow(strip, extent=(left, right, low, high), aspect="auto", clip_on=False)
    middle = (low + high) / 2
    for place, words, align, ink in (
        (left - 0.08, f"attention of a region, in even shares:   1/{top:.2g}", "right", style.INK),
        ((left + right) / 2, "1", "center", "#000000"),
        (right + 0.08, f"{top:.2g}", "left", style.INK),
    ):
        ax.text(place, middle, words, ha=align, va="center_baseline", fontsize=style.SMALL, color=ink)


def _draw_wrong_key(ax: Axes) -> None:
    """Draw the legend of hatching and crosses."""
    low = -0.28
    box = Rectangle((0, low), 0.36, 0.16, facecolor=style.PAPER, edgecolor=style.MUTED, hatch="////", linewidth=1)
    box.set_clip_on(False)
    ax.add_patch(box)
    ax.plot([0.5], [low + 0.08], "X", clip_on=False, **CROSS)
    ax.text(0.64, low + 0.08, "a wrong second", va="center_baseline", fontsize=style.SMALL, color=style.INK)
