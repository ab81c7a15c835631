"""From a feature store to batches: windows of a trained length, padded and masked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from dmin.data.annotations import BACKGROUND
from dmin.data.folder import DataFolder, segment_labels
from dmin.data.held import HeldFeatures
from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore, find_videos
from dmin.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a clip that a sample covers: seconds [start, stop)."""

    video_id: str
    start: int
    stop: int


@dataclass(frozen=True)
class Sample:
    """One window of one clip. Windows of a clip no longer than the trained length are the clip itself."""

    window: Window
    visual: Tensor
    """[T, H, W, D_v]"""
    audio: Tensor
    """[T, D_a]"""
    labels: Tensor
    """[T] in 0..C, C being background."""


@dataclass(frozen=True)
class Batch:
    """Samples of unequal length, padded with zeros at the end. Networks take any float type, tasks float32."""

    windows: tuple[Window, ...]
    visual: Tensor
    """[B, T, H, W, D_v]"""
    audio: Tensor
    """[B, T, D_a]"""
    labels: Tensor
    """[B, T] in 0..C; what stands at padded seconds means nothing."""
    mask: Tensor
    """[B, T], True where a second is real."""

    @property
    def padding_mask(self) -> Tensor | None:
        """The mask, or None if no clip is padded: networks then save the masking and packing."""
        return None if bool(self.mask.all()) else self.mask

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """The same batch on a device."""
        return self._with(tensor.to(device, non_blocking=non_blocking) for tensor in self._tensors)

    def pin_memory(self) -> Batch:
        """The same batch in pages that are copied to a GPU while it computes; the loader asks for it."""
        return self._with(tensor.pin_memory() for tensor in self._tensors)

    def float(self) -> Batch:
        """The same batch with features of float32, as tasks take them."""
        return replace(self, visual=self.visual.float(), audio=self.audio.float())

    @property
    def _tensors(self) -> tuple[Tensor, ...]:
        return self.visual, self.audio, self.labels, self.mask

    def _with(self, tensors: Iterable[Tensor]) -> Batch:
        return Batch(self.windows, *tensors)


def windows_of(video_id: str, seconds: int, length: int) -> list[Window]:
    """Cut a clip into windows: neighbours touch, the last one ends with the clip and may overlap its neighbour.

    Example:
        >>> [(w.start, w.stop) for w in windows_of("a", 25, 10)]
        [(0, 10), (10, 20), (15, 25)]
    """
    starts = list(range(0, max(seconds - length, 0) + 1, length))
    if starts[-1] + length < seconds:
        starts.append(seconds - length)
    return [Window(video_id, start, min(start + length, seconds)) for start in starts]


class ClipDataset(Dataset[Sample]):
    """The clips of one split: features from a store, labels from the annotations that lie beside them.

    Each clip is read from its file whenever it is asked for, until `hold` reads them all.

    Args:
        folder: A store that `dmin extract` made of a data-set folder.
        split: train, val or test.
        categories: Names in the order of the network's outputs; the folder's own order by default.
        window_seconds: Longer clips are cut into windows of this length.

    Raises:
        DataError: No such split, or clips of it that have no features yet.
    """

    def __init__(
        self, folder: str | Path, split: str, categories: Sequence[str] | None = None, window_seconds: int = 10
    ) -> None:
        self.store = FeatureStore.open(folder)
        self.folder = DataFolder.open(folder)
        self.categories = tuple(categories or self.folder.categories)
        ids = self.folder.split(split)
        self.seconds: dict[str, int] = {}
        """T of each clip, by its id."""
        self.size_bytes = 0
        """Size of all its files of features, which is what holding them takes."""
        for video_id, entry in self.store.entries(ids):
            self.seconds[video_id] = entry.seconds
            self.size_bytes += entry.size_bytes
        if missing := [video_id for video_id in ids if video_id not in self.seconds]:
            for video_id in missing:
                if video_id in self.store:
                    self.store.read(video_id)  # says how it is damaged
            raise DataError(
                f"{len(missing)} of {len(ids)} clips of split {split!r} have no features in {folder} "
                f"(first: {missing[0]}): {self._cure(missing)}"
            )
        self.windows = [w for i, seconds in self.seconds.items() for w in windows_of(i, seconds, window_seconds)]
        self._features: FeatureStore | HeldFeatures = self.store

    def hold(self, device: torch.device | str = "cpu", progress: Progress = silent) -> None:
        """Read all clips now, and hold them in memory or on a device; samples are then slices of what is held.

        Args:
            device: Where the features are held, and those of the samples will be; labels stay in memory.
            progress: Told as clips are read.

        Raises:
            DataError: A clip is damaged.
        """
        self._features = HeldFeatures(self.store, self.seconds, device, progress)

    def features(self, video_id: str) -> ClipFeatures:
        """All features of a clip, from what is held or from its file."""
        return self._features.read(video_id)

    def _cure(self, missing: Sequence[str]) -> str:
        """Advice for clips without features."""
        source = self.folder.source
        if source == self.folder.folder:
            return "extract their videos into this store, or take them out of the split"
        try:
            lacking = set(missing) - set(find_videos(source))
        except DataError:  # no video at all
            lacking = set(missing)
        if lacking:
            return f"{len(lacking)} have no video in {source} either: add it and extract, or take them out of the split"
        return f"run `dmin extract {source} --out {self.store.folder}`, it does only what is missing"

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Sample:
        window = self.windows[index]
        features = self.features(window.video_id)
        part = slice(window.start, window.stop)
        labels = torch.from_numpy(self.labels_of(window))
        return Sample(window, features.visual[part], features.audio[part], labels)

    def labels_of(self, window: Window) -> NDArray[np.int64]:
        """Labels [T] of a window's seconds, in 0..C."""
        labels = segment_labels(self.folder.lines[window.video_id], self.categories, window.stop)
        return labels[window.start :]


