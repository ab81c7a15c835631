"""What a training run needs, and what inference must know afterwards: frozen dataclasses, kept beside the weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dmin.errors import DataError, ModelError, unknown_name
from dmin.events import dumps
from dmin.features import Settings
from dmin.models import DMINConfig

PRESETS = Path(__file__).parent / "presets"
SETTINGS_FILE = "localizer.json"


@dataclass(frozen=True)
class TrainConfig:
    """The recipe of a training run under full supervision. The defaults are the paper's, where it speaks."""

    model: DMINConfig = field(default_factory=DMINConfig)
    """The network; feature sizes and category names are filled in from the data."""
    unimodal_weight: float = 0.1
    """The paper's lambda (eq. 17): weight of the unimodal category loss, 1 - lambda being the fused one's."""
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
    remix: float = 0.0
    """Share of training clips, anew in every epoch, that get another clip's sound; composed clips only (0 to 1)."""
    window_seconds: int = 10
    """Longer clips are cut into windows of this length, in training and at inference."""
    threshold: float = 0.5
    """Relevance from which a second counts as event (section VI-B), unless `false_event_share` is given."""
    false_event_share: float | None = None
    """Choose the threshold so that at most this share of seconds of validation clips without an event fires."""
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
class LocalizerSettings:
    """What a video must go through before the network sees it, and where its answer becomes an event."""

    visual: str
    """Name of the visual backbone."""
    visual_version: str
    audio: str
    """Name of the audio backbone."""
    audio_version: str
    frames_per_second: float
    rate_hz: int
    window_seconds: int
    """Length of the windows that the network was trained on."""
    threshold: float
    """Relevance from which a second counts as event."""

    @classmethod
    def of(cls, features: Settings, window_seconds: int, threshold: float) -> LocalizerSettings:
        """Settings for a network that was trained on such features."""
        return cls(
            features.visual,
            features.visual_version,
            features.audio,
            features.audio_version,
            features.frames_per_second,
            features.rate_hz,
            window_seconds,
            threshold,
        )

    @property
    def features(self) -> Settings:
        """The part that a feature store must share."""
        return Settings(
            self.visual, self.visual_version, self.audio, self.audio_version, self.frames_per_second, self.rate_hz
        )

    def save(self, folder: Path) -> None:
        """Write ``localizer.json`` beside the weights."""
        (folder / SETTINGS_FILE).write_text(dumps(asdict(self)), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> LocalizerSettings:
        """Read ``localizer.json``.

        Raises:
            ModelError: It is missing or damaged.
        """
        path = folder / SETTINGS_FILE
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError as error:
            raise ModelError(
                f"{folder} holds no {SETTINGS_FILE}: give a folder that `dmin train` wrote and that ran to its end"
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{path} is damaged ({error}): train again, or restore the file") from error


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


def write_recipe(run: Path, config: TrainConfig) -> None:
    """Write ``train.yaml``, or make sure that the one that is there is the same.

    Raises:
        DataError: The folder holds a run of another recipe.
    """
    import yaml

    path = run / "train.yaml"
    recipe: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    if path.is_file():
        other = yaml.safe_load(path.read_text("utf-8"))
        different = sorted(name for name in recipe if recipe[name] != other.get(name))
        # More epochs of the same recipe is how a finished run is prolonged.
        if set(different) - {"epochs"}:
            raise DataError(
                f"{run} holds a run of another recipe (different: {', '.join(different)}): "
                "choose another --out, or remove that folder"
            )
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), "utf-8")
