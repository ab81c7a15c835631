"""Inference settings stored beside the weights: the features a network was trained on, and its threshold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from dmin.errors import ModelError
from dmin.features import Settings
from dmin.files import write_atomically
from dmin.results.events import dumps


@dataclass(frozen=True)
class InferenceSettings:
    """Features that a network was trained on."""

    FILE: ClassVar[str]
    """Name of the file beside the weights."""

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
    pooled: bool = field(default=False, kw_only=True)
    """True if it was trained on maps averaged over their regions."""
    fast: bool = field(default=False, kw_only=True)
    """True if its backbones compute in bfloat16."""
    visual_licence: str = field(default="", kw_only=True)
    """Licence of the visual backbone; unknown if an older version wrote the settings."""
    audio_licence: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, features: Settings, window_seconds: int, **own: Any) -> Self:
        """Settings for a network that was trained on such features.

        Args:
            features: What the feature store says of itself.
            window_seconds: Length of the windows in training.
            own: The other fields of the subclass.
        """
        return cls(**_shared(features), window_seconds=window_seconds, **own)

    @property
    def features(self) -> Settings:
        """The part that a feature store must share."""
        return Settings(**_shared(self))

    def save(self, folder: Path) -> None:
        """Write the file beside the weights."""
        write_atomically(folder / self.FILE, dumps(asdict(self)).encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file beside the weights.

        Raises:
            ModelError: It is missing or damaged.
        """
        path = folder / cls.FILE
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError as error:
            raise ModelError(
                f"{folder} holds no {cls.FILE}: give a folder that `dmin train` wrote and that ran to its end"
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(
                f"{path} is damaged or of another version of dmin ({error}): train again, or restore the file"
            ) from error


def _shared(settings: Settings | InferenceSettings) -> dict[str, Any]:
    """Settings that a feature store and a network that was trained on it have in common."""
    names = {item.name for item in fields(Settings)} & {item.name for item in fields(InferenceSettings)}
    return {name: getattr(settings, name) for name in names}


@dataclass(frozen=True)
class LocalizerSettings(InferenceSettings):
    """Settings of a `dmin.Localizer`: where its answer becomes an event, too."""

    FILE: ClassVar[str] = "localizer.json"

    threshold: float
    """Relevance from which a second counts as event."""

    def __post_init__(self) -> None:
        if not isinstance(self.threshold, int | float) or not 0 <= self.threshold <= 1:
            raise ModelError(f"threshold is {self.threshold!r}: must be a number within 0 and 1")


@dataclass(frozen=True)
class MatcherSettings(InferenceSettings):
    """Settings of a `dmin.Matcher`."""

    FILE: ClassVar[str] = "matcher.json"
