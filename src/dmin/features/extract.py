"""Videos to a feature store: resumable, parallel, and a bad file never stops the batch."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dmin import backbones
from dmin.backbones import Backbone, Card
from dmin.device import device_of
from dmin.errors import DataError, DminError
from dmin.features.fingerprint import current, fingerprint, stamp
from dmin.features.manifest import Settings
from dmin.features.sources import find_videos
from dmin.features.store import FeatureStore
from dmin.features.stream import MissingAudio, features_of
from dmin.features.workers import Engine, cores, on_this_machine
from dmin.files import StoreWriteError, write_atomically
from dmin.progress import Progress, silent
from dmin.shard import WHOLE, Shard

_VIDEOS_A_WORKER = 8
"""Fewer do not pay for a process: starting one takes as long as three or four clips of ten seconds."""
_MOST_WORKERS = 16
"""Unless asked for more: each takes up to a gigabyte."""
COMPOSITION_FILE = "composition.json"
"""Of a feature store: the manifest of the composed clips that its features were made from."""
ORIGIN_FILE = "origin.txt"
"""Of a feature store: the data-set folder that its annotations and splits were copied from."""
SEEN_FILE = "seen.txt"
"""Of a data set: the categories that training has by its makers' word, one a line, whatever clips are there."""
TEXTS = ("Annotations.txt", "splits/train.txt", "splits/val.txt", "splits/test.txt", SEEN_FILE)
_COPIED = {name: name for name in TEXTS} | {
    "manifest.json": COMPOSITION_FILE  # of composed clips; the store has a manifest of its own
}
"""Files that a store copies from the data set, by their names there, and their names in the store."""


@dataclass(frozen=True)
class Failure:
    """A video that could not be extracted."""

    video: str
    """Its path."""
    reason: str
    """One sentence."""

    def __str__(self) -> str:
        return f"{self.video}: {self.reason}"


@dataclass(frozen=True)
class ExtractionReport:
    """Outcome of an extraction, video by video."""

    done: tuple[str, ...] = field(repr=False)
    """Ids of the videos that were extracted now."""
    reused: tuple[str, ...] = field(repr=False)
    """Ids of the videos whose features were there already."""
    failed: tuple[Failure, ...] = ()
    """Videos that have no features."""

    def require_all(self) -> None:
        """Make sure that no video failed.

        Raises:
            DataError: Some did; the message holds the first three reasons.
        """
        if self.failed:
            reasons = "\n".join(str(failure) for failure in self.failed[:3])
            total = len(self.done) + len(self.reused) + len(self.failed)
            raise DataError(f"{len(self.failed)} of {total} videos have no features:\n{reasons}")


@dataclass(frozen=True)
class _Job:
    video_id: str
    path: Path


def extract(
    source: str | Path | Iterable[str | Path],
    store_folder: str | Path,
    *,
    ids: Collection[str] | None = None,
    visual: str | Backbone = "lite0",
    audio: str | Backbone = "sfx",
    missing_audio: MissingAudio = "error",
    workers: int | None = 1,
    video_seconds: float = 3600.0,
    engine: Engine | None = None,
    shard: Shard = WHOLE,
    device: str = "auto",
    pooled: bool = False,
    fast: bool = False,
    progress: Progress = silent,
) -> ExtractionReport:
    """Compute the features of many videos into a store.

    What is in the store already, whole and of the same file, is reused: to resume, run the same call again. A video
    that cannot be read, or that takes a worker process down, is reported, and the rest goes on. Warns about videos that
    could be read only in part.

    Args:
        source: Video files; or a folder of videos; or a data-set folder, whose annotations and splits are copied into
            the store, so that training needs only the store.
        store_folder: A new folder, or a store of the same backbones.
        ids: Leave out all other videos of the source; by default none is left out.
        visual: Name of a visual backbone (``timm:NAME`` and ``hf:NAME`` among them), or one of your own.
        audio: Name of an audio backbone (``hf:NAME`` among them), or one of your own.
        missing_audio: "silence" accepts videos without sound.
        workers: Number of processes; the machine's cores are divided among them. With 1, this process does the work.
            None takes a process per core if there are enough videos: faster than threads in one process. A script
            that asks for several must protect its own work by ``if __name__ == "__main__":``.
        video_seconds: Longest time that the work on one video may take, if other processes do it; a decoder that hangs
            costs its video only.
        engine: Does the work in place of this machine's processes, e.g. `dmin.features.cluster.RayCluster`, which has
            its own number of workers and time per video.
        shard: Does one of several parts, one part per machine, all into one store.
        device: Where backbones that are given by name run: auto (a GPU where there is one), cpu, cuda, cuda:1 or mps.
        pooled: Store maps averaged over their regions, a fiftieth of the size with maps of [7, 7]; networks that look
            at regions cannot be trained on them.
        fast: Let backbones that are given by name compute in bfloat16, in half the time or less; such features differ
            by some percent, and a store of them is one of other settings.
        progress: Called with the step "extract" after each video, and before that while weights are downloaded.

    Returns:
        Ids of what was done and reused, and the failures.

    Raises:
        DataError: No video, two videos of one id, or a store of other settings.
        StoreWriteError: The disk is full, or the store cannot be written. What is in the store stays good.
        ModelError: Unknown backbone, or its weights cannot be had.
        DminError: This machine has no such device, or is not ``fast`` at bfloat16.
    """
    if workers is not None and workers < 1:
        raise DataError(f"workers is {workers}: must be at least 1")
    # Other machines may have other devices.
    runtime = _runtime(device, fast, visual, audio) if engine is None else ""
    cards = _card(visual, "visual"), _card(audio, "audio")
    videos = dict(shard.part([item for item in find_videos(source).items() if ids is None or item[0] in ids]))
    store = FeatureStore.create(store_folder, Settings.of(*cards, pooled=pooled, fast=fast, runtime=runtime))
    if isinstance(source, (str, Path)):
        _copy_annotations(Path(source), store.folder)
    reused = current(store, videos)
    pending = [_Job(video_id, path) for video_id, path in videos.items() if video_id not in reused]
    for name, card in zip((visual, audio), cards, strict=True):
        if pending and isinstance(name, str):
            backbones.fetch(name, progress, card.version)  # once, here: not by every worker
    progress("extract", len(reused), len(videos))

    if engine is None:
        workers = _suggested(len(pending)) if workers is None else min(workers, len(pending))
        engine = on_this_machine(workers, video_seconds)
    make = partial(_Extractor, visual, audio, store, missing_audio, device)
    done: list[str] = []
    failed: list[Failure] = []
    try:
        with closing(engine.apply(make, pending)) as outcomes:
            for job, outcome in outcomes:
                if outcome is None:
                    done.append(job.video_id)
                else:
                    failed.append(Failure(str(job.path), str(outcome)))
                progress("extract", len(reused) + len(done) + len(failed), len(videos))
    except StoreWriteError as error:
        raise StoreWriteError(
            f"{error}; stopped with {len(reused) + len(done)} of {len(videos)} videos in the store, which stay good: "
            "make room or choose another folder, and run the same again to go on"
        ) from error
    return ExtractionReport(tuple(sorted(done)), tuple(sorted(reused)), tuple(sorted(failed, key=str)))


