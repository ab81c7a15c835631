"""Training clips of matching, spliced: around a query's true place stands, at times, another clip.

A clip's own surroundings give its event away without any query: they are often of no category, or silent. With
another clip's seconds around it, which are events themselves as often as not, only what agrees with the query can be
the answer. No category is needed for it.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.data import Dataset

from dmin.checks import check_within_unit
from dmin.data.clips import Sample
from dmin.data.queries import MatchingClips
from dmin.errors import DataError


class SplicedClips(Dataset[Sample]):
    """Clips of matching whose asked modality holds another clip around the query's place, drawn anew in every epoch.

    Args:
        clips: The clips.
        share: How often a clip is spliced, in 0..1.
        modality: The asked one, "visual" or "audio"; the asking one stays as it is.

    Raises:
        DataError: The share is none.
    """

    def __init__(self, clips: MatchingClips, share: float, modality: str) -> None:
        check_within_unit(DataError, splice=share)
        self.clips = clips
        self.share = share
        self.modality = modality

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Sample:
        sample = self.clips[index]
        if torch.rand(()) >= self.share:
            return sample
        own: Tensor = getattr(sample, self.modality)  # [T, ...]
        other: Tensor = getattr(self.clips[int(torch.randint(len(self.clips), ()))], self.modality)
        # Rolled, so that no second of a clip is more likely than another to stand where the query is not.
        rolled = other[(torch.arange(len(own)) + torch.randint(len(other), ())) % len(other)]
        start, seconds = self.clips.queries[index]
        rolled[start : start + seconds] = own[start : start + seconds]
        return replace(sample, visual=rolled) if self.modality == "visual" else replace(sample, audio=rolled)
