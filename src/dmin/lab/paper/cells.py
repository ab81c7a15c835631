"""One row, one column, one seed: trained, scored, and never done twice.

```
RUN/...           the run folder of `dmin.training.fit.fit`
RUN/metrics.json  the test split's figures, with their pictures
RUN/cell.json     what the run is of, how long it trained, and, once it has ended, its figures
```
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dmin.device import device_of
from dmin.errors import DataError
from dmin.evaluation import Interval, evaluate, evaluate_matching
from dmin.features import FeatureStore
from dmin.files import write_atomically
from dmin.inference import Localizer
from dmin.lab.paper.results import SeedResult
from dmin.models import MatchingModel
from dmin.models.settings import MatcherSettings
from dmin.models.systems import load_network
from dmin.progress import Progress, silent
from dmin.report.figures import save_curves, save_matches, save_scores
from dmin.results.events import dumps
from dmin.training.recipe import HARDWARE, AnyRecipe, MatchingRecipe

CELL_FILE = "cell.json"


@dataclass(frozen=True)
class Cell:
    """One run of the grid."""

    words: str
    """Label for progress: row, column and seed."""
    store: Path
    recipe: AnyRecipe
    run: Path

    @property
    def finished(self) -> bool:
        """True if it has been trained and scored."""
        return "accuracy" in _read_state(self)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Identity of a run: the recipe, and the data's features, annotations and splits; read once."""
        features = str(FeatureStore.open(self.store).settings)
        options = {name: value for name, value in asdict(self.recipe).items() if name not in HARDWARE}
        recipe = json.loads(json.dumps(options))
        return {"features": features, "data": data_digest(self.store), "recipe": recipe}


def data_digest(store: Path) -> str:
    """A few letters that differ between stores of other annotations, splits or kinds of features."""
    files = [store / "Annotations.txt", *sorted((store / "splits").glob("*.txt"))]
    parts = [file.name.encode() + b"\0" + file.read_bytes() for file in files]
    parts.append(str(FeatureStore.open(store).settings).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


_NOT_ITS_KIND = ("seed", "epochs", *HARDWARE)
"""Fields of a recipe in which runs of one folder may differ: more epochs go on where fewer ended."""


def recipe_digest(recipe: AnyRecipe) -> str:
    """A few letters that differ between recipes of runs that do not share a folder."""
    options = {name: value for name, value in asdict(recipe).items() if name not in _NOT_ITS_KIND}
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:8]


def run_cell(cell: Cell, progress: Progress = silent) -> SeedResult:
    """Train and score one seed; a finished one is read again, a stopped one goes on.

    Raises:
        DataError: The folder holds a run of another recipe or of other data.
    """
    state = _read_state(cell)
    if "accuracy" not in state:
        state = _finish(cell, state, progress)
    progress(f"{cell.words} (done)", 1, 1)
    return SeedResult(
        seed=cell.recipe.seed,
        accuracy=Interval(**state["accuracy"]),
        priors=state["priors"],
        test_clips=state["test_clips"],
        seconds_trained=state["seconds_trained"],
        parameters=state["parameters"],
        seconds_a_step=state["seconds_a_step"],
        run=cell.run,
    )


def _read_state(cell: Cell) -> dict[str, Any]:
    """Read the state of a run folder; a fresh one if there is none, or if only the number of epochs grew."""
    path = cell.run / CELL_FILE
    identity = cell.identity
    fresh = {**identity, "seconds_trained": 0.0}
    if not path.is_file():
        return fresh
    try:
        state: dict[str, Any] = json.loads(path.read_text("utf-8"))
        different = _differences({name: state[name] for name in identity}, identity)
        epochs, seconds = int(state["recipe"]["epochs"]), float(state["seconds_trained"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}): remove the folder {cell.run}, and run the same again") from error
    longer = different == ["epochs"] and cell.recipe.epochs > epochs  # the run goes on where it ended
    if different and not longer:
        raise DataError(
            f"{cell.run} holds a run of another kind (different: {', '.join(different)}): choose another --out, or "
            "remove that folder"
        )
    return {**fresh, "seconds_trained": seconds} if longer else state


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of what differs, those of the recipe's fields without its own."""
    recipes = before["recipe"], now["recipe"]
    names = {name for recipe in recipes for name in recipe if recipes[0].get(name) != recipes[1].get(name)}
    names |= {name for name in now if name != "recipe" and before[name] != now[name]}
    return sorted(names)


def _finish(cell: Cell, state: dict[str, Any], progress: Progress) -> dict[str, Any]:
    from dmin.training.fit import fit

    def told(step: str, completed: int, total: int | None) -> None:
        inner = step.replace(" (", ", ").rstrip(")")
        progress(f"{cell.words} ({inner})", completed, total)  # what is in brackets names no bar of its own

    cell.run.mkdir(parents=True, exist_ok=True)
    start, before = time.monotonic(), state["seconds_trained"]
    _write_state(cell, state)
    try:
        report = fit(cell.store, cell.run, cell.recipe, progress=told)
    finally:  # time of a stopped attempt counts, too
        state["seconds_trained"] = before + time.monotonic() - start
        _write_state(cell, state)
    save_curves(cell.run)
    state |= {"parameters": report.parameters, "seconds_a_step": report.seconds_a_step}
    state |= (_score_matching if isinstance(cell.recipe, MatchingRecipe) else _score_localization)(cell, told)
    _write_state(cell, state)
    return state


def _score_localization(cell: Cell, progress: Progress) -> dict[str, Any]:
    localizer = Localizer.from_pretrained(cell.run, device=cell.recipe.device)
    report = evaluate(localizer, cell.store, "test", progress=progress)
    report.save(cell.run)
    save_scores(report, cell.run)
    return {
        "accuracy": asdict(report.segment_accuracy),
        "priors": asdict(report.priors),
        "test_clips": report.clips,
    }


def _score_matching(cell: Cell, progress: Progress) -> dict[str, Any]:
    model = load_network(cell.run, MatchingModel).to(device_of(cell.recipe.device))
    settings = MatcherSettings.load(cell.run)
    report = evaluate_matching(model, settings, cell.store, "test", name=str(cell.run), progress=progress)
    report.save(cell.run)
    save_matches(report, cell.run)
    priors = {name: value for name, value in asdict(report.priors).items() if value is not None}
    if report.cca is not None:
        priors["linear_cca"] = report.cca.exact.value
    return {"accuracy": asdict(report.exact), "priors": priors, "test_clips": report.clips}


def _write_state(cell: Cell, state: Mapping[str, Any]) -> None:
    write_atomically(cell.run / CELL_FILE, dumps(state).encode())
