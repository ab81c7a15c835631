"""Base classes of networks, one per task: they check features and name their training task."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from dmin.errors import ModelError
from dmin.models.config import LocalizationConfig, MatchingConfig
from dmin.models.masks import check_mask, without_padding
from dmin.models.outputs import EmbeddingOutput, WindowOutput
from dmin.models.pretrained import PretrainedModel


class LocalizationModel(PretrainedModel, library_name="dmin", tags=["audio-visual-event-localization"]):
    """Base of networks of event localization: ``forward(visual, audio, mask=None, return_attention=False)``.

    Args:
        config: Sizes and options.

    Raises:
        ModelError: The configuration names no category.
    """

    objective: ClassVar[str] = "joint"
    """Name of its training task in `dmin.tasks.objectives.OBJECTIVES`."""
    looks_at_regions: bool = True
    """False if it averages maps over their regions: then pooled features will do. Of matching, all networks do."""
    config: LocalizationConfig

    def __init__(self, config: LocalizationConfig) -> None:
        super().__init__()
        if not config.category_names:
            raise ModelError(
                f"category_names is empty: name at least one category, "
                f"{type(config).__name__}(category_names=('Dog', 'Rain'))"
            )
        self.config = config

    def features(self, visual: Tensor, audio: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Regions [B, T, R, D_v] and audio [B, T, D_a] of the network's own float type, 0 in padding.

        Args:
            visual: Maps [B, T, H, W, D_v], channels last, of any float type.
            audio: Features [B, T, D_a], of any float type.
            mask: [B, T], True where a second is real; padding comes last. None if all are.

        Raises:
            ModelError: The shapes do not fit the network or each other, or the mask is not of that kind.
        """
        c = self.config
        fits = visual.ndim == 5 and audio.ndim == 3 and visual.shape[:2] == audio.shape[:2]
        if not fits or visual.shape[-1] != c.visual_size or audio.shape[-1] != c.audio_size or not visual.numel():
            raise ModelError(
                f"got visual {list(visual.shape)} and audio {list(audio.shape)}: must be [B, T, H, W, {c.visual_size}] "
                f"and [B, T, {c.audio_size}] with the same B and T, none of them 0"
            )
        if not (visual.is_floating_point() and audio.is_floating_point()):
            raise ModelError(f"got visual of {visual.dtype} and audio of {audio.dtype}: must be float features")
        if mask is not None:
            check_mask(mask, audio)
        dtype = next(self.parameters()).dtype
        return without_padding(visual.to(dtype).flatten(2, 3), mask), without_padding(audio.to(dtype), mask)


class MatchingModel(PretrainedModel, library_name="dmin", tags=["cross-modality-localization"]):
    """Base of networks of matching: ``forward(visual, audio, query_mask, mask=None)``, and ``find``.

    A subclass answers in ``_answer``.

    Args:
        config: Sizes and options, the direction among them.
    """

    objective: ClassVar[str] = "windows"
    """Name of its training task in `dmin.tasks.objectives.MATCHING`."""
    config: MatchingConfig

    def __init__(self, config: MatchingConfig) -> None:
        super().__init__()
        self.config = config

    def forward(
        self, visual: Tensor, audio: Tensor, query_mask: Tensor, mask: Tensor | None = None
    ) -> WindowOutput | EmbeddingOutput:
        """Answer for a batch of clips, the query being some seconds of the clip itself.

        Args:
            visual: Averaged maps [B, T, D_v], of any float type.
            audio: Features [B, T, D_a], of any float type.
            query_mask: [B, T], True at the query's seconds, in the modality that asks.
            mask: [B, T], True where a second is real; padding comes last. None if all are.

        Raises:
            ModelError: The shapes do not fit the network or each other, or a clip has no query.
        """
        if visual.shape[:2] != audio.shape[:2]:
            raise ModelError(f"got visual {list(visual.shape)} and audio {list(audio.shape)}: B and T must be the same")
        if mask is not None:
            check_mask(mask, audio)
        if query_mask.shape != audio.shape[:2] or query_mask.dtype != torch.bool or not bool(query_mask.any(1).all()):
            raise ModelError(
                f"got query_mask {list(query_mask.shape)} of {query_mask.dtype}: must be {list(audio.shape[:2])} of "
                "torch.bool, True at one second of each clip at least"
            )
        if mask is not None and bool((query_mask & ~mask).any()):
            raise ModelError("got a query_mask that is True in padding: a query has real seconds only")
        asking, asked = (audio, visual) if self.config.direction == "a2v" else (visual, audio)
        keep = self.known(query_mask, mask)
        asking, asked = self._features(asking, keep, asked, mask)
        return self._answer(asking, query_mask, keep, asked, mask)

    def find(self, query: Tensor, candidates: Tensor) -> WindowOutput | EmbeddingOutput:
        """Answer for queries that come from elsewhere: all that is known of their recording is the query itself.

        Args:
            query: [B, K, D] in the modality that asks.
            candidates: [B, T, D] in the other one.

        Raises:
            ModelError: The shapes do not fit the network, or the query is longer than the candidates.
        """
        if len(query) != len(candidates) or query.shape[1] > candidates.shape[1] or not query.shape[1]:
            raise ModelError(
                f"got a query {list(query.shape)} and candidates {list(candidates.shape)}: must be as many, the query "
                "no longer than the candidates"
            )
        every = torch.ones(query.shape[:2], dtype=torch.bool, device=query.device)
        asking, asked = self._features(query, None, candidates, None)
        return self._answer(asking, every, None, asked, None)

    @property
    def protocol(self) -> str:
        """Part of the query's clip that the network sees: "strict", the query alone, or "context", all of it."""
        return "strict"

    @property
    def matching(self) -> str:
        """Method of comparing a query with candidates; see `dmin.models.DCMRConfig`."""
        return "windowed"

    def known(self, query_mask: Tensor, mask: Tensor | None) -> Tensor | None:
        """Seconds [B, T] of the asking modality that may be seen: the query's alone, unless overridden."""
        return query_mask

    def _answer(
        self, asking: Tensor, query_mask: Tensor, keep: Tensor | None, asked: Tensor, mask: Tensor | None
    ) -> WindowOutput | EmbeddingOutput:
        """Answer of the asked modality [B, T, D] for queries in the asking one [B, S, D].

        Args:
            asking: [B, S, D], 0 where it may not be looked at.
            query_mask: [B, S], True at the query's seconds.
            keep: [B, S], True where the asking modality may be looked at; None if all of it.
            asked: [B, T, D], 0 in padding.
            mask: [B, T], True where the asked modality is real; None if all of it.
        """
        raise NotImplementedError

    def _features(
        self, asking: Tensor, keep: Tensor | None, asked: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Both modalities, checked, of the network's own float type, 0 where they may not be looked at."""
        c = self.config
        visual, audio = (asked, asking) if c.direction == "a2v" else (asking, asked)
        fits = visual.ndim == 3 and audio.ndim == 3 and visual.shape[-1] == c.visual_size
        if not fits or audio.shape[-1] != c.audio_size or not visual.numel() or not audio.numel():
            raise ModelError(
                f"got visual {list(visual.shape)} and audio {list(audio.shape)}: must be [B, T, {c.visual_size}] (maps "
                f"averaged over their regions) and [B, T, {c.audio_size}], none of them empty"
            )
        if not (visual.is_floating_point() and audio.is_floating_point()):
            raise ModelError(f"got visual of {visual.dtype} and audio of {audio.dtype}: must be float features")
        dtype = next(self.parameters()).dtype
        return without_padding(asking.to(dtype), keep), without_padding(asked.to(dtype), mask)
