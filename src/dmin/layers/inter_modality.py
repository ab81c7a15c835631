"""Dense inter-modality attention (eq. 11-13, and eq. 10 around it), and the slot of DMIN and DCMR that it fills.

The slot holds the ways in which one modality looks at the other (Tables IV and V). Each is a module that is called with
(own, encoded, other, mask, other_mask, return_weights) and gives `Attended`: own is x, un-encoded but of the common
width, [B, T, d]; encoded is the same modality as it came out of its encoder, [B, T, d]; other is the encoded other
modality, [B, S, d]; mask [B, T] and other_mask [B, S] are True where a second may be looked at. A module that does
not use ``own`` says ``takes_own = False``; the network then has no projection for it. ``return_weights`` asks for a
map over both modalities [B, heads, T, T + S], own seconds first, each row summing to 1; None where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.checks import check_shares, check_sizes, check_within_unit
from dmin.layers.attention import Attended, SplitHeads, both_masks, dense_keys
from dmin.layers.encoder import FeedForward
from dmin.registry import Registry


@dataclass(frozen=True, kw_only=True)
class InterModalityConfig:
    """Options of an inter-modality attention.

    Raises:
        ModelError: A name, a size or a share that no network can have.
    """

    name: str = "dima"
    """The attention; `dmin list systems` shows all."""
    heads: int = 4
    """n of eq. 11."""
    hidden: int = 2048
    """Inner width of eq. 10."""
    dropout: float = 0.02
    """Of the attention weights, both residuals and the feed-forward part."""
    alpha: float = 0.5
    """Weight of equal channel pairs in eq. 13."""
    mean_pairs: bool = False
    """Divide eq. 13 by d_k, as in the released code, which takes a mean where the paper writes a sum."""

    def __post_init__(self) -> None:
        INTER_MODALITY[self.name]
        check_sizes(self, "heads", "hidden")
        check_shares(self, "dropout")
        check_within_unit(alpha=self.alpha)


MakeInterModality = Callable[[int, InterModalityConfig], nn.Module]
"""Maker of an inter-modality attention from d_m and options."""

INTER_MODALITY = Registry[MakeInterModality]("inter-modality attention", extensible=True)
"""Makers by name."""


class DenseInterModalityAttention(SplitHeads):
    """Eq. 11-13: a modality attends to itself by dot products and to the other by full channel pair products.

    Both halves share one softmax, so one call of scaled dot-product attention serves them.

    Args:
        width: d_m, a multiple of the heads.
        config: Heads, dropout of the attention weights, alpha and mean_pairs.
        own_product: Score of a query with keys of its own modality: "mha" (dot product, as eq. 11 has it) or "dfa".
        other_product: Score with keys of the other modality: "dfa" (eq. 13, as eq. 11 has it) or "mha".

    Example:
        >>> attention = DenseInterModalityAttention(8, InterModalityConfig(heads=2))
        >>> attention(torch.zeros(3, 5, 8), torch.zeros(3, 5, 8), return_weights=True).weights.shape
        torch.Size([3, 2, 5, 10])
    """

    def __init__(
        self, width: int, config: InterModalityConfig, own_product: str = "mha", other_product: str = "dfa"
    ) -> None:
        super().__init__(width, config.heads, config.dropout)
        self.alpha = config.alpha
        self.scale = config.heads / width if config.mean_pairs else 1.0
        self.products = (own_product, other_product)

    def forward(
        self,
        own: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Attend.

        Args:
            own: x, [B, T, d]: queries and the first half of the memory.
            other: y, [B, S, d]: the second half.
            mask: [B, T], True where a second of x may be looked at; None if all may.
            other_mask: [B, S], the same for y.
            return_weights: Give the weights [B, heads, T, T + S] too.
        """
        query, own_key, own_value = self.project(own, 0, 3)
        other_key, other_value = self.project(other, 1, 3)
        keys = [self._keys(key, product) for key, product in zip((own_key, other_key), self.products, strict=True)]
        key = torch.cat(keys, 2)  # [B, heads, T + S, d_k]
        value = torch.cat([own_value, other_value], 2)
        return self.attend(query, key, value, both_masks(own, mask, other, other_mask), return_weights)

    def _keys(self, keys: Tensor, product: str) -> Tensor:
        return self.scale * dense_keys(keys, self.alpha) if product == "dfa" else keys


class InterModality(nn.Module):
    """An attention of a modality over itself and the other, and the rest of eq. 10 around it.

    Args:
        attention: Called with (own, other, mask, other_mask, return_weights), as `DenseInterModalityAttention` is.
        width: d_m.
        config: Inner width of eq. 10, and dropout of both residuals and the feed-forward part.
    """

    takes_own = True

    def __init__(self, attention: nn.Module, width: int, config: InterModalityConfig) -> None:
        super().__init__()
        self.attention = attention
        self.feed_forward = FeedForward(width, config.hidden, config.dropout)

    def forward(
        self,
        own: Tensor,
        encoded: Tensor | None,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Let a modality look at itself and at the other.

        Args:
            own: x, un-encoded but of the common width, [B, T, d].
            encoded: The same as it came out of its encoder, [B, T, d]; not looked at.
            other: y, the other modality as it came out of its encoder, [B, S, d].
            mask: [B, T], True where a second of x may be looked at; None if all may.
            other_mask: [B, S], the same for y.
            return_weights: Give the weights [B, heads, T, T + S] too, own half first.
        """
        attended: Attended = self.attention(own, other, mask, other_mask, return_weights)
        return Attended(self.feed_forward(attended.values, own), attended.weights)


class StaysEncoded(nn.Module):
    """No look at the other modality at all: what came out of the encoder goes on (Table IV, "w/o DIMA").

    To pass on ``own`` instead would leave the encoders of no use to the fused path, hence this reading.
    """

    takes_own = False

    def forward(
        self,
        own: Tensor | None,
        encoded: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """[B, T, d] -> [B, T, d]; there are no weights."""
        return Attended(encoded, None)


def with_feed_forward(attention: MakeInterModality) -> MakeInterModality:
    """Maker of an attention with the rest of eq. 10 around it, as DIMA has it."""

    def make(width: int, config: InterModalityConfig) -> nn.Module:
        return InterModality(attention(width, config), width, config)

    return make


def dima(own_product: str, other_product: str) -> MakeInterModality:
    """Maker of DIMA (section IV-C) with the given products for both modalities; Table V tries all four pairs.

    Example:
        >>> x, y = torch.zeros(3, 5, 8), torch.zeros(3, 5, 8)
        >>> dima("mha", "dfa")(8, InterModalityConfig(heads=2, hidden=16))(x, None, y).values.shape
        torch.Size([3, 5, 8])
    """
    return with_feed_forward(
        lambda width, config: DenseInterModalityAttention(width, config, own_product, other_product)
    )


INTER_MODALITY.add("dima", dima("mha", "dfa"))
INTER_MODALITY.add("cmra", dima("mha", "mha"))
INTER_MODALITY.add("dfa-mha", dima("dfa", "mha"))
INTER_MODALITY.add("dfa-dfa", dima("dfa", "dfa"))
INTER_MODALITY.add("none", lambda width, config: StaysEncoded())
