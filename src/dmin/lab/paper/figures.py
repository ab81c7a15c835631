"""The paper's Figures 7 to 10, of systems trained as its tables' rows are: clips are chosen by a rule, or by name.

The rules look at the clips' names, truths and, for Fig. 7 and 8, at whether systems differ; never at who is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from dmin.data.folder import DataFolder
from dmin.errors import DataError
from dmin.lab.paper import examples
from dmin.lab.paper.cells import run_cell
from dmin.lab.paper.examples import AskedSystem, Example, ask, watched
from dmin.lab.paper.grid import grid_of, rows_of
from dmin.lab.paper.material import PreparedData, SourceOptions, prepare_data
from dmin.lab.paper.reproduce import RunOptions, cell_of
from dmin.progress import Progress, silent
from dmin.report import style


@dataclass(frozen=True)
class PaperFigure:
    """One figure of the paper, as it is drawn."""

    words: str
    table: str
    """The table whose rows are compared."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    """A picture or more of each."""
    choose: Callable[[Sequence[AskedSystem]], list[str]]
    """Ids of clips, by the rule."""
    rule: str
    """The rule in words."""
    draw: Callable[[Sequence[AskedSystem], Sequence[Example]], list[Figure]]
    needs_videos: bool = False
    """True if there is nothing to see without frames."""


_DIFFERENT = (
    "the first test clips by id to which the systems' answers differ, two at the most; where they differ nowhere, the "
    "first two of all"
)
FIGURES = {
    "fig7": PaperFigure(
        "event localization, second by second, beside the truth",
        "table1",
        ("avel", "cmran", "dmin"),
        ("full",),
        examples.where_answers_differ,
        _DIFFERENT,
        examples.answers,
    ),
    "fig8": PaperFigure(
        "cross-modality localization beside the query's true place",
        "table2",
        ("cmra-star", "dcmr"),
        ("a2v", "v2a"),
        examples.where_answers_differ,
        _DIFFERENT,
        examples.answers,
    ),
    "fig9": PaperFigure(
        "spatial attention",
        "table3",
        ("avtrans", "agva", "agsca", "agta"),
        ("full",),
        examples.events_and_background,
        "the middle event second of the first three test clips by id that have one, and the middle background second "
        "of the next three that have one",
        examples.regions,
        needs_videos=True,
    ),
    "fig10": PaperFigure(
        "what pictures attend to, dot products against full channel pair products: first the five seconds that weigh "
        "most for one second, then the weights of all",
        "table5",
        ("mha-mha", "dfa-mha", "dfa-dfa", "mha-dfa"),
        ("full",),
        examples.with_room,
        "the middle event second of the first two test clips by id whose event is 3 s or longer and shorter than the "
        "clip",
        examples.attended,
    ),
}
"""The figures that can be drawn."""


@dataclass(frozen=True)
class Drawn:
    """One picture."""

    path: Path
    words: str
    """Caption: its content, and the choice of its clips."""


@dataclass(frozen=True)
class FigureOptions:
    """Options of a figure."""

    clips: Sequence[str] = ()
    """Ids of test clips; none for those that the figure's rule chooses."""
    videos: Path | None = None
    """A folder of the clips' videos, for frames and sound, where the data bring none."""
    run: RunOptions = field(default_factory=RunOptions)
    """Options of training; the seed is 0."""


def draw(
    name: str,
    data: str | Path,
    out: str | Path,
    options: FigureOptions | None = None,
    source: SourceOptions | None = None,
    progress: Progress = silent,
) -> list[Drawn]:
    """Train the systems that a figure compares, if they are not trained yet, and draw it.

    Args:
        name: "fig7" to "fig10".
        data: As in `dmin.lab.paper.reproduce.reproduce`.
        out: Folder of everything; runs of tables that lie there are used.
        options: What is drawn of which clips.
        source: How features, and composed clips, come about.
        progress: Told about every step of every run.

    Raises:
        DataError: An unknown clip, or none that the rule fits.
    """
    options, out = options or FigureOptions(), Path(out)
    figure = FIGURES[name]
    grid = grid_of(figure.table)
    columns = [grid.column(column) for column in figure.columns]
    prepared = prepare_data(data, out, [column.material for column in columns], source, progress)
    _check(figure, options, prepared)
    drawn = []
    for column in columns:
        asked = []
        for row in rows_of(figure.table, options.run.rows or figure.rows):
            cell = cell_of(row, column, 0, prepared, out, options.run)
            run_cell(cell, progress)
            asked.append(ask(row.name, cell.run, cell.store, progress))
        ids = _clips(figure, asked, options)
        clips = [watched(asked[0], video_id, _videos(prepared, options)) for video_id in ids]
        for number, picture in enumerate(figure.draw(asked, clips)):
            place = "-".join([name, *([column.name] if len(columns) > 1 else []), str(number + 1)])
            path = out / f"{place}.png"
            style.save(picture, path)
            how = "chosen by name" if options.clips else f"chosen by rule: {figure.rule}"
            drawn.append(Drawn(path, f"{name}, {column.heading}: {figure.words}; {how}"))
    return drawn


def _clips(figure: PaperFigure, asked: Sequence[AskedSystem], options: FigureOptions) -> list[str]:
    answered = [answer.video_id for answer in asked[0].answers]
    if missing := [video_id for video_id in options.clips if video_id not in answered]:
        raise DataError(f"{', '.join(missing)}: the systems were not asked about it; choose another clip")
    chosen = list(options.clips) or figure.choose(asked)
    if not chosen:
        raise DataError(f"no test clip fits the rule ({figure.rule}): name some of {', '.join(answered[:5])}, ...")
    return chosen


def _check(figure: PaperFigure, options: FigureOptions, prepared: PreparedData) -> None:
    """Find what is wrong with clips and videos before anything is trained."""
    if options.videos is not None and not options.videos.is_dir():
        raise DataError(f"{options.videos} is no folder: give the one that holds the clips' videos")
    store = next(iter(prepared.stores.values()))
    known = DataFolder.open(store).split("test")
    if unknown := [video_id for video_id in options.clips if video_id not in known]:
        raise DataError(f"{unknown[0]} is no clip of the test split: give some of {', '.join(sorted(known))}")
    if figure.needs_videos and not _videos(prepared, options):
        raise DataError("no videos of the clips are at hand: give their folder with --videos")


def _videos(prepared: PreparedData, options: FigureOptions) -> dict[str, Path]:
    """Video files by id."""
    from dmin.features import find_videos

    return dict(prepared.videos) if options.videos is None else dict(find_videos(options.videos))
