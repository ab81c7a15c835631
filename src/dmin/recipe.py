"""What a training run needs: recipes, and the presets that come with dmin."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dmin.errors import DataError, ModelError, unknown_name
from dmin.models import DCMRConfig, DMINConfig

PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Recipe:
    """What any training run needs. The defaults are the paper's, where it speaks."""

    task: str
    """What is learnt: localization or matching. A preset says it."""
    epochs: int = 200
    """Passes over the training split; the best one on the validation split is kept."""
    batch_size: int = 32
    """Clips a step."""
    learning_rate: float = 5e-5
    """Adam's rate at the start."""
    milestones: tuple[int, ...] = (10, 20, 30)
    """Epochs after which the rate is multiplied by `rate_factor`."""
    rate_factor: float = 0.5
    """What the rate is multiplied by at each milestone."""
    weight_decay: float = 0.0
    """Adam's L2 penalty."""
    gradient_clip: float = 0.1
    """Largest norm of the gradient; 0 switches clipping off."""
    window_seconds: int = 10
    """Longer clips are cut into windows of this length, in training and at inference."""
    seed: int = 0
    """Of the weights' start, the order of clips and dropout."""
    accelerator: str = "auto"
    """Lightning's name of the hardware: auto, cpu, gpu, mps."""
    devices: int | str = "auto"
    """How many of them on each machine."""
    nodes: int = 1
    """How many machines."""
    precision: str = "32-true"
    """Lightning's name of the precision: 32-true, bf16-mixed, 16-mixed."""


@dataclass(frozen=True)
class LocalizationRecipe(Recipe):
    """The recipe of DMIN, under full or weak supervision (`model.supervision`)."""

    task: str = "localization"
    """What is learnt. A preset says it."""
    model: DMINConfig = field(default_factory=DMINConfig)
    """The network; feature sizes and category names are filled in from the data."""
    unimodal_weight: float = 0.1
    """The paper's lambda (eq. 17-18): weight of the unimodal category loss, 1 - lambda being the fused one's."""
    mil_pooling: str = "probabilities"
    """Weak supervision: what is pooled over time, "probabilities" or, as in the released code, scaled "logits"."""
    remix: float = 0.0
    """Share of training clips, anew in every epoch, that get another clip's sound; composed clips only (0 to 1)."""
    threshold: float = 0.5
    """Relevance from which a second counts as event (section VI-B), unless `false_event_share` is given."""
    false_event_share: float | None = None
    """Choose the threshold so that at most this share of seconds of validation clips without an event fires."""


@dataclass(frozen=True)
class MatchingRecipe(Recipe):
    """The recipe of DCMR, in either direction (`model.direction`)."""

    task: str = "matching"
    """What is learnt. A preset says it."""
    model: DCMRConfig = field(default_factory=DCMRConfig)
    """The network; feature sizes are filled in from the data."""
    splice: float = 0.0
    """Share of training clips, anew in every epoch, whose asked modality holds another clip around the query (0..1)."""


RECIPES: dict[str, type[LocalizationRecipe] | type[MatchingRecipe]] = {
    "localization": LocalizationRecipe,
    "matching": MatchingRecipe,
}
"""Recipes by task."""


def presets() -> dict[str, Path]:
    """The recipes that come with dmin, by name.

    Example:
        >>> "paper" in presets()
        True
    """
    return {path.stem: path for path in sorted(PRESETS.glob("*.yaml"))}


def preset(name: str) -> Path:
    """Path of a recipe, by name.

    Raises:
        ModelError: There is no such preset.
    """
    known = presets()
    if name not in known:
        raise ModelError(unknown_name("preset", name, known))
    return known[name]


def read_recipe(path: Path) -> dict[str, Any]:
    """The YAML file of a recipe as plain data.

    Raises:
        DataError: It cannot be read, is no mapping, or names an unknown task.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read as a recipe ({error}): give a preset's name or a YAML file") from error
    if not isinstance(data, dict):
        raise DataError(f"{path} is no recipe: it must hold options, one a line, e.g. epochs: 30")
    task = data.get("task", "localization")
    if task not in RECIPES:
        raise DataError(f"{path}: {unknown_name('task', str(task), RECIPES)}")
    return data


def recipe_of(name: str, **options: Any) -> LocalizationRecipe | MatchingRecipe:
    """A preset as an object.

    Args:
        name: Of the preset.
        options: Fields to change; ``model`` may be a dict of some of the network's options.

    Example:
        >>> recipe_of("small", epochs=3).epochs
        3
    """
    data = read_recipe(preset(name))
    kind = RECIPES[data.get("task", "localization")]
    network = DCMRConfig if kind is MatchingRecipe else DMINConfig
    changed = options.pop("model", {})
    return kind(**(data | options | {"model": network(**(data.get("model", {}) | changed))}))


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
        if set(different) - {"epochs"}:
            raise DataError(
                f"{run} holds a run of another recipe (different: {', '.join(different)}): "
                "choose another --out, or remove that folder"
            )
    path.write_text(yaml.safe_dump(ours, sort_keys=False), "utf-8")
