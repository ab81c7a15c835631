"""A feature store: a folder with one safetensors file a video and one manifest.

```
STORE/manifest.json                 which backbones, versions and settings made the features
STORE/features/<video id>.safetensors
STORE/Annotations.txt, STORE/splits/  copies, where the videos came from a data-set folder
STORE/origin.txt                    that folder
STORE/warnings.txt                  what is odd about it, one sentence per line
```

Files appear whole or not at all, so any number of processes and machines may write into one store without a lock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dmin.errors import DataError
from dmin.files import StoreWriteError, remove_stale, write_atomically, write_once

if TYPE_CHECKING:
    from dmin.backbones import Card

FORMAT = "dmin feature store"
FORMAT_VERSION = 1
_LONGEST_NAME = 180
"""Longer names are cut and told apart by a hash: file systems allow 255 bytes, and temporary names add to it."""


@dataclass(frozen=True, eq=False)
class ClipFeatures:
    """Features of one clip; row t is the second [t, t + 1)."""

    visual: Tensor
    """Visual maps [T, H, W, D_v], channels last; float16 on disk."""
    audio: Tensor
    """Audio features [T, D_a]; float32."""
    duration_seconds: float
    """Length of the clip; T is this, rounded half up."""

    def __post_init__(self) -> None:
        if self.visual.ndim != 4 or self.audio.ndim != 2 or len(self.visual) != len(self.audio):
            raise DataError(
                f"got visual {list(self.visual.shape)} and audio {list(self.audio.shape)}: "
                "must be [T, H, W, D_v] and [T, D_a] with the same T"
            )

    def __len__(self) -> int:
        return len(self.visual)

    def __repr__(self) -> str:
        return (
            f"ClipFeatures(visual={list(self.visual.shape)} {self.visual.dtype}, "
            f"audio={list(self.audio.shape)} {self.audio.dtype}, duration_seconds={self.duration_seconds:g})"
        )


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

    @classmethod
    def of(cls, visual: Card, audio: Card) -> Settings:
        """Settings of the features that two backbones make, by their cards."""
        return cls(visual.name, visual.version, audio.name, audio.version, visual.frames_per_second, audio.rate_hz)

    def __str__(self) -> str:
        return (
            f"{self.visual} {self.visual_version} at {self.frames_per_second:g} frames/s "
            f"+ {self.audio} {self.audio_version} at {self.rate_hz} Hz"
        )


class FeatureStore:
    """The features of a collection of videos, on disk.

    Example:
        >>> import tempfile, torch
        >>> folder = tempfile.mkdtemp()
        >>> store = FeatureStore.create(folder, Settings("lite0", "1", "sfx", "1", 4.0, 44_100))
        >>> store.write("sea", ClipFeatures(torch.zeros(10, 7, 7, 1280), torch.zeros(10, 512), 10.0))
        >>> "sea" in store, store.ids()
        (True, ('sea',))
        >>> FeatureStore.open(folder).read("sea")
        ClipFeatures(visual=[10, 7, 7, 1280] torch.float16, audio=[10, 512] torch.float32, duration_seconds=10)
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings

    @classmethod
    def open(cls, folder: str | Path) -> FeatureStore:
        """Open a store that is there.

        Raises:
            DataError: There is no store, its manifest is damaged, or a newer dmin wrote it.
        """
        folder = Path(folder)
        return cls(folder, _read_manifest(folder / "manifest.json"))

    @classmethod
    def create(cls, folder: str | Path, settings: Settings) -> FeatureStore:
        """Create a store, or open the one that is there if it was made with the same settings.

        Raises:
            DataError: The folder holds a store of other settings, or something else.
            StoreWriteError: The folder cannot be written.
        """
        folder = Path(folder)
        manifest = folder / "manifest.json"
        try:
            (folder / "features").mkdir(parents=True, exist_ok=True)
            if not manifest.exists():
                write_once(manifest, _manifest_text(settings))
            remove_stale(folder / "features")
        except OSError as error:
            raise StoreWriteError(f"cannot create a feature store in {folder}: {error.strerror}") from error
        store = cls.open(folder)
        if store.settings != settings:
            raise DataError(
                f"the store {folder} was made with {store.settings}, now asked for {settings}: features of different "
                "settings do not mix; choose another folder, or the store's own settings"
            )
        return store

    def path(self, video_id: str) -> Path:
        """Path of a video's feature file, whether it is there or not."""
        return self.folder / "features" / f"{file_name(video_id)}.safetensors"

    def ids(self) -> tuple[str, ...]:
        """Ids of all videos in the store, sorted."""
        names = (
            file.stem for file in (self.folder / "features").glob("*.safetensors") if not file.name.startswith(".")
        )
        return tuple(sorted(self._id_of_cut_name(name) if "~" in name else _unquoted(name) for name in names))

    def __contains__(self, video_id: object) -> bool:
        return isinstance(video_id, str) and self.path(video_id).is_file()

    def __len__(self) -> int:
        return len(self.ids())

    def read(self, video_id: str) -> ClipFeatures:
        """Read a video's features; the tensors are memory-mapped, so only what is used is loaded.

        Raises:
            DataError: The video is not in the store, or its file is damaged.
        """
        with self._opened(self.path(video_id), video_id) as file:
            metadata = file.metadata()
            return ClipFeatures(
                visual=file.get_tensor("visual"),
                audio=file.get_tensor("audio"),
                duration_seconds=float(metadata["duration_seconds"]),
            )

    def source(self, video_id: str) -> str:
        """Fingerprint of the video file that the features were made from; empty if none was given.

        Raises:
            DataError: The video is not in the store, or its file is damaged.
        """
        with self._opened(self.path(video_id), video_id) as file:
            return str(file.metadata().get("source", ""))

    def write(self, video_id: str, features: ClipFeatures, source: str = "") -> None:
        """Write a video's features: float16 maps, float32 audio. Readers see the old file or the new one, never half.

        Args:
            video_id: Any non-empty text; what a file name cannot hold is escaped.
            features: What to write.
            source: Fingerprint of the video file, so that a later run can tell whether the video has changed.

        Raises:
            DataError: The features are empty or not finite.
            StoreWriteError: Disk full, read-only, no permission. Nothing half-written is left.
        """
        visual, audio = features.visual.to(torch.float16), features.audio.to(torch.float32)
        if len(features) == 0 or not (visual.isfinite().all() and audio.isfinite().all()):
            raise DataError(f"the features of {video_id!r} are empty or not finite, and were not stored")
        metadata = {
            "video_id": video_id.encode("utf-8", "replace").decode(),  # for people
            "quoted_id": quote(video_id, errors="surrogateescape"),
            "duration_seconds": repr(float(features.duration_seconds)),
            "source": source,
        }
        tensors = {"visual": visual.contiguous().cpu(), "audio": audio.contiguous().cpu()}
        write_atomically(self.path(video_id), save(tensors, metadata))

    def _id_of_cut_name(self, name: str) -> str:
        with self._opened(self.folder / "features" / f"{name}.safetensors", name) as file:
            metadata = file.metadata()
            quoted = metadata.get("quoted_id")  # older stores have none
            return str(metadata["video_id"]) if quoted is None else _unquoted(quoted)

    @contextmanager
    def _opened(self, path: Path, video_id: str) -> Iterator[Any]:
        try:
            with safe_open(path, framework="pt") as file:
                yield file
        except FileNotFoundError as error:
            raise DataError(
                f"no features of {video_id!r} in the store {self.folder}: extract its video into this store first"
            ) from error
        except (SafetensorError, OSError, KeyError, AttributeError, ValueError) as error:
            raise DataError(
                f"the feature file {path} is damaged ({error}): delete it and run the extraction again, "
                "which makes only what is missing"
            ) from error


