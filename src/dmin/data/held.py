"""Features of many clips, read once and held in memory or on a device."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import torch
from torch import Tensor

from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore
from dmin.progress import Progress, silent


class HeldFeatures:
    """The features of some clips, one clip after the other in two tensors; what is read of them are slices.

    Args:
        store: Where they are.
        seconds: T of each clip, by its id.
        device: Where they are held.
        progress: Told as clips are read, as the step "read clips".

    Raises:
        DataError: A clip is damaged, or its features are of another length or shape than expected.
    """

    def __init__(
        self,
        store: FeatureStore,
        seconds: Mapping[str, int],
        device: torch.device | str = "cpu",
        progress: Progress = silent,
    ) -> None:
        ends = list(accumulate(seconds.values()))
        self._places = {i: slice(end - seconds[i], end) for i, end in zip(seconds, ends, strict=True)}
        self._durations_seconds: dict[str, float] = {}
        self._visual = self._audio = torch.empty(0)
        for done, (video_id, place) in enumerate(self._places.items(), 1):
            features = store.read(video_id)
            if done == 1:  # tells the shapes and types of all
                self._visual, self._audio = (
                    torch.empty((ends[-1], *part.shape[1:]), dtype=part.dtype, device=device)
                    for part in (features.visual, features.audio)
                )
            _copy(features.visual, self._visual[place], video_id)
            _copy(features.audio, self._audio[place], video_id)
            self._durations_seconds[video_id] = features.duration_seconds
            progress("read clips", done, len(seconds))

    def read(self, video_id: str) -> ClipFeatures:
        """A clip's features, as `FeatureStore.read` gives them; do not write to them."""
        place = self._places[video_id]
        return ClipFeatures(self._visual[place], self._audio[place], self._durations_seconds[video_id])


def _copy(part: Tensor, into: Tensor, video_id: str) -> None:
    if part.shape != into.shape:
        raise DataError(
            f"the features of {video_id!r} have shape {list(part.shape)}, expected was {list(into.shape)} as of the "
            "other clips: delete the clip's file of features and extract its video again"
        )
    into.copy_(part)
