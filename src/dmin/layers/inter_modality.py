"""The inter-modality slot of DMIN and DCMR: the ways in which a modality looks at the other one, by name (Table IV, V).

Each is a module that is called with (own, encoded, other, mask, other_mask, return_weights) and gives `Attended`:
own is x, un-encoded but of the common width, [B, T, d]; encoded is the same modality as it came out of its encoder,
[B, T, d]; other is the encoded other modality, [B, S, d]; mask [B, T] and other_mask [B, S] are True where a second may
be looked at. ``takes_own`` says whether it looks at ``own`` at all: without, a network needs no projection for it.
``return_weights`` asks for a map over both modalities [B, heads, T, T + S], own seconds first, each row summing to 1;
it is None where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from dmin.errors import ModelError
from dmin.layers.blocks import DIMA, InterModality, StaysEncoded
from dmin.registry import Registry


@dataclass(frozen=True)
class CrossOptions:
    """All that an inter-modality module may be built from.

    Raises:
        ModelError: The heads do not divide the width.
    """

    width: int
    """d_m."""
    heads: int = 4
    """n."""
    hidden: int = 2048
    """Inner width of eq. 10."""
    dropout: float = 0.1
    alpha: float = 0.5
    """Weight of equal channel pairs in eq. 13."""
    mean_pairs: bool = False
    """Divide eq. 13 by d_k, as the released code does."""

    def __post_init__(self) -> None:
        if self.heads < 1 or self.width % self.heads:
            raise ModelError(f"width is {self.width} and heads {self.heads}: the width must be a multiple of it")


INTER_MODALITY = Registry[Callable[[CrossOptions], nn.Module]]("inter-modality attention", extensible=True)
"""Makers by name."""


def _products(own: str, other: str) -> Callable[[CrossOptions], nn.Module]:
    def make(o: CrossOptions) -> nn.Module:
        return DIMA(o.width, o.heads, o.hidden, o.dropout, o.alpha, o.mean_pairs, own, other)

    return make


INTER_MODALITY.add("dima", _products("mha", "dfa"))
INTER_MODALITY.add("cmra", _products("mha", "mha"))
INTER_MODALITY.add("dfa-mha", _products("dfa", "mha"))
INTER_MODALITY.add("dfa-dfa", _products("dfa", "dfa"))


@INTER_MODALITY.register("none")
def _none(options: CrossOptions) -> nn.Module:
    return StaysEncoded()


def around(attention: Callable[[CrossOptions], nn.Module]) -> Callable[[CrossOptions], nn.Module]:
    """Eq. 10 around an attention, as DIMA has it."""

    def make(options: CrossOptions) -> nn.Module:
        return InterModality(attention(options), options.width, options.hidden, options.dropout)

    return make
