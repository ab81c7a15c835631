"""A run folder as others get it: the network, its settings, and the evaluations that lie in the folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmin.errors import ModelError
from dmin.evaluation import Interval
from dmin.models import LocalizationModel, MatchingModel, PretrainedModel
from dmin.models.pretrained import WEIGHTS_FILE
from dmin.models.settings import LocalizerSettings, MatcherSettings
from dmin.models.systems import load_network

RECIPE_FILE = "train.yaml"
EPOCHS_FILE = "metrics.csv"
EVALUATION_FILE = "metrics.json"

_LOCALIZATION = {
    "segment_accuracy": "segment accuracy",
    "event_accuracy": "when: event / background, category given",
    "boundary_f1": "boundaries, F1, seconds off at most",
    "category_accuracy_given_event": "what: category, seconds given",
    "relevance_f1": "event / background F1",
    "event_f1": "whole events, F1 at IoU",
    "false_event_seconds": "false events on clips of no category",
}
_MATCHING = {
    "exact": "exact window",
    "minus_best_prior": "model minus best prior",
    "minus_cca": "model minus linear CCA",
    "mean_absolute_offset_seconds": "mean absolute offset, s",
}


@dataclass(frozen=True)
class Figure:
    """A measured figure."""

    key: str
    """Its key in metrics.json."""
    name: str
    """Its name for people."""
    interval: Interval


@dataclass(frozen=True)
class Evaluation:
    """What `dmin evaluate` found."""

    data: str
    """Name of the folder of the data, without the folders above it."""
    split: str
    clips: int
    threshold: float | None
    """Relevance from which a second counted as event; None for matching."""
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Run:
    """A finished run folder."""

    folder: Path
    model: PretrainedModel
    settings: LocalizerSettings | MatcherSettings
    evaluations: tuple[Evaluation, ...]

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Read a run folder, whichever task it was trained for.

        Raises:
            ModelError: There is none, or it does not hold a whole model.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise ModelError(f"no run folder {folder}: give a folder that `dmin train` wrote")
        evaluations = tuple(_evaluations(folder))
        if (folder / MatcherSettings.FILE).is_file():
            return cls(folder, load_network(folder, MatchingModel), MatcherSettings.load(folder), evaluations)
        return cls(folder, load_network(folder, LocalizationModel), LocalizerSettings.load(folder), evaluations)


def _evaluations(folder: Path) -> Iterator[Evaluation]:
    """The evaluations in a folder and in those right below it; one that is older than the weights is left out."""
    for path in sorted([*folder.glob(EVALUATION_FILE), *folder.glob(f"*/{EVALUATION_FILE}")]):
        try:
            found = _evaluation(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError):  # of something else
            continue
        weights = folder / WEIGHTS_FILE
        if weights.is_file() and path.stat().st_mtime < weights.stat().st_mtime:
            warnings.warn(
                f"{path} is older than the model and is left out of its card: run `dmin evaluate` again", stacklevel=3
            )
            continue
        yield found


def _evaluation(data: Mapping[str, Any]) -> Evaluation:
    names = _LOCALIZATION if "segment_accuracy" in data else _MATCHING
    return Evaluation(
        data=Path(data["data"]).name,
        split=data["split"],
        clips=data["clips"],
        threshold=data.get("threshold"),
        figures=tuple(figure for key, name in names.items() for figure in _figures(key, name, data.get(key))),
    )


def _figures(key: str, name: str, value: Any) -> Iterator[Figure]:
    """A figure as metrics.json has it: with an interval, alone, as one of several, or not known."""
    if isinstance(value, float):
        yield Figure(key, name, Interval(value, None, None))
    elif isinstance(value, Mapping) and "value" in value:
        yield Figure(key, name, Interval(**value))
    elif isinstance(value, Mapping):
        for part, figure in value.items():
            yield from _figures(key, f"{name} {part}", figure)
