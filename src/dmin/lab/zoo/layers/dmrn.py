"""Dual multimodal residual network (Tian et al. 2018), the fusion of AVEL's second form and of AVSDN."""

from __future__ import annotations

from torch import Tensor, nn


class DualMultimodalResidual(nn.Module):
    """DMRN, one block: both sides plus the mean of what both say, then their mean.

    m = (U_v v + U_a a) / 2, v+ = tanh(v + m), a+ = tanh(a + m), the answer is (v+ + a+) / 2; each U is Linear, tanh,
    Linear, as the released code (AVE-ECCV18, models_fusion.py) has it.

    Args:
        width: Channels of both sides.

    Example:
        >>> import torch
        >>> DualMultimodalResidual(8)(torch.zeros(2, 5, 8), torch.zeros(2, 5, 8)).shape
        torch.Size([2, 5, 8])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.visual = _two_layers(width)
        self.audio = _two_layers(width)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """[..., d] and [..., d] -> [..., d]."""
        common = (self.visual(visual) + self.audio(audio)) / 2
        fused: Tensor = ((visual + common).tanh() + (audio + common).tanh()) / 2
        return fused


def _two_layers(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, width))
