"""Fully generalized non-local attention (Kuo et al. 2021) and the DMIN paper's modified version of it (Table IV).

All pairs of channels of a query and a key are compared by rolling the key's channels, a roll at a time; what the rolls
give is weighted by an excitation over them (MoSE) and brought back to the width by a linear layer. All rolls of all
seconds are keys of one product here, and nothing loops over them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmin.layers.attention import Attended, SplitHeads, both_masks
from dmin.layers.dropout import Dropout
from dmin.layers.inter_modality import INTER_MODALITY, with_feed_forward
from dmin.layers.numeric import widened

_SIGMA = 0.707
_REACH = 2


class RollExcitation(nn.Module):
    """MoSE: the mean over time and channels of what a roll gives, through 1 -> 16, ReLU, 16 -> 1; softmax over rolls.

    Example:
        >>> RollExcitation()(torch.rand(2, 4, 5, 6, 3)).shape
        torch.Size([2, 4, 5, 6, 3])
    """

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.squeeze = nn.Linear(1, hidden)
        self.excite = nn.Linear(hidden, 1, bias=False)  # the softmax would cancel a bias

    def forward(self, rolls: Tensor, mask: Tensor | None = None) -> Tensor:
        """Rolls [B, heads, T, R, d_k], weighted; the mask [B, T] is True where a second is real."""
        each_second = rolls.mean(-1)  # [B, heads, T, R]
        if mask is None:
            mean = each_second.mean(2)
        else:
            keep = mask[:, None, :, None]
            mean = each_second.masked_fill(~keep, 0.0).sum(2) / keep.sum(2).clamp(min=1)
        scores = self.excite(self.squeeze(mean[..., None]).relu()).squeeze(-1)  # [B, heads, R]
        return rolls * widened(scores).softmax(-1).to(rolls.dtype)[:, :, None, :, None]


def smooth(sequence: Tensor, mask: Tensor | None) -> Tensor:
    """The released code's fixed Gaussian (5 wide, sigma 0.707) along time of [..., T, d], zeros beyond real seconds.

    Args:
        sequence: [B, heads, T, d_k].
        mask: [B, T], True where a second is real; None if all are.

    Example:
        >>> [round(value, 3) for value in smooth(torch.ones(1, 1, 5, 1), None).flatten().tolist()]
        [0.782, 0.99, 1.0, 0.99, 0.782]
    """
    if mask is not None:
        sequence = sequence.masked_fill(~mask[:, None, :, None], 0.0)
    steps = torch.arange(-_REACH, _REACH + 1, device=sequence.device, dtype=sequence.dtype)
    kernel = torch.exp(-(steps**2) / (2 * _SIGMA**2))
    kernel = kernel / kernel.sum()
    padded = nn.functional.pad(sequence, (0, 0, _REACH, _REACH))
    return (padded.unfold(2, 2 * _REACH + 1, 1) * kernel).sum(-1)


def rolled(keys: Tensor) -> Tensor:
    """Keys [B, heads, S, d_k], their channels rolled by 0 .. d_k - 1: [B, heads, R, S, d_k].

    Example:
        >>> rolled(torch.tensor([[[[1.0, 2.0, 3.0]]]])).tolist()
        [[[[[1.0, 2.0, 3.0]], [[3.0, 1.0, 2.0]], [[2.0, 3.0, 1.0]]]]]
    """
    size = keys.shape[-1]
    channel = torch.arange(size, device=keys.device)
    source = (channel - channel[:, None]) % size  # [R, d_k]
    return keys[..., source].transpose(2, 3)


def roll_scores(query: Tensor, keys: Tensor) -> Tensor:
    """Products of queries [B, heads, T, d_k] with all rolls of keys [B, heads, S, d_k]: [B, heads, T, R, S]."""
    products = query @ rolled(keys).flatten(2, 3).mT  # [B, heads, T, R S]
    return products.reshape(*query.shape[:3], -1, keys.shape[2])


def mix_rolls(weights: Tensor, values: Tensor) -> Tensor:
    """Values [B, heads, S, d_k] summed by the weights [B, heads, T, R, S] of every roll: [B, heads, T, R, d_k]."""
    mixed = weights.flatten(2, 3) @ values  # [B, heads, T R, d_k]
    return mixed.reshape(*weights.shape[:4], -1)


class ModifiedFullyGeneralizedNonLocal(SplitHeads):
    """FGNL*: DIMA's queries, keys and values; the other modality's keys are rolled by every number of channels.

    For roll r: N_r = softmax over the T + S keys of cat(Q K_x^T, Q~ roll(K~_y, r)^T) / sqrt(d_k), R_r = N_r V, where ~
    is smoothed in time. The d_k results go through MoSE, each head's by itself but with the same layers, are flattened
    to d_k d_k and brought to d_k by one linear layer for all heads; then heads are joined, as in eq. 9. Readings: the
    softmax runs over keys, as the paper says, where the code released for FGNL has it over queries; that code's
    smoothing comes along, and sees zeros beyond the seconds that may be looked at, so padding never leaks in.

    Args:
        width: d_m, a multiple of ``heads``.
        heads: n.
        dropout: Of the attention weights.

    Example:
        >>> attention = ModifiedFullyGeneralizedNonLocal(8, heads=2, dropout=0.0)
        >>> attention(torch.rand(3, 5, 8), torch.rand(3, 4, 8)).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__(width, heads, dropout)
        size = width // heads
        self.drop = Dropout(dropout)
        self.excitation = RollExcitation()
        self.restore = nn.Linear(size * size, size)

    def forward(
        self,
        own: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Attend: x [B, T, d] to itself and to y [B, S, d]. The weights are means over the rolls, before MoSE."""
        query, own_key, own_value = self.project(own, 0, 3)  # [B, heads, T, d_k]
        other_key, other_value = self.project(other, 1, 3)
        inter = roll_scores(smooth(query, mask), smooth(other_key, other_mask))  # [B, heads, T, R, S]
        intra = (query @ own_key.mT)[:, :, :, None].expand(-1, -1, -1, inter.shape[3], -1)
        scores = torch.cat([intra, inter], -1) / query.shape[-1] ** 0.5
        weights = _softmax_over_keys(scores, both_masks(own, mask, other, other_mask))
        value = torch.cat([own_value, other_value], 2)  # [B, heads, T + S, d_k]
        rolls = self.excitation(mix_rolls(self.drop(weights), value), mask)  # [B, heads, T, R, d_k]
        restored = self.restore(rolls.flatten(3))  # [B, heads, T, d_k]
        joined = self.out_proj(restored.transpose(1, 2).flatten(2))
        return Attended(joined, weights.mean(3) if return_weights else None)


class FullyGeneralizedNonLocal(nn.Module):
    """FGNL, unmodified: channels reduced 32-fold, all keys rolled, both modalities' keys with weights of their own.

    theta comes from x, phi and g from x and from y; all are smoothed in time, a modality at a time, as in the released
    code; the rolls go through MoSE and one linear layer to the width. Like there, no heads and no scale. Readings: the
    softmax runs over the keys of both modalities, where the released code has it over queries; the smoothing sees zeros
    beyond the seconds that may be looked at; dropout of the attention weights, which the released code lacks.

    Args:
        width: d_m.
        reduction: How many times fewer channels are compared; two are left at least, as one could not be rolled.
        dropout: Of the attention weights.

    Example:
        >>> attention = FullyGeneralizedNonLocal(8, reduction=2, dropout=0.0)
        >>> attention(torch.rand(3, 5, 8), torch.rand(3, 4, 8)).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, reduction: int = 32, dropout: float = 0.0) -> None:
        super().__init__()
        size = max(2, width // reduction)
        self.drop = Dropout(dropout)
        self.theta = nn.Linear(width, size)
        self.own_phi = nn.Linear(width, size)
        self.own_g = nn.Linear(width, size)
        self.other_phi = nn.Linear(width, size)
        self.other_g = nn.Linear(width, size)
        self.excitation = RollExcitation()
        self.restore = nn.Linear(size * size, width)

    def forward(
        self,
        own: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Attend: x [B, T, d] to itself and to y [B, S, d]. The weights are means over the rolls, before MoSE."""
        query = smooth(self.theta(own)[:, None], mask)  # [B, 1, T, d / 32]
        key, value = (
            torch.cat([smooth(to_own(own)[:, None], mask), smooth(to_other(other)[:, None], other_mask)], 2)
            for to_own, to_other in ((self.own_phi, self.other_phi), (self.own_g, self.other_g))
        )  # [B, 1, T + S, d / 32]
        scores = roll_scores(query, key)  # [B, 1, T, R, T + S]
        weights = _softmax_over_keys(scores, both_masks(own, mask, other, other_mask))
        rolls = self.excitation(mix_rolls(self.drop(weights), value), mask)  # [B, 1, T, R, d / 32]
        return Attended(self.restore(rolls.squeeze(1).flatten(2)), weights.mean(3) if return_weights else None)


def _softmax_over_keys(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax of [B, heads, T, R, S] over keys that the mask [B, S] calls real."""
    wide = widened(scores)
    if mask is not None:
        wide = wide.masked_fill(~mask[:, None, None, None], -torch.inf)
    return wide.softmax(-1).to(scores.dtype)


INTER_MODALITY.add(
    "fgnl-star", with_feed_forward(lambda width, c: ModifiedFullyGeneralizedNonLocal(width, c.heads, c.dropout))
)
INTER_MODALITY.add("fgnl", with_feed_forward(lambda width, c: FullyGeneralizedNonLocal(width, dropout=c.dropout)))