class _Extractor:
    """Extracts one video after the other, in this process or in one of several."""

    def __init__(
        self,
        visual: str | Backbone,
        audio: str | Backbone,
        store: FeatureStore,
        missing_audio: MissingAudio,
        device: str,
    ) -> None:
        settings = store.settings
        self.visual = _load(visual, "visual", settings, device)
        self.audio = _load(audio, "audio", settings, device)
        self.store = store
        self.missing_audio = missing_audio

    def __call__(self, job: _Job) -> str | None:
        """Extract a video, and give the reason if it cannot be."""
        try:
            # Before the work: a file that changes meanwhile is then done again.
            state, source = stamp(job.path), fingerprint(job.path)
            features = features_of(job.path, self.visual, self.audio, self.missing_audio)
            self.store.write(job.video_id, features, source, state)
        except StoreWriteError:
            raise  # the next video would fare no better
        except DminError as error:
            return str(error)
        except Exception as error:  # a video may break a decoder in ways that nobody has foreseen
            return f"{type(error).__name__}: {error}"
        return None


def _suggested(videos: int) -> int:
    return max(1, min(cores(), videos // _VIDEOS_A_WORKER, _MOST_WORKERS))


def _runtime(device: str, fast: bool, *given: str | Backbone) -> str:
    """Name of the library that runs the backbones which are given by name; nothing is known of others."""
    place = device_of(device)
    if fast:
        backbones.require_fast(place)
    return backbones.runtime_name(place) if any(isinstance(backbone, str) for backbone in given) else ""


def _card(backbone: str | Backbone, modality: str) -> Card:
    if isinstance(backbone, Backbone):
        return backbone.card
    return backbones.card_of(backbone, modality)


def _load(backbone: str | Backbone, modality: str, settings: Settings, device: str) -> Backbone:
    if isinstance(backbone, Backbone):
        return backbone
    place = device_of(device)
    if settings.fast:  # a cluster's machine may be another than the one that was asked
        backbones.require_fast(place)
    version = getattr(settings, f"{modality}_version")
    return backbones.create(backbone, modality, version, fast=settings.fast).to(place)


def _copy_annotations(source: Path, store: Path) -> None:
    """Copy a data set's annotations, splits and composition, as far as there are any and they are not there yet."""
    if not (source / "Annotations.txt").is_file():
        return
    for name, copied in _COPIED.items():
        original, copy = source / name, store / copied
        if not original.is_file():
            continue
        content = original.read_bytes()
        if copy.is_file():
            if copy.read_bytes() == content:
                continue
            warnings.warn(f"{copy} differed from {original} and was replaced", stacklevel=3)
        copy.parent.mkdir(exist_ok=True)
        write_atomically(copy, content)
    write_atomically(store / ORIGIN_FILE, f"{source.absolute()}\n".encode("utf-8", "surrogateescape"))
