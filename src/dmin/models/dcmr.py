"""The Dense Cross Modality Relation network (section V): a few seconds of one modality, found in the other."""

from __future__ import annotations

from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers import INTER_MODALITY, Encoder, InterModality
from dmin.layers.matching import query_factors
from dmin.models.bases import MatchingModel
from dmin.models.config import DCMRConfig
from dmin.models.dmin import PAPER
from dmin.models.masks import without_relevance
from dmin.models.outputs import WindowOutput
from dmin.models.systems import system

_CARD = {"paper": PAPER, "year": 2022}
_SOURCE = (
    "the paper; where it is silent, its authors' code, but for the start of the window bias (query_start 1) and V2A's "
    "dropout 0.02 in DIMA, which are a choice of ours"
)


@system("dcmr", title="DCMR", source=_SOURCE, **_CARD)
@system(
    "cmra-star",
    title="CMRA*",
    source="the paper: DCMR with dot products in place of dense fusion attention; it prints a figure, no number",
    method={"all": {"model": {"inter_modality": {"name": "cmra"}}}},
    **_CARD,
)
class DCMR(MatchingModel):
    """Finds the seconds of one modality that match a query of the other (Fig. 6; eq. 9-13 and 19).

    Args:
        config: Sizes and options, the direction among them.

    Example:
        >>> import torch
        >>> model = DCMR(DCMRConfig(direction="a2v", visual_size=16, audio_size=8)).eval()
        >>> query = torch.zeros(3, 10, dtype=torch.bool)
        >>> query[:, 2:5] = True
        >>> model(torch.rand(3, 10, 16), torch.rand(3, 10, 8), query).segment_logits.shape
        torch.Size([3, 10])
    """

    config_type = DCMRConfig
    config: DCMRConfig

    def __init__(self, config: DCMRConfig) -> None:
        super().__init__(config)
        c: DCMRConfig = config
        self.visual_encoder = Encoder(c.visual_size, c.width, c.encoder)
        self.audio_encoder = Encoder(c.audio_size, c.width, c.encoder)
        self.visual_query = nn.Linear(c.visual_size, c.width)
        self.audio_query = nn.Linear(c.audio_size, c.width)
        self.visual_cross = INTER_MODALITY[c.inter_modality.name](c.width, c.inter_modality)
        self.audio_cross = INTER_MODALITY[c.inter_modality.name](c.width, c.inter_modality)
        self.relevance = nn.Linear(c.width, 1)
        querying = self.audio_cross if c.direction == "a2v" else self.visual_cross
        if not isinstance(querying, InterModality):
            raise ModelError(
                f"inter_modality.name is {c.inter_modality.name!r}: DCMR needs one with eq. 10 around it, as 'dima'"
            )
        nn.init.constant_(querying.feed_forward.norm2.bias, c.query_start)

    @property
    def protocol(self) -> str:
        """Part of the query's clip that the network sees."""
        return self.config.protocol

    @property
    def matching(self) -> str:
        """Method of comparing a query with candidates."""
        return self.config.matching

    def known(self, query_mask: Tensor, mask: Tensor | None) -> Tensor | None:
        """Seconds [B, T] of the asking modality that the protocol allows to be seen."""
        return mask if self.protocol == "context" else query_mask

    def _answer(
        self, asking: Tensor, query_mask: Tensor, keep: Tensor | None, asked: Tensor, mask: Tensor | None
    ) -> WindowOutput:
        if self.config.direction == "a2v":
            query, candidates = self._cross(asking, keep, asked, mask)
        else:
            candidates, query = self._cross(asked, mask, asking, keep)
        factors = query_factors(query.mean(-1), query_mask, asked.shape[1], mask, self.config.matching)
        # Eq. 19 and the linear layer after it: the factor is one number per second, so it may wait until after the sum.
        logits = factors * (candidates @ self.relevance.weight[0]) + self.relevance.bias
        return WindowOutput(without_relevance(logits, mask))

    def _cross(
        self, audio: Tensor, audio_mask: Tensor | None, visual: Tensor, visual_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """a_cross [B, S, d] and v_cross [B, T, d] (or the other way round in length)."""
        a_self = self.audio_encoder(audio, audio_mask).values
        v_self = self.visual_encoder(visual, visual_mask).values
        a_cross = self.audio_cross(self.audio_query(audio), a_self, v_self, audio_mask, visual_mask).values
        v_cross = self.visual_cross(self.visual_query(visual), v_self, a_self, visual_mask, audio_mask).values
        return a_cross, v_cross
