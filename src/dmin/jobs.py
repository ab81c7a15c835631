"""What each kind of recipe trains: its clips, its network, its task, and what is written beside the weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from torch.utils.data import Dataset

from dmin.calibration import calibrate_threshold
from dmin.data.batches import ClipDataset, Sample
from dmin.data.matching import MatchingClips
from dmin.data.remix import RemixedClips, read_tracks
from dmin.data.splice import SplicedClips
from dmin.errors import DataError
from dmin.models import DCMR, DMIN, PretrainedModel
from dmin.recipe import LocalizationRecipe, MatchingRecipe, Recipe
from dmin.settings import InferenceSettings, LocalizerSettings, MatcherSettings
from dmin.tasks.localization import FullSupervision
from dmin.tasks.matching import Matching
from dmin.tasks.task import Task
from dmin.tasks.weak_supervision import WeakSupervision

Clips = TypeVar("Clips", bound=ClipDataset)


@dataclass(frozen=True)
class Job:
    """All that a training run is made of."""

    recipe: Recipe
    """With the sizes and names of the data filled in."""
    model: PretrainedModel
    task: Task
    train: Dataset[Sample]
    val: Dataset[Sample] | None
    """None if the data have no validation split: the last epoch is kept then."""
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
    visual, audio = _sizes(train)
    config = replace(recipe.model, visual_size=visual, audio_size=audio, category_names=train.categories)
    weak = config.supervision == "weak"
    task: Task = FullSupervision(config.categories, recipe.unimodal_weight)
    if weak:
        task = WeakSupervision(config.categories, recipe.unimodal_weight, recipe.mil_pooling)

    def settings_of(run: Path) -> LocalizerSettings:
        threshold = recipe.threshold
        if recipe.false_event_share is not None and val is not None:
            threshold = calibrate_threshold(DMIN.from_pretrained(run), val, recipe.false_event_share)
        return LocalizerSettings.of(train.store.settings, recipe.window_seconds, threshold=threshold)

    clips = _remixed(train, recipe.remix, weak)
    return Job(replace(recipe, model=config), DMIN(config), task, clips, val, settings_of)


def _matching(store: str | Path, recipe: MatchingRecipe) -> Job:
    train = MatchingClips(store, "train", window_seconds=recipe.window_seconds)
    val = _validation(train, recipe.window_seconds)
    visual, audio = _sizes(train)
    config = replace(recipe.model, visual_size=visual, audio_size=audio)

    def settings_of(run: Path) -> MatcherSettings:
        return MatcherSettings.of(train.store.settings, recipe.window_seconds)

    task = Matching(len(train.categories))
    clips = SplicedClips(train, recipe.splice, "visual" if config.direction == "a2v" else "audio")
    return Job(replace(recipe, model=config), DCMR(config), task, clips, val, settings_of)


def _sizes(clips: ClipDataset) -> tuple[int, int]:
    """D_v and D_a."""
    sample = clips[0]
    return sample.visual.shape[-1], sample.audio.shape[-1]


def _remixed(train: ClipDataset, share: float, weak: bool) -> Dataset[Sample]:
    if not 0 <= share <= 1:
        raise DataError(f"remix is {share}: must be within 0 and 1")
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
