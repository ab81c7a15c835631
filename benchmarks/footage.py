"""What a model says of each video in a folder, as a table: best category, events, relevance second by second.

uv run python benchmarks/footage.py FOLDER --model starter
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from dmin import Events, Localizer


def row(events: Events) -> str:
    """One line of the table."""
    names = list(events.seconds[0].scores)
    scores = np.array([[second.scores[name] for name in names] for second in events.seconds]).mean(0)
    found = "; ".join(f"{e.category} {e.start_seconds:.0f}-{e.end_seconds:.0f} s" for e in events) or "none"
    relevance = " ".join(f"{second.relevance:.2f}" for second in events.seconds)
    return f"| {Path(events.video).stem} | {names[int(scores.argmax())]} {scores.max():.2f} | {found} | {relevance} |"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="starter")
    options = parser.parse_args()
    localizer = Localizer.from_pretrained(options.model)
    print(f"threshold {localizer.settings.threshold:.2f}\n")
    print("| video | best category | events found | relevance, second by second |\n|---|---|---|---|")
    for path in sorted(options.folder.glob("*.mp4")):
        print(row(localizer(path, missing_audio="silence")))


if __name__ == "__main__":
    main()
