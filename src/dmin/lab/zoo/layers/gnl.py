"""Generalized non-local attention (Yue et al. 2018) and the DMIN paper's modified version of it (Table IV).

Every element of a sequence, a channel at a second, is a query and a key of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers.attention import Attended, both_masks
from dmin.layers.inter_modality import INTER_MODALITY, with_feed_forward
from dmin.layers.numeric import widened
from dmin.registry import Registry

KERNELS = Registry[Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]]("kernel of GNL")
"""Kernels: queries [B, G, N, 1], keys and values [B, G, M, 1], and a mask [B, M] that is True at real ones."""


@KERNELS.register("softmax")
def _softmax(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over all keys of a group."""
    keep = None if mask is None else mask[:, None, None]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=keep, scale=1.0)


@KERNELS.register("dot")
def _dot(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """The released code's: without a softmax the sum over keys is one number per group, and times the query."""
    products = widened(key) * value
    if mask is not None:
        products = products.masked_fill(~mask[:, None, :, None], 0.0)
    return (query * products.sum(2, keepdim=True)).to(query.dtype)


class GeneralizedNonLocal(nn.Module):
    """GNL* and GNL: x_cat = GroupNorm(grouped linear of the sum over all elements of a group of E V).

    Group s has d / G channels; E[(i, c), (j, c')] is the product of Q_ic and K_jc', with a softmax over all (j, c') of
    both modalities. Reading: the softmax; the released code (cgnl-network) has the plain product, under which the sum
    collapses to one number per group, of which the norm that follows leaves little but the sign. No heads. The norm's
    statistics are over a clip's real seconds.

    Args:
        width: d_m, a multiple of ``groups``.
        groups: G.
        kernel: One of `KERNELS`.
        modified: GNL*: queries from x. Otherwise (GNL) from both modalities, of which x's are kept.

    Raises:
        ModelError: The groups do not divide the width, or there is no such kernel.

    Example:
        >>> GeneralizedNonLocal(16, groups=4)(torch.rand(3, 5, 16), torch.rand(3, 4, 16)).values.shape
        torch.Size([3, 5, 16])
    """

    def __init__(self, width: int, groups: int = 8, kernel: str = "softmax", modified: bool = True) -> None:
        super().__init__()
        if groups < 1 or width % groups:
            raise ModelError(f"width is {width} and GNL has {groups} groups: the width must be a multiple of it")
        self.groups = groups
        self.kernel = KERNELS[kernel]
        self.modified = modified
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Conv1d(width, width, 1, groups=groups, bias=False)
        self.norm = nn.GroupNorm(groups, width)

    def forward(
        self,
        own: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Attend: x [B, T, d] to itself and to y [B, S, d]; there is no map over seconds."""
        both, keep = torch.cat([own, other], 1), both_masks(own, mask, other, other_mask)
        asking, asking_mask = (own, mask) if self.modified else (both, keep)
        channels = own.shape[-1] // self.groups
        elements = None if keep is None else keep.repeat_interleave(channels, 1)  # [B, (T + S) d / G]
        query, key, value = self._elements(self.query(asking)), self._elements(self.key(both)), self.value(both)
        mixed = self.kernel(query, key, self._elements(value), elements)  # [B, G, T d / G, 1]
        seconds = mixed.reshape(len(own), self.groups, -1, channels).permute(0, 1, 3, 2).flatten(1, 2)  # [B, d, T]
        normed = masked_group_norm(self.out(seconds), self.norm, asking_mask).mT
        return Attended(normed[:, : own.shape[1]], None)

    def _elements(self, sequence: Tensor) -> Tensor:
        """[B, T, d] -> [B, G, T d / G, 1]."""
        grouped = sequence.reshape(*sequence.shape[:2], self.groups, -1)  # [B, T, G, d / G]
        return grouped.transpose(1, 2).flatten(2)[..., None]


def masked_group_norm(values: Tensor, norm: nn.GroupNorm, mask: Tensor | None) -> Tensor:
    """A group norm of [B, d, T] whose statistics leave padded seconds out.

    Args:
        values: [B, d, T].
        norm: Its groups, weights and epsilon.
        mask: [B, T], True where a second is real; None if all are.
    """
    if mask is None:  # the usual norm refuses a lone value a group, which one second may well be
        mask = values.new_ones((len(values), values.shape[-1]), dtype=torch.bool)
    keep = mask[:, None, None]  # [B, 1, 1, T]
    grouped = widened(values).reshape(len(values), norm.num_groups, -1, values.shape[-1])  # [B, G, d / G, T]
    count = (keep.sum((2, 3), keepdim=True) * grouped.shape[2]).clamp(min=1)
    mean = grouped.masked_fill(~keep, 0.0).sum((2, 3), keepdim=True) / count
    centred = (grouped - mean).masked_fill(~keep, 0.0)
    variance = centred.square().sum((2, 3), keepdim=True) / count
    scaled = (centred * (variance + norm.eps).rsqrt()).flatten(1, 2).to(values.dtype)
    result: Tensor = scaled * norm.weight[:, None] + norm.bias[:, None]
    return result


INTER_MODALITY.add("gnl-star", with_feed_forward(lambda width, config: GeneralizedNonLocal(width)))
INTER_MODALITY.add("gnl", with_feed_forward(lambda width, config: GeneralizedNonLocal(width, modified=False)))
