"""Recipes: all settings of a training run. Presets, which fill them, are in `dmin.training.presets`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from dmin.checks import check_sizes, check_within_unit
from dmin.errors import DataError, unknown_name
from dmin.files import write_atomically
from dmin.models import DCMRConfig, DMINConfig, LocalizationConfig, MatchingConfig, System, systems
from dmin.models.config import NetworkConfig, config_from
from dmin.tasks.objectives import LossOptions

HARDWARE = ("device", "devices", "nodes", "precision", "cache", "compile")
"""Fields of a recipe that say where and how exactly it is computed: the same run may go on with others."""


CACHES = ("auto", "memory", "device", "none")
"""Places where features may be held during training."""
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
"""Lightning's names of the precisions that networks here can be trained in."""


@dataclass(frozen=True)
class Recipe:
    """Settings shared by all training runs. The defaults are the paper's, where it states them."""

    task: str
    """The task: localization or matching. Presets set it."""
    system: str
    """Name of the system; `dmin list systems` shows all."""
    model: NetworkConfig
    """The network; feature sizes and category names are filled in from the data."""
    epochs: int = 200
    """Passes over the training split; the best one on the validation split is kept."""
    batch_size: int = 32
    """Clips a step."""
    learning_rate: float = 5e-5
    """Adam's rate at the start."""
    milestones: tuple[int, ...] = (10, 20, 30)
    """Epochs after which the rate is multiplied by `rate_factor`."""
    rate_factor: float = 0.5
    """Factor of the rate at each milestone."""
    weight_decay: float = 0.0
    """Adam's L2 penalty."""
    gradient_clip: float = 0.1
    """Largest norm of the gradient; 0 switches clipping off."""
    window_seconds: int = 10
    """Longer clips are cut into windows of this length, in training and at inference."""
    seed: int = 0
    """Of the weights' start, the order of clips and dropout."""
    device: str = "auto"
    """Device to train on: auto (a GPU where there is one), cpu, cuda, cuda:1 or mps."""
    devices: int | str = "auto"
    """Number of these devices on each machine; auto for all."""
    nodes: int = 1
    """Number of machines."""
    precision: str = "32-true"
    """Lightning's name of the precision: 32-true, bf16-mixed, 16-mixed."""
    cache: str = "auto"
    """Where features are held: memory (read once), device (read once, onto the GPU), none (files are read in every
    epoch, by workers that read ahead), or auto, the GPU or memory if there is room. The result is the same."""
    compile: bool = False
    """Compile the network first, by torch.compile, which takes a minute or two and needs a C++ compiler. Afterwards
    steps are faster; the result is the same but for rounding."""

    def __post_init__(self) -> None:
        check_sizes(self, "epochs", "batch_size", "window_seconds", error=DataError)
        limits = {"seed": 2**32 - 1, "learning_rate": inf, "weight_decay": inf, "gradient_clip": inf}
        for name, most in limits.items():
            if not 0 <= getattr(self, name) <= most:
                raise DataError(f"{name} is {getattr(self, name)}: must be from 0 to {most}")
        if self.devices != "auto" and not (str(self.devices).isdigit() and int(self.devices) > 0):
            raise DataError(f"devices is {self.devices!r}: must be auto, or a number of 1 or more")
        if self.precision not in PRECISIONS:
            raise DataError(unknown_name("precision", self.precision, PRECISIONS))
        if self.cache not in CACHES:
            raise DataError(unknown_name("cache", self.cache, CACHES))
        if ":" in self.device and self.devices not in ("auto", 1):
            raise DataError(f"device is {self.device!r}, which is one, and devices {self.devices}: leave devices out")


@dataclass(frozen=True)
class LocalizationRecipe(LossOptions, Recipe):
    """The recipe of event localization, under full or weak supervision (`model.supervision`)."""

    task: str = "localization"
    """The task. Presets set it."""
    system: str = "dmin"
    """Name of the system; `dmin list systems` shows all."""
    model: LocalizationConfig = field(default_factory=DMINConfig)
    """The network; feature sizes and category names are filled in from the data."""
    remix: float = 0.0
    """Share of training clips, anew in every epoch, that get another clip's sound; composed clips only (0 to 1)."""
    threshold: float = 0.5
    """Relevance from which a second counts as event (section VI-B), unless `false_event_share` is given."""
    false_event_share: float | None = None
    """Choose the threshold so that at most this share of seconds of validation clips without an event fires."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = ("unimodal_weight", "remix", "threshold", "false_event_share")
        check_within_unit(DataError, **{name: getattr(self, name) for name in shares})


@dataclass(frozen=True)
class MatchingRecipe(Recipe):
    """The recipe of cross-modality localization, in either direction (`model.direction`)."""

    task: str = "matching"
    """The task. Presets set it."""
    system: str = "dcmr"
    """Name of the system; `dmin list systems` shows all."""
    model: MatchingConfig = field(default_factory=DCMRConfig)
    """The network; feature sizes are filled in from the data."""
    splice: float = 0.0
    """Share of training clips, anew in every epoch, whose asked modality holds another clip around the query (0..1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_within_unit(DataError, splice=self.splice)


AnyRecipe = LocalizationRecipe | MatchingRecipe
RECIPES: dict[str, type[LocalizationRecipe] | type[MatchingRecipe]] = {
    "localization": LocalizationRecipe,
    "matching": MatchingRecipe,
}
"""Recipes by task."""


def system_of(options: Mapping[str, Any]) -> System:
    """The system that the options of a recipe are for: the one they name, or the task's own, DMIN or DCMR.

    Raises:
        DataError: The task is unknown, or not the system's.
        ModelError: The system is unknown.
    """
    task = options.get("task")
    if task is not None and task not in RECIPES:
        raise DataError(unknown_name("task", str(task), RECIPES))
    system = systems()[str(options.get("system", RECIPES[task or "localization"].system))]
    if task not in (None, system.task):
        raise DataError(
            f"the system {system.name} is for {system.task}, got task {task}: choose presets and flags of one task"
        )
    return system


def recipe_from(options: Mapping[str, Any]) -> AnyRecipe:
    """A recipe from plain data: its fields, ``model`` being a mapping of the network's.

    Raises:
        DataError: An unknown field.
        ModelError: An unknown system or field of the network, or a value that it cannot have.
    """
    system = system_of(options)
    network = config_from(system.network.config_type, options.get("model", {}), DataError)
    return config_from(RECIPES[system.task], {**options, "model": network}, DataError)


def write_recipe(run: Path, recipe: Recipe) -> None:
    """Write ``train.yaml``, or make sure that the one that is there is the same.

    Raises:
        DataError: The folder holds a run of another recipe.
    """
    import yaml

    path = run / "train.yaml"
    ours: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    if path.is_file():
        other = yaml.safe_load(path.read_text("utf-8"))
        different = sorted(name for name in ours if ours[name] != other.get(name))
        # More epochs of the same recipe is how a finished run is prolonged.
        if set(different) - {"epochs", *HARDWARE}:
            raise DataError(
                f"{run} holds a run of another recipe (different: {', '.join(different)}): "
                "choose another --out, or remove that folder"
            )
    write_atomically(path, yaml.safe_dump(ours, sort_keys=False).encode())
