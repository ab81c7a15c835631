"""The whole way in a few minutes: compose scenes, extract, train, evaluate, localize a held-out clip, draw a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dmin.data.annotations import BACKGROUND, Annotation
from dmin.data.clips import ClipDataset
from dmin.data.folder import DataFolder
from dmin.evaluation import ClipResult, LocalizationReport, evaluate, predict
from dmin.features import extract
from dmin.inference import Localizer
from dmin.progress import Progress, silent
from dmin.results.events import Event, Events
from dmin.training.presets import recipe_of

Narrate = Callable[[str], None]


@dataclass(frozen=True)
class DemoReport:
    """Outcome of the demo."""

    metrics: LocalizationReport
    """On held-out clips."""
    events: Events
    """Of one held-out clip."""
    picture: Path
    page: Path


def run_demo(
    out: str | Path,
    *,
    clips: int = 160,
    epochs: int = 30,
    seed: int = 0,
    workers: int = 2,
    narrate: Narrate = lambda text: None,
    progress: Progress = silent,
) -> DemoReport:
    """Run it; what is there already is used again.

    Args:
        out: Folder of everything: clips, features, run, metrics.json, timeline.png, index.html.
        clips: How many clips to make.
        epochs: How long to train.
        seed: Of clips and training.
        workers: Processes for making clips and for features.
        narrate: Told what comes next, in a sentence.
        progress: Told how far each step is.
    """
    from dmin.lab.compose.banks import open_bank
    from dmin.lab.compose.compose import compose
    from dmin.report.figures import save_curves, save_scores
    from dmin.training.fit import fit

    out = Path(out)
    narrate(f"1/5  Making {clips} videos, drawn by code: their truth is known to the second")
    data = compose(open_bank("scenes"), clips, out / "clips", seed=seed, workers=workers, progress=progress)
    narrate("2/5  Extracting features: what each second shows and sounds like")
    extract(data.folder, out / "store", workers=workers, progress=progress).require_all()
    narrate("3/5  Training DMIN on 70 % of them, choosing the best epoch on 15 %")
    fit(out / "store", out / "run", recipe_of("small", epochs=epochs, seed=seed), progress=progress)
    narrate("4/5  Scoring the other 15 %: pictures and sounds it has never met")
    localizer = Localizer.from_pretrained(out / "run")
    metrics = evaluate(localizer, out / "store", "test", progress=progress)
    metrics.save(out)
    save_scores(metrics, out)
    save_curves(out / "run")
    narrate("5/5  Finding the events of a typical one, straight from its video file")
    folder = DataFolder.open(data.folder)
    video_id = typical(predict(localizer, ClipDataset(out / "store", "test", localizer.categories)), folder)
    events = localizer(folder.videos[video_id], progress=progress)
    picture = out / "timeline.png"
    truth = truth_of(folder.lines[video_id])
    _draw(events, truth, picture)
    events.to_json(out / f"{video_id}.json")
    return DemoReport(metrics, events, picture, write_demo_page(out, metrics, events, truth, picture))


def typical(results: Sequence[ClipResult], folder: DataFolder) -> str:
    """The clip to show, by rule: of those whose event begins and ends inside the clip, the one of median accuracy."""
    inside = [clip for clip in results if _is_inside(folder.lines[clip.video_id], len(clip.labels))] or list(results)
    ranked = sorted(inside, key=lambda clip: (float((clip.predicted == clip.labels).mean()), clip.video_id))
    return ranked[len(ranked) // 2].video_id


def _is_inside(lines: Sequence[Annotation], seconds: int) -> bool:
    return lines[0].category != BACKGROUND and lines[0].start_seconds > 0 and lines[-1].end_seconds < seconds


def truth_of(lines: Sequence[Annotation]) -> tuple[Event, ...]:
    """A clip's annotations as events."""
    events = [line for line in lines if line.end_seconds > line.start_seconds]
    return tuple(Event(line.start_seconds, line.end_seconds, line.category, 1.0) for line in events)


def _draw(events: Events, truth: tuple[Event, ...], path: Path) -> None:
    from dmin.report.timeline import plot_events

    plot_events(events, path, truth=truth)


def write_demo_page(
    out: Path, metrics: LocalizationReport, events: Events, truth: tuple[Event, ...], picture: Path
) -> Path:
    """Write index.html: the clip with its events, the words explained, figures, curves, tables; all in one file."""
    from dmin.report.page import Metric, Metrics, Picture, Player, Table, Text, write_page

    accuracy = metrics.segment_accuracy
    interval = f"no interval: {accuracy.clips} clips are too few"
    if accuracy.low is not None:
        interval = f"95 % interval {accuracy.low:.3f} to {accuracy.high:.3f}"
    named = [
        Metric("segment accuracy", f"{accuracy.value:.3f}", interval),
        Metric("prior: all background", f"{metrics.priors.all_background:.3f}"),
        Metric("prior: right category in every second", f"{metrics.priors.every_second_is_event:.3f}"),
        Metric("when: event / background, category given", f"{metrics.event_accuracy.value:.3f}"),
        Metric("when: F1 of boundaries, 1 s off at most", f"{metrics.boundary_f1['1'].value:.3f}"),
        Metric("what: category, seconds given", f"{metrics.category_accuracy_given_event.value:.3f}"),
    ]
    rows = [(row.category, row.seconds, round(row.precision, 3), round(row.recall, 3)) for row in metrics.categories]
    video = Path(events.video)
    seen = f"Timeline of {video.name}: film strip, attention, sound, relevance, events"
    sections = (
        Player(
            "A video that the network has never met",
            video.read_bytes(),
            events,
            truth,
            "Click on a bar or a row to play the video from there. The row named truth is what should be found.",
        ),
        Text("What the words mean", _WORDS),
        Picture("What it saw and heard", picture.read_bytes(), seen),
        Metrics(f"On {metrics.clips} held-out clips", tuple(named)),
        Picture("Training", (out / "run" / "curves.png").read_bytes(), "Accuracy and loss over the epochs"),
        Picture(
            "Confusion", (out / "confusion.png").read_bytes(), "Confusion matrix in seconds", "Rows are the truth."
        ),
        Table("Categories", "Per category", ("category", "seconds", "precision", "recall"), rows),
        Text("What comes next", tuple(words.format(run=out / "run") for words in _NEXT)),
    )
    return write_page(out / "index.html", "dmin demo", sections, _INTRODUCTION)


_INTRODUCTION = (
    "dmin made videos of drawn scenes and synthetic sounds, learned from most of them to tell what is both heard and "
    "seen, and answered for the rest. Real footage is harder."
)
_WORDS = (
    "An event is something that is both heard and seen. A bell that rings outside the picture is none, and neither is "
    "a silent one inside it: such seconds are background.",
    "Relevance is the network's probability, second by second, that an event is both heard and seen. Seconds whose "
    "relevance reaches the threshold, the dashed line, count as event; neighbours of one category become one bar.",
    "The category names the event, and the score says how sure the network is of both. Segment accuracy is the share "
    "of seconds that were answered rightly; a prior is what a constant answer would reach.",
)
_NEXT = (
    "Your own videos: dmin localize VIDEO finds events of the categories that the model in the package knows; with "
    "--model {run} it finds those of this demo. dmin serve opens a page to drop videos on.",
    "Your own categories: dmin data import turns labels of ELAN, Audacity, Label Studio and other tools into a data "
    "set; dmin extract and dmin train make a model of it.",
)
