"""The page of a table that was run: ours beside the paper's, every seed, curves, errors, and clips by rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dmin.lab.paper import words
from dmin.lab.paper.grid import grid_of
from dmin.lab.paper.material import PreparedData
from dmin.lab.paper.results import ColumnResult, Reproduction
from dmin.lab.paper.showcase import localized_clips, matched_clips
from dmin.lab.paper.table_picture import table_picture
from dmin.lab.paper.tables import table
from dmin.progress import Progress, silent
from dmin.report import style
from dmin.report.figures import plot_confusion, plot_curves, plot_offsets
from dmin.report.page import Picture, Section, Table, Text, write_page

_GLANCE = "Ours with its interval, every run, and the paper's figure where it has one; in the paper's order."
_CURVES = "Accuracy and losses of every seed, epoch by epoch; the best epoch on the validation split is kept."


def write_table_page(
    reproduction: Reproduction, prepared: PreparedData, out: Path, progress: Progress = silent
) -> Path:
    """Write TABLE.json, TABLE.md, TABLE.png and TABLE.html.

    Args:
        reproduction: What was found.
        prepared: The stores it was found on.
        out: Folder of the page, the run folders below it.
        progress: Told as clips are drawn.
    """
    sections: list[Section] = []
    for result in _drawn(reproduction):
        sections += _pictures(reproduction, result, prepared, out, progress)
    return _write(reproduction, sections, out)


def write_merged(reproduction: Reproduction, out: Path) -> Path:
    """The same without the runs' pictures, which lie where they were run."""
    words = "Curves, errors and clips are in the pages of the runs that were put together here, and in their folders."
    return _write(reproduction, [Text("Runs", (words,))], out)


def _write(reproduction: Reproduction, pictures: Sequence[Section], out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    name, published = reproduction.table, table(reproduction.table)
    reproduction.save(out / f"{name}.json")
    (out / f"{name}.md").write_text(words.markdown(reproduction), "utf-8")
    figure = table_picture(reproduction)
    style.save(figure, out / f"{name}.png")
    glance = Picture.of("At a glance", figure, f"Results of Table {published.number}, a row per system", _GLANCE)
    sections = [glance, *_tables(reproduction), *pictures, Text("How to read this", _reading(reproduction))]
    about = f"{published.title}. {reproduction.setting.remark}"
    return write_page(out / f"{name}.html", f"Table {published.number}: ours beside the paper's", sections, about)


def _drawn(reproduction: Reproduction) -> list[ColumnResult]:
    """The results whose training and clips are drawn: the paper's own system's, or the last row's where it is missing.

    All rows would make a page of hundreds of pictures; each run folder has its own.
    """
    rows = [result.row for result in reproduction.columns]
    own = grid_of(reproduction.table).rows[-1].key
    drawn = own if own in rows else rows[-1]
    return [result for result in reproduction.columns if result.row == drawn and result.seeds]


def _tables(reproduction: Reproduction) -> list[Section]:
    sections: list[Section] = []
    for lines in words.comparison(reproduction):
        caption = f"Ours: {words.setting(reproduction)}."
        if lines.bold is None:
            caption += " No system stands out: the best one's interval overlaps others'."
        sections.append(Table(lines.title, caption, lines.headings, lines.rows, lines.bold))
    priors = words.priors(reproduction)
    caption = "Scores on the same test clips of answers that look at nothing, or learn no network."
    sections.append(Table(priors.title, caption, priors.headings, priors.rows))
    paragraphs = (*words.order_words(reproduction), *words.marks(reproduction))
    if paragraphs:
        sections.append(Text("The paper's order and ours", paragraphs))
    runs = words.seeds(reproduction)
    caption = "Every seed with its bootstrap interval over test clips, and the folder of its run."
    sections.append(Table(runs.title, caption, runs.headings, runs.rows))
    return sections


def _pictures(
    reproduction: Reproduction, result: ColumnResult, prepared: PreparedData, out: Path, progress: Progress
) -> list[Section]:
    name = f"{result.name}, {result.heading}"
    runs = [out / seed.run for seed in result.seeds]
    metrics = [json.loads((run / "metrics.json").read_text("utf-8")) for run in runs]
    model = f"{result.row} {result.column} seed {result.seeds[0].seed}"
    together = "one seed" if len(runs) == 1 else f"{len(runs)} seeds together"
    sections: list[Section] = [
        Picture.of(f"{name}: training", _curves(runs), f"Training curves of {name}, {together}", _CURVES)
    ]
    if "confusion" in metrics[0]:
        caption = f"Seconds of the test split, {together}; rows are the truth."
        names = metrics[0]["names"]
        size = 3.5 + 0.38 * len(names)
        seconds = np.sum([each["confusion"] for each in metrics], 0)
        confusion = plot_confusion(seconds, names, style.new_axes(size, size))
        sections.append(Picture.of(f"{name}: confusion", confusion, f"Confusion matrix of {name}", caption))
        store = prepared.stores[grid_of(reproduction.table).column(result.column).material]
        shown = localized_clips(
            runs[0], model, store, prepared.videos, lambda _, done, total: progress(f"drawing ({model})", done, total)
        )
        measure = {"worst": "smallest share of right seconds", "best": "largest share of right seconds"}
    else:
        caption = f"Answers to the test split's queries, {together}."
        answers = [answer for each in metrics for answer in each["results"]]
        offsets = plot_offsets([answer["predicted_start"] - answer["start"] for answer in answers])
        sections.append(Picture.of(f"{name}: offsets", offsets, f"Offsets of {name}", caption))
        shown = matched_clips(runs[0], model, prepared.videos)
        measure = {"worst": "farthest from the truth", "best": "nearest to the truth"}
    for clip in shown:
        alt = f"Truth and answer of the clip {clip.video_id}: {clip.words}"
        rule = f"Chosen by rule among the test clips of seed 0: {measure[clip.rank]}, the first by id among equals."
        heading = f"{name}: {clip.rank} clip, {clip.video_id}"
        sections.append(Picture.of(heading, clip.figure, alt, f"{clip.words}. {rule}"))
    return sections


def _curves(runs: list[Path]) -> Figure:
    """A picture per seed, one above the other."""
    figure = Figure(figsize=(9, 3.6 * len(runs)), layout="constrained")
    for place, run in enumerate(runs):
        ax = figure.add_subplot(len(runs), 1, place + 1)
        plot_curves(run / "metrics.csv", ax)
        if len(runs) > 1:
            ax.set_ylabel(run.name.replace("seed", "seed "), fontsize=style.SMALL)
    return figure


def _reading(reproduction: Reproduction) -> tuple[str, ...]:
    paragraphs = [
        f"Each number is a share of {reproduction.setting.measure}, on the test split. The epoch that is kept is the "
        "best one on the validation split; the test split is scored once, after training.",
        f"Ours were trained and scored on {reproduction.setting.data}. {reproduction.setting.remark}",
    ]
    if any(len(column.seeds) > 1 for column in reproduction.columns):
        paragraphs.append(
            "The interval over seeds holds the chance of training alone. The chance of having these test clips and no "
            "others is in the interval over clips of each run; with few test clips it is the larger one."
        )
    if any(column.column.endswith("-strict") for column in reproduction.columns):
        paragraphs.append(
            "As in the released code, the whole clip of the query's modality feeds both attentions. In the columns "
            "named “strict” only the query's own seconds do; the paper has no such column."
        )
    return tuple(paragraphs)
