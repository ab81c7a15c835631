"""Positive sample propagation (Zhou et al. 2021): only seconds of sound and picture that agree strongly speak."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmin.layers.dropout import Dropout
from dmin.layers.numeric import widened


class PositiveSamplePropagation(nn.Module):
    """v + gamma_va a2 and a + gamma_av v1, gamma being what is left of the agreement after a threshold.

    v1, v2, a1, a2 = dropout(ReLU(linear)) of both sides. beta = ReLU(v2 a1^T / sqrt(d)), [T, T]; its rows are divided
    by their sums, entries up to tau become 0, and rows are divided by their sums again: gamma_va. beta^T is treated
    alike: gamma_av. As in the released code (PSP_CVPR_2021); a row without agreement stays 0.

    Args:
        width: d.
        threshold: tau.
        dropout: After each of the four layers.
        renormalize: Divide rows again after the threshold; the code for weak supervision does not.

    Example:
        >>> psp = PositiveSamplePropagation(8, threshold=0.1, dropout=0.0)
        >>> [part.shape for part in psp(torch.rand(2, 5, 8), torch.rand(2, 5, 8))]
        [torch.Size([2, 5, 8]), torch.Size([2, 5, 8])]
    """

    def __init__(self, width: int, threshold: float, dropout: float = 0.1, renormalize: bool = True) -> None:
        super().__init__()
        self.threshold = threshold
        self.renormalize = renormalize
        self.v1, self.v2, self.a1, self.a2 = (_branch(width, dropout) for _ in range(4))

    def forward(self, visual: Tensor, audio: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Propagate.

        Args:
            visual: [B, T, d].
            audio: [B, T, d].
            mask: [B, T], True where a second is real; None if all are.

        Returns:
            Both, [B, T, d].
        """
        agreement = (self.v2(visual) @ self.a1(audio).mT / visual.shape[-1] ** 0.5).relu()  # beta, [B, T, T]
        if mask is not None:
            agreement = agreement.masked_fill(~(mask[:, :, None] & mask[:, None]), 0.0)
        to_visual, to_audio = self._kept(agreement), self._kept(agreement.mT)
        seen = visual + to_visual.to(visual.dtype) @ self.a2(audio)
        heard = audio + to_audio.to(audio.dtype) @ self.v1(visual)
        return seen, heard

    def _kept(self, agreement: Tensor) -> Tensor:
        """Rows [B, T, T] as shares, those up to the threshold left out."""
        shares = row_shares(agreement)
        kept = torch.where(shares > self.threshold, shares, 0.0)
        return row_shares(kept) if self.renormalize else kept


def row_shares(values: Tensor) -> Tensor:
    """Rows of non-negative values divided by their sums; 0, with gradient 0, where a sum is next to nothing.

    Half precision is widened to float32.

    Example:
        >>> row_shares(torch.tensor([[1.0, 3.0], [0.0, 0.0]])).tolist()
        [[0.25, 0.75], [0.0, 0.0]]
    """
    values = widened(values)
    total = values.sum(-1, keepdim=True)
    nothing = total < 1e-8
    return torch.where(nothing, 0.0, values / torch.where(nothing, 1.0, total))


def _branch(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width, bias=False), nn.ReLU(), Dropout(dropout))
