"""Draws what `localize.py --json` and `extract.py --json` measured: time and memory, by length and by number.

uv run python benchmarks/picture.py localize.json extract.json --out docs/images
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmin.report.style import ACCENT, DOTS_PER_INCH, MUTED, SECOND

Line = list[tuple[float, float]]


def draw(axes: Axes, lines: Mapping[str, Line], x: str, y: str) -> None:
    """Draw lines with their points."""
    for (name, points), color in zip(lines.items(), (ACCENT, SECOND, MUTED), strict=False):
        axes.plot(*zip(*points, strict=True), "o-", color=color, label=name)
    axes.set(xscale="log", xlabel=x, ylabel=y)
    places = [place for place, _ in next(iter(lines.values()))]
    axes.set_xticks(places, [f"{place:.0f}" for place in places])
    axes.set_xticks([], minor=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def two_panels(seconds: Mapping[str, Line], memory: Mapping[str, Line], x: str, out: Path) -> None:
    """Write a picture of time beside memory."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw(left, seconds, x, "seconds")
    left.set_yscale("log")
    left.legend(frameon=False)
    draw(right, memory, x, "peak memory in MB")
    right.set_ylim(0, 1.2 * max(megabytes for line in memory.values() for _, megabytes in line))
    figure.savefig(out, dpi=DOTS_PER_INCH)


def lines_of(costs: list[dict[str, Any]], x: str, y: str, name: str) -> dict[str, Line]:
    """Points by the name of their line."""
    lines: dict[str, Line] = {}
    for cost in costs:
        lines.setdefault(cost.get(name, name), []).append((cost[x], cost[y]))
    return lines


def main() -> None:
    """Write two pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("localize", type=Path)
    parser.add_argument("extract", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    length = json.loads(options.localize.read_text())
    two_panels(
        lines_of(length, "video_seconds", "seconds", "Localizer")
        | lines_of(length, "video_seconds", "decoding_seconds", "decoding alone"),
        lines_of(length, "video_seconds", "megabytes", "Localizer"),
        "seconds of video",
        options.out / "cost_by_length.png",
    )
    number = json.loads(options.extract.read_text())
    two_panels(
        lines_of(number, "videos", "seconds", "way"),
        lines_of(number, "videos", "megabytes", "way"),
        "videos of two seconds",
        options.out / "cost_by_number.png",
    )


if __name__ == "__main__":
    main()
