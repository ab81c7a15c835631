"""The features of one clip."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from dmin.errors import DataError


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

    def pooled(self) -> ClipFeatures:
        """The same with maps averaged over their regions: visual [T, 1, 1, D_v] of the same type.

        Example:
            >>> import torch
            >>> ClipFeatures(torch.rand(10, 7, 7, 8), torch.rand(10, 4), 10.0).pooled()
            ClipFeatures(visual=[10, 1, 1, 8] torch.float32, audio=[10, 4] torch.float32, duration_seconds=10)
        """
        mean = self.visual.float().mean((1, 2), keepdim=True)
        return ClipFeatures(mean.to(self.visual.dtype), self.audio, self.duration_seconds)

    def __repr__(self) -> str:
        return (
            f"ClipFeatures(visual={list(self.visual.shape)} {self.visual.dtype}, "
            f"audio={list(self.audio.shape)} {self.audio.dtype}, duration_seconds={self.duration_seconds:g})"
        )
