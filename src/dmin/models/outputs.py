"""Outputs of networks as logits, one class per kind of head."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

PADDING_LOGIT = -8192.0
"""Relevance logit of a second that is not there: its sigmoid is 0, and half precision holds it exactly."""


@dataclass(frozen=True)
class AttentionMaps:
    """Attention maps of a network; 0 at padded seconds, None where it has no such attention."""

    spatial: Tensor | None = None
    """M^S of eq. 7, [B, T, H, W]; each second sums to 1."""
    channel: Tensor | None = None
    """M^C of eq. 1, [B, T, D] in 0..1."""
    temporal_visual: Tensor | None = None
    """Last encoder layer, eq. 9, [B, heads, T, T]; rows sum to 1."""
    temporal_audio: Tensor | None = None
    """The same for audio."""
    inter_modality_visual: Tensor | None = None
    """Eq. 11 with visual queries, [B, heads, T, 2 T]: first its own seconds, then audio's."""
    inter_modality_audio: Tensor | None = None
    """Eq. 11 with audio queries: first its own seconds, then the picture's."""


@dataclass(frozen=True)
class DecoupledOutput:
    """When there is an event, and which one it is, told apart."""

    relevance_logits: Tensor
    """[B, T]: is this second an event? `PADDING_LOGIT`, a sure no, at padded seconds."""
    category_logits: Tensor
    """[B, C]: which, from the fused features. Weak supervision: [B, C + 1], background last."""
    unimodal_category_logits: Tensor | None = None
    """The same from v_self alone, where there is such a head."""
    unimodal_relevance_logits: Tensor | None = None
    """[B, T], weak supervision only: `relevance_logits` from v_self alone."""
    attention: AttentionMaps | None = None
    """On request."""


@dataclass(frozen=True)
class JointOutput:
    """One choice a second among the categories and background."""

    segment_logits: Tensor
    """[B, T, C + 1], background last; what stands at padded seconds means nothing."""
    agreement: Tensor | None = None
    """[B, T], for systems whose loss asks for it (PSP): how alike sound and picture are, at least 0."""
    attention: AttentionMaps | None = None
    """On request."""


@dataclass(frozen=True)
class WindowOutput:
    """Matching: how well each second fits the query."""

    segment_logits: Tensor
    """[B, T]: does this second belong to the query? `PADDING_LOGIT`, a sure no, at padded seconds."""


@dataclass(frozen=True)
class EmbeddingOutput:
    """Matching: seconds of both modalities in one space."""

    query: Tensor
    """[B, S, d], seconds of the asking modality."""
    candidates: Tensor
    """[B, T, d], seconds of the asked one."""
    similarity: Tensor
    """[B, S, T], the larger the more alike."""