def file_name(video_id: str) -> str:
    """A file name for any video id: unsafe characters become %XX, very long ids end in a hash.

    Raises:
        DataError: The id is empty.

    Example:
        >>> file_name("-1qyr-IzqKY"), file_name("../a b/c")
        ('-1qyr-IzqKY', '%2E.%2Fa b%2Fc')
    """
    if not video_id:
        raise DataError("got an empty video id: every video needs a name")
    encoded = re.sub(r"[^A-Za-z0-9_.\- ]", _escape, video_id)
    encoded = re.sub(r"^[. ]|[. ]$", _escape, encoded)
    if len(encoded) <= _LONGEST_NAME:
        return encoded
    digest = hashlib.sha256(video_id.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{encoded[: _LONGEST_NAME - 17]}~{digest}"


def _escape(match: re.Match[str]) -> str:
    # Surrogates stand for bytes of a file name that are not UTF-8.
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _unquoted(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _manifest_text(settings: Settings) -> str:
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created_by": f"dmin {settings.dmin_version}",
        "settings": asdict(settings),
    }
    return json.dumps(manifest, indent=2) + "\n"


def _read_manifest(path: Path) -> Settings:
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise DataError(
            f"{path.parent} is not a feature store (no manifest.json): make one with `dmin extract VIDEOS --out STORE`"
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(f"{path} is not a feature store's manifest: give another folder for the store")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path} has format version {manifest.get('format_version')}, "
            f"this dmin reads {FORMAT_VERSION}: upgrade dmin"
        )
    try:
        return Settings(**{item.name: manifest["settings"][item.name] for item in fields(Settings)})
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged (settings lack {error}): delete the store and extract again") from error
