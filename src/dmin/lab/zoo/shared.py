"""Parts shared by several systems: the recipe R-ave and the head of AVEL."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers.attention import MultiHeadAttention
from dmin.layers.visual_attention import Guided
from dmin.models.masks import without_padding
from dmin.models.outputs import AttentionMaps

R_AVE_METHOD: dict[str, dict[str, Any]] = {
    "full": {"segment_loss": "cross-entropy"},
    "weak": {"mil_pooling": "max"},
}
"""Reading: the losses of systems without public code, which are AVEL's task with plain cross-entropy under full
supervision."""
R_AVE_SCHEDULE: dict[str, dict[str, Any]] = {
    "all": {"batch_size": 64, "learning_rate": 1e-3, "milestones": (), "gradient_clip": 0.0},
    "full": {"epochs": 300},
    "weak": {"epochs": 250},
}
"""Reading: the schedule of systems without public code, AVEL's, under which these papers compare themselves."""


def check_full(supervision: str, title: str) -> None:
    """Refuse a supervision under which a system is not described.

    Raises:
        ModelError: It is not "full".
    """
    if supervision != "full":
        raise ModelError(f"supervision is {supervision!r}: must be 'full', {title} is described for no other")


def avel_head(size: int, labels: int, bias: bool = True) -> nn.Sequential:
    """The head of AVEL: [..., size] -> 64, ReLU -> logits [..., labels].

    Args:
        size: Channels that come in.
        labels: C + 1.
        bias: PSP has none.
    """
    return nn.Sequential(nn.Linear(size, 64, bias=bias), nn.ReLU(), nn.Linear(64, labels, bias=bias))


def spatial_only(guided: Guided, visual: Tensor, mask: Tensor | None) -> AttentionMaps:
    """Attention maps of a network that has only an attention over regions.

    Args:
        guided: What the visual attention gave.
        visual: The map [B, T, H, W, D_v] that it looked at.
        mask: [B, T], True where a second is real.
    """
    spatial = guided.spatial
    return AttentionMaps(None if spatial is None else without_padding(spatial, mask).reshape(visual.shape[:4]))


class SelfContext(nn.Module):
    """A linear layer to the common width, then self-attention over time with residual and norm.

    Args:
        size: D.
        width: d, a multiple of ``heads``.
        heads: Of the attention.

    Example:
        >>> import torch
        >>> SelfContext(16, 8, heads=2)(torch.rand(2, 5, 16)).shape
        torch.Size([2, 5, 8])
    """

    def __init__(self, size: int, width: int, heads: int) -> None:
        super().__init__()
        self.project = nn.Linear(size, width)
        self.attention = MultiHeadAttention(width, heads, dropout=0.0)
        self.norm = nn.LayerNorm(width)

    def forward(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, T, D] -> [B, T, d]; the mask [B, T] is True where a second may be looked at."""
        return self.around(self.project(sequence), mask)

    def around(self, local: Tensor, mask: Tensor | None = None) -> Tensor:
        """The same from what the linear layer gave already, [B, T, d]."""
        context: Tensor = self.norm(local + self.attention(local, mask).values)
        return context
