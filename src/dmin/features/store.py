"""A feature store: a folder with one safetensors file a video, a manifest, and an index.

```
STORE/manifest.json                 which backbones, versions and settings made the features
STORE/features/<xx>/<video id>.safetensors   xx: two hexadecimal digits of a hash of the id
STORE/index/                        lengths and sources of the clips: `dmin.features.index`
STORE/Annotations.txt, STORE/splits/  copies (seen.txt, too), where the videos came from a data-set folder
STORE/origin.txt                    that folder
STORE/warnings.txt                  what is odd about it, one sentence per line
```

Files appear whole or not at all, so any number of processes and machines may write into one store without a lock.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from dmin.errors import DataError
from dmin.features.clip import ClipFeatures
from dmin.features.index import Entry, Index, fitting
from dmin.features.manifest import Manifest, Settings
from dmin.files import StoreWriteError, remove_stale, write_atomically, write_once

_LONGEST_NAME = 180
"""Longer names are cut and told apart by a hash: file systems allow 255 bytes, and temporary names add to it."""
_SUFFIX = ".safetensors"
_PLAIN = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST_NAME}}}")
"""Ids that need no escaping, as most do."""
_NOTED_AT_ONCE = 10_000
"""Entries that were looked up in the clips' own files, and are added to the index together."""


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

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.settings = manifest.settings
        self._features = folder / "features"
        self._index = Index(folder / "index")
        self._in_one_folder = manifest.format_version == 1

    @classmethod
    def open(cls, folder: str | Path) -> FeatureStore:
        """Open a store that is there.

        Raises:
            DataError: There is no store, its manifest is damaged, or a newer dmin wrote it.
        """
        folder = Path(folder)
        return cls(folder, Manifest.read(folder / "manifest.json"))

    @classmethod
    def create(cls, folder: str | Path, settings: Settings) -> FeatureStore:
        """Create a store, or open the one that is there if it was made with the same settings.

        Raises:
            DataError: The folder holds a store of other settings, or something else.
            StoreWriteError: The folder cannot be written.
        """
        folder = Path(folder)
        path = folder / "manifest.json"
        try:
            (folder / "features").mkdir(parents=True, exist_ok=True)
            if not path.exists():
                write_once(path, Manifest(settings).text)
            remove_stale(folder / "features")
        except OSError as error:
            raise StoreWriteError(f"cannot create a feature store in {folder}: {error.strerror}") from error
        store = cls.open(folder)
        if store.settings != settings:
            raise DataError(
                f"the store {folder} was made with {store.settings}, now asked for {settings}: features of different "
                "settings do not mix; choose another folder, or the store's own settings"
            )
        store._index.merge()
        return store

    def path(self, video_id: str) -> Path:
        """Path of a video's feature file, whether it is there or not."""
        return Path(self._place(video_id))

    def ids(self) -> tuple[str, ...]:
        """Ids of all videos in the store, sorted. Lists all its folders: ask for single ids where you can."""
        found: list[str] = []
        for folder, _, names in os.walk(self._features):
            stems = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX) and name[0] != "."]
            found += [self._id_of_cut_name(Path(folder), stem) if "~" in stem else _unquoted(stem) for stem in stems]
        return tuple(sorted(found))

    def entries(self, ids: Iterable[str]) -> Iterator[tuple[str, Entry]]:
        """Look up what is known of videos, in the index where it has them; those it lacks are then added to it.

        Args:
            ids: Videos; those that are not in the store, or whose files are damaged, are left out.

        Yields:
            Id and entry, in order of the ids.
        """
        wanted = ids if isinstance(ids, dict) else dict.fromkeys(ids)
        indexed = self._index.read(wanted)
        new: list[tuple[str, Entry]] = []
        for video_id in wanted:
            try:
                size_bytes = os.stat(self._place(video_id)).st_size  # noqa: PTH116  # making paths takes longer
            except (FileNotFoundError, NotADirectoryError):
                continue
            entry = fitting(indexed.get(video_id, b""), size_bytes)
            if entry is None:
                try:
                    entry = self._entry(video_id, size_bytes)
                except DataError:
                    continue
                new.append((video_id, entry))
            if len(new) >= _NOTED_AT_ONCE:
                self.note(new)
                new = []
            yield video_id, entry
        self.note(new)

    def note(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Add entries to the index, if the store can be written."""
        if entries:
            with suppress(StoreWriteError):
                self._index.add(entries)

    def _place(self, video_id: str) -> str:
        part = "" if self._in_one_folder else f"{_part(video_id)}/"
        return f"{self._features}/{part}{file_name(video_id)}{_SUFFIX}"

    def _entry(self, video_id: str, size_bytes: int) -> Entry:
        with self._opened(self.path(video_id), video_id) as file:
            metadata = file.metadata()
            seconds = file.get_slice("audio").get_shape()[0]
            return Entry(seconds, float(metadata["duration_seconds"]), size_bytes, metadata.get("source", ""))

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

    def write(self, video_id: str, features: ClipFeatures, source: str = "", stamp: str = "") -> None:
        """Write a video's features: float16 maps, float32 audio. Readers see the old file or the new one, never half.

        Args:
            video_id: Any non-empty text; what a file name cannot hold is escaped.
            features: What to write; a pooled store takes maps and averages them.
            source: Fingerprint of the video file, so that a later run can tell whether the video has changed.
            stamp: Its size and time, so that a later run need not even read it.

        Raises:
            DataError: The features are empty or not finite.
            StoreWriteError: Disk full, read-only, no permission. Nothing half-written is left.
        """
        if self.settings.pooled:
            features = features.pooled()
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
        content, path = save(tensors, metadata), self.path(video_id)
        stamps = (stamp,) if stamp else ()
        self._index.add([(video_id, Entry(len(features), features.duration_seconds, len(content), source, stamps))])
        write_atomically(path, content, temporary_in=self._features)

    def _id_of_cut_name(self, folder: Path, name: str) -> str:
        with self._opened(folder / f"{name}{_SUFFIX}", name) as file:
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
    if _PLAIN.fullmatch(video_id):
        return video_id
    encoded = re.sub(r"[^A-Za-z0-9_.\- ]", _escape, video_id)
    encoded = re.sub(r"^[. ]|[. ]$", _escape, encoded)
    if len(encoded) <= _LONGEST_NAME:
        return encoded
    return f"{encoded[: _LONGEST_NAME - 17]}~{_hash(video_id)[:16]}"


def _part(video_id: str) -> str:
    """Folder of a video's file, one of 256: a folder of a million files is slow to list, on some systems to open."""
    return _hash(video_id)[:2]


def _hash(video_id: str) -> str:
    return hashlib.sha256(video_id.encode("utf-8", "surrogateescape")).hexdigest()


def _escape(match: re.Match[str]) -> str:
    # Surrogates stand for bytes of a file name that are not UTF-8.
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _unquoted(text: str) -> str:
    return unquote(text, errors="surrogateescape")
