"""The manifest of a feature store: its layout, and the backbones, versions and settings that made its features."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from dmin.errors import DataError

if TYPE_CHECKING:
    from dmin.backbones import Card

FORMAT = "dmin feature store"
FORMAT_VERSION = 2
"""Of new stores. In stores of version 1, all files of features lie in one folder."""
READABLE_VERSIONS = (1, 2)


@dataclass(frozen=True)
class Settings:
    """Settings that features depend on. Two stores can be compared or mixed only if these are equal."""

    visual: str
    """Name of the visual backbone."""
    visual_version: str
    """Version of its weights and preprocessing."""
    audio: str
    """Name of the audio backbone."""
    audio_version: str
    """Version of its weights and preprocessing."""
    frames_per_second: float
    """Frames that are averaged into a second's map."""
    rate_hz: int
    """Sampling rate of the sound that the audio backbone hears."""
    dmin_version: str = field(default_factory=lambda: version("dmin"), compare=False)
    """The dmin that wrote first; kept for the record, not compared."""
    pooled: bool = False
    """True if maps are averaged over their regions: [T, 1, 1, D_v]."""
    fast: bool = False
    """True if the backbones computed in bfloat16."""
    visual_licence: str = field(default="", compare=False)
    """Licence of the visual backbone; for the record, as stores that older versions wrote have none."""
    audio_licence: str = field(default="", compare=False)
    runtime: str = field(default="", compare=False)
    """Library that ran the backbones, and its version; for the record, as exact outputs agree to 1e-4."""

    @classmethod
    def of(cls, visual: Card, audio: Card, *, pooled: bool = False, fast: bool = False, runtime: str = "") -> Settings:
        """Settings of the features that two backbones make, by their cards."""
        return cls(
            visual=visual.name,
            visual_version=visual.version,
            audio=audio.name,
            audio_version=audio.version,
            frames_per_second=visual.frames_per_second,
            rate_hz=audio.rate_hz,
            pooled=pooled,
            fast=fast,
            visual_licence=visual.licence,
            audio_licence=audio.licence,
            runtime=runtime,
        )

    def __str__(self) -> str:
        return (
            f"{self.visual} {self.visual_version} at {self.frames_per_second:g} frames/s "
            f"+ {self.audio} {self.audio_version} at {self.rate_hz} Hz"
            f"{', averaged over regions (pooled)' if self.pooled else ''}"
            f"{', in bfloat16 (fast)' if self.fast else ''}"
        )


@dataclass(frozen=True)
class Manifest:
    """A store's settings, and the version of its layout."""

    settings: Settings
    format_version: int = FORMAT_VERSION

    @property
    def text(self) -> str:
        """The file's text."""
        return json.dumps(self._plain(), indent=2) + "\n"

    def _plain(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "format_version": self.format_version,
            "created_by": f"dmin {self.settings.dmin_version}",
            "settings": asdict(self.settings),
        }

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a store's manifest.

        Raises:
            DataError: It is missing or damaged, something else, or of a newer dmin.
        """
        try:
            manifest = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise DataError(
                f"{path.parent} is not a feature store (no manifest.json): make one with "
                "`dmin extract VIDEOS --out STORE`"
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path}: {error}") from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise DataError(f"{path} is not a feature store's manifest: give another folder for the store")
        if manifest.get("format_version") not in READABLE_VERSIONS:
            raise DataError(
                f"{path} has format version {manifest.get('format_version')}, "
                f"this dmin reads {' and '.join(map(str, READABLE_VERSIONS))}: upgrade dmin"
            )
        try:
            given = {"pooled": False, "fast": False} | manifest["settings"]  # older stores do not speak of it
            known = (item.name for item in fields(Settings) if item.compare or item.name in given)
            settings = Settings(**{name: given[name] for name in known})
        except (KeyError, TypeError) as error:
            raise DataError(f"{path} is damaged (settings lack {error}): delete the store and extract again") from error
        return cls(settings, manifest["format_version"])