@dataclass(frozen=True)
class CategoryCount:
    """Clips and seconds of one category in a split."""

    clips: int
    """With at least one second of it; for background, without a second of anything else."""
    seconds: int


def count_categories(clips: ClipDataset) -> dict[str, CategoryCount]:
    """Clips and seconds of a split by category, the reserved "Background" last."""
    lengths = {window.video_id: window.stop for window in clips.windows}  # a clip's last window ends with it
    labels = (clips.labels_of(Window(video_id, 0, length)) for video_id, length in lengths.items())
    return count_labels(labels, clips.categories)


def count_labels(clips: Iterable[NDArray[np.int64]], categories: Sequence[str]) -> dict[str, CategoryCount]:
    """Clips and seconds by category, the reserved "Background" last.

    Args:
        clips: Labels [T] of each clip, in 0..C.
        categories: Names of the C categories.

    Example:
        >>> count_labels([np.array([0, 1, 1])], ["Dog"])
        {'Dog': CategoryCount(clips=1, seconds=1), 'Background': CategoryCount(clips=0, seconds=2)}
    """
    names = (*categories, BACKGROUND)
    in_clips, in_seconds = np.zeros(len(names), int), np.zeros(len(names), int)
    for labels in clips:
        seconds = np.bincount(labels, minlength=len(names))
        in_seconds += seconds
        in_clips[:-1] += seconds[:-1] > 0
        in_clips[-1] += not seconds[:-1].any()
    counts = zip(in_clips.tolist(), in_seconds.tolist(), strict=True)
    return {name: CategoryCount(*count) for name, count in zip(names, counts, strict=True)}


def clip_labels(segment_labels: Tensor, mask: Tensor, categories: int) -> Tensor:
    """Labels of clips: the categories they have, or background, the last one, if they have none.

    Args:
        segment_labels: [B, T] in 0..C, C being background.
        mask: [B, T], True where a second is real.
        categories: C.

    Returns:
        [B, C + 1] of 0 and 1.

    Example:
        >>> clip_labels(torch.tensor([[1, 2, 2], [2, 2, 2]]), torch.ones(2, 3, dtype=torch.bool), 2).tolist()
        [[0, 1, 0], [0, 0, 1]]
    """
    seconds = F.one_hot(segment_labels, categories + 1) * mask[..., None]  # [B, T, C + 1]
    present = seconds.amax(1)
    present[:, categories] = present[:, :categories].amax(1) == 0
    return present


def collate(samples: Sequence[Sample]) -> Batch:
    """Pad samples to the longest one, as float32.

    Example:
        >>> sample = Sample(Window("a", 0, 2), torch.zeros(2, 7, 7, 8), torch.zeros(2, 4), torch.tensor([0, 1]))
        >>> collate([sample]).mask.tolist()
        [[True, True]]
    """
    return pad(samples).float()


def pad(samples: Sequence[Sample]) -> Batch:
    """Pad samples to the longest one; features keep their types, so that less is moved to a device."""
    lengths = torch.tensor([len(sample.audio) for sample in samples])
    return Batch(
        tuple(sample.window for sample in samples),
        pad_sequence([sample.visual for sample in samples], batch_first=True),
        pad_sequence([sample.audio for sample in samples], batch_first=True),
        pad_sequence([sample.labels for sample in samples], batch_first=True),
        torch.arange(int(lengths.max()))[None] < lengths[:, None],
    )
