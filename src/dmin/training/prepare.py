"""Prepares a training run from a recipe: clips, network, task, and the settings written beside the weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from torch.utils.data import Dataset

from dmin.data.clips import ClipDataset, Sample
from dmin.data.queries import MatchingClips
from dmin.data.remix import RemixedClips, read_tracks
from dmin.data.splice import SplicedClips
from dmin.errors import DataError
from dmin.models import PretrainedModel, systems
from dmin.models.bases import LocalizationModel, MatchingModel
from dmin.models.settings import InferenceSettings, LocalizerSettings, MatcherSettings
from dmin.tasks.objectives import OBJECTIVES, matching_task
from dmin.tasks.task import Task
from dmin.training.calibrate import calibrate_threshold
from dmin.training.recipe import LocalizationRecipe, MatchingRecipe, Recipe

Clips = TypeVar("Clips", bound=ClipDataset)


@dataclass(frozen=True)
class Job:
    """All that a training run is made of."""

    recipe: Recipe
    """With the sizes and names of the data filled in."""
    model: PretrainedModel
    task: Task
    train: Dataset[Sample]
    val: ClipDataset | None
    """None if the data have no validation split: the last epoch is kept then."""
    clips: tuple[ClipDataset, ...]
    """The splits that both are made of."""
    settings_of: Callable[[Path], InferenceSettings]
    """From a finished run folder to what inference needs beside its weights."""


def job_of(store: str | Path, recipe: Recipe) -> Job:
    """Put together what a recipe means for a feature store.

    Raises:
        DataError: The store lacks what the recipe needs, or options of the recipe contradict each other.
    """
    if isinstance(recipe, MatchingRecipe):
        return _matching(store, recipe)
    if isinstance(recipe, LocalizationRecipe):
        return _localization(store, recipe)
    raise TypeError(f"got {type(recipe).__name__}: must be LocalizationRecipe or MatchingRecipe")


def _localization(store: str | Path, recipe: LocalizationRecipe) -> Job:
    train = ClipDataset(store, "train", window_seconds=recipe.window_seconds)
    val = _validation(train, recipe.window_seconds)
    if val is None and recipe.false_event_share is not None:
        raise DataError(
            f"{train.folder.folder} has no validation split, so no threshold can be calibrated: add splits/val.txt, "
            "or set false_event_share to null and give a threshold"
        )
    sizes = _sizes(train)
    config = replace(recipe.model, category_names=train.categories, **sizes)
    network = _network(recipe)
    if not issubclass(network, LocalizationModel):
        raise DataError(f"the system {recipe.system} does matching: give its preset, {recipe.system}-a2v")
    task = OBJECTIVES[network.objective](config.categories, config.supervision, recipe)
    model = network(config)
    if train.store.settings.pooled and model.looks_at_regions:
        raise _needs_regions(train.store.folder, recipe.system)

    def settings_of(run: Path) -> LocalizerSettings:
        threshold = recipe.threshold
        if recipe.false_event_share is not None and val is not None:
            threshold = calibrate_threshold(type(model).from_pretrained(run), val, recipe.false_event_share)
        return LocalizerSettings.of(train.store.settings, recipe.window_seconds, threshold=threshold)

    clips = _remixed(train, recipe.remix, config.supervision == "weak")
    return Job(replace(recipe, model=config), model, task, clips, val, _splits(train, val), settings_of)


def _matching(store: str | Path, recipe: MatchingRecipe) -> Job:
    train = MatchingClips(store, "train", window_seconds=recipe.window_seconds)
    val = _validation(train, recipe.window_seconds)
    sizes = _sizes(train)
    del sizes["regions"]
    config = replace(recipe.model, **sizes)
    network = _network(recipe)
    if not issubclass(network, MatchingModel):
        raise DataError(f"the system {recipe.system} finds events: give its preset, {recipe.system}-full")

    def settings_of(run: Path) -> MatcherSettings:
        return MatcherSettings.of(train.store.settings, recipe.window_seconds)

    task = matching_task(network.objective, len(train.categories))
    clips = SplicedClips(train, recipe.splice, "visual" if config.direction == "a2v" else "audio")
    return Job(replace(recipe, model=config), network(config), task, clips, val, _splits(train, val), settings_of)


def _needs_regions(store: Path, system: str) -> DataError:
    networks = {name: other.network for name, other in systems().items()}
    pooling = sorted(n for n, kind in networks.items() if not getattr(kind, "looks_at_regions", True))
    return DataError(
        f"the store {store} holds features averaged over regions (pooled), and the system {system} looks at regions: "
        f"choose {', '.join(pooling)}, or dmin with --preset no-agta, or extract again without --pooled"
    )


def _network(recipe: Recipe) -> type[PretrainedModel]:
    """The class that the recipe's system names.

    Raises:
        DataError: The recipe holds the options of another network.
    """
    network = systems()[recipe.system].network
    if not isinstance(recipe.model, network.config_type):
        raise DataError(
            f"the system {recipe.system} needs a {network.config_type.__name__}, the recipe holds a "
            f"{type(recipe.model).__name__}: start from its own preset (`dmin list presets`)"
        )
    return network


def _splits(train: ClipDataset, val: ClipDataset | None) -> tuple[ClipDataset, ...]:
    return (train,) if val is None else (train, val)


def _sizes(clips: ClipDataset) -> dict[str, Any]:
    """D_v, D_a and R."""
    sample = clips[0]
    _, height, width, channels = sample.visual.shape
    return {"visual_size": channels, "audio_size": sample.audio.shape[-1], "regions": height * width}


def _remixed(train: ClipDataset, share: float, weak: bool) -> Dataset[Sample]:
    if not share:
        return train
    if weak:
        raise DataError("remix needs the truth of every second, and weak supervision knows none: set remix to 0")
    return RemixedClips(train, read_tracks(train.store.folder), share)


def _validation(train: Clips, window_seconds: int) -> Clips | None:
    """The clips that choose the epoch; none, with a warning, if the data have splits but none for validation."""
    if "val" in train.folder.splits:
        return type(train)(train.folder.folder, "val", window_seconds=window_seconds)
    warnings.warn(
        f"{train.folder.folder} has no validation split: the last epoch is kept, unchecked; for data of your own, "
        "add splits/val.txt",
        stacklevel=4,
    )
    return None
