"""The Dense Cross Modality Relation network (section V): a few seconds of one modality, found in the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers import DIMA, Encoder
from dmin.layers.matching import query_factors
from dmin.models.config import DCMRConfig
from dmin.models.dmin import PADDING_LOGIT, check_mask, without_padding
from dmin.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class DCMROutput:
    """What the network says, as logits."""

    segment_logits: Tensor
    """[B, T]: does this second belong to the query? `PADDING_LOGIT`, a sure no, at padded seconds."""


class DCMR(PretrainedModel, library_name="dmin", tags=["cross-modality-localization"]):
    """Where are these seconds of one modality in the other (Fig. 6; eq. 9-13 and 19)?

    Args:
        config: Sizes and options, the direction among them.

    Example:
        >>> model = DCMR(DCMRConfig("a2v", visual_size=16, audio_size=8)).eval()
        >>> query = torch.zeros(3, 10, dtype=torch.bool)
        >>> query[:, 2:5] = True
        >>> model(torch.rand(3, 10, 16), torch.rand(3, 10, 8), query).segment_logits.shape
        torch.Size([3, 10])
    """

    config_type = DCMRConfig

    def __init__(self, config: DCMRConfig) -> None:
        super().__init__()
        c: DCMRConfig = config
        self.config: DCMRConfig = config
        encoder = (c.width, c.encoder_layers, c.heads, c.feed_forward, c.dropout)
        self.visual_encoder = Encoder(c.visual_size, *encoder)
        self.audio_encoder = Encoder(c.audio_size, *encoder)
        dima = (c.width, c.heads, c.feed_forward, c.cross_dropout, c.alpha, c.mean_pairs)
        self.visual_query = nn.Linear(c.visual_size, c.width)
        self.audio_query = nn.Linear(c.audio_size, c.width)
        self.visual_cross = DIMA(*dima)
        self.audio_cross = DIMA(*dima)
        self.relevance = nn.Linear(c.width, 1)
        querying = self.audio_cross if c.direction == "a2v" else self.visual_cross
        nn.init.constant_(querying.feed_forward.norm2.bias, c.query_start)

    def forward(self, visual: Tensor, audio: Tensor, query_mask: Tensor, mask: Tensor | None = None) -> DCMROutput:
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
        keep = mask if self.config.protocol == "context" else query_mask
        asking, asked = (audio, visual) if self.config.direction == "a2v" else (visual, audio)
        return self._answer(asking, query_mask, keep, asked, mask)

    def find(self, query: Tensor, candidates: Tensor) -> DCMROutput:
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
        return self._answer(query, every, None, candidates, None)

    def _answer(
        self, asking: Tensor, query_mask: Tensor, keep: Tensor | None, asked: Tensor, mask: Tensor | None
    ) -> DCMROutput:
        """Logits [B, T] of the asked modality [B, T, D] for queries in the asking one [B, S, D].

        ``keep`` [B, S] says which seconds of the asking modality may be looked at, ``mask`` [B, T] which of the asked.
        """
        from_audio = self.config.direction == "a2v"
        self._check_features(*((asked, asking) if from_audio else (asking, asked)))
        dtype = self.relevance.weight.dtype
        asking, asked = without_padding(asking.to(dtype), keep), without_padding(asked.to(dtype), mask)
        if from_audio:
            query, candidates = self._cross(asking, keep, asked, mask)
        else:
            candidates, query = self._cross(asked, mask, asking, keep)
        factors = query_factors(query.mean(-1), query_mask, asked.shape[1], mask, self.config.matching)
        # Eq. 19 and the linear layer after it: the factor is one number a second, so it may wait until after the sum.
        logits = factors * (candidates @ self.relevance.weight[0]) + self.relevance.bias
        return DCMROutput(logits if mask is None else logits.masked_fill(~mask, PADDING_LOGIT))

    def _cross(
        self, audio: Tensor, audio_mask: Tensor | None, visual: Tensor, visual_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """a_cross [B, S, d] and v_cross [B, T, d] (or the other way round in length)."""
        a_self = self.audio_encoder(audio, audio_mask).values
        v_self = self.visual_encoder(visual, visual_mask).values
        a_cross = self.audio_cross(self.audio_query(audio), v_self, audio_mask, visual_mask).values
        v_cross = self.visual_cross(self.visual_query(visual), a_self, visual_mask, audio_mask).values
        return a_cross, v_cross

    def _check_features(self, visual: Tensor, audio: Tensor) -> None:
        c = self.config
        fits = visual.ndim == 3 and audio.ndim == 3 and visual.shape[-1] == c.visual_size
        if not fits or audio.shape[-1] != c.audio_size or not visual.numel() or not audio.numel():
            raise ModelError(
                f"got visual {list(visual.shape)} and audio {list(audio.shape)}: must be [B, T, {c.visual_size}] (maps "
                f"averaged over their regions) and [B, T, {c.audio_size}], none of them empty"
            )
        if not (visual.is_floating_point() and audio.is_floating_point()):
            raise ModelError(f"got visual of {visual.dtype} and audio of {audio.dtype}: must be float features")
