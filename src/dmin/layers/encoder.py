"""Intra-modality encoder (eq. 9-10), and the feed-forward layer of eq. 10 that DIMA shares."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from dmin.checks import check_shares, check_sizes
from dmin.layers.attention import Attended, MultiHeadAttention
from dmin.layers.dropout import Dropout


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Options of an intra-modality encoder.

    Raises:
        ModelError: A size or a share that no network can have.
    """

    layers: int = 2
    """Number of layers."""
    heads: int = 4
    """n of eq. 9."""
    hidden: int = 2048
    """Inner width of eq. 10."""
    dropout: float = 0.1
    """Of the attention weights, both residuals and the feed-forward part."""

    def __post_init__(self) -> None:
        check_sizes(self, "layers", "heads", "hidden")
        check_shares(self, "dropout")


class FeedForward(nn.Module):
    """Eq. 10: v_r = LayerNorm(v_cat + T_v), v_f = ReLU(v_r W_4) W_5, v_self = LayerNorm(v_f + v_r).

    Example:
        >>> import torch
        >>> FeedForward(8, 16, dropout=0.0)(torch.zeros(2, 3, 8), torch.zeros(2, 3, 8)).shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, attended: Tensor, residual: Tensor) -> Tensor:
        """From what an attention gave [B, T, d] and what went into it [B, T, d]."""
        first = self.norm1(self.dropout(attended) + residual)
        hidden = self.linear2(self.dropout(self.linear1(first).relu()))
        second: Tensor = self.norm2(self.dropout(hidden) + first)
        return second


class EncoderLayer(nn.Module):
    """One layer of intra-modality attention, eq. 9-10.

    Example:
        >>> import torch
        >>> EncoderLayer(8, EncoderConfig(heads=2, hidden=16))(torch.zeros(3, 5, 8)).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, config.heads, config.dropout)
        self.feed_forward = FeedForward(width, config.hidden, config.dropout)

    def forward(self, sequence: Tensor, mask: Tensor | None = None, return_weights: bool = False) -> Attended:
        """[B, T, d] -> [B, T, d]."""
        attended = self.attention(sequence, mask, return_weights=return_weights)
        return Attended(self.feed_forward(attended.values, sequence), attended.weights)


class Encoder(nn.Module):
    """Intra-modality attention module (section IV-B): a linear layer to the common width, then encoder layers.

    Args:
        size: D, channels of the modality.
        width: d_m, a multiple of the heads.
        config: Options.

    Example:
        >>> import torch
        >>> Encoder(16, 8, EncoderConfig(heads=2, hidden=16))(torch.zeros(3, 5, 16)).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, size: int, width: int, config: EncoderConfig) -> None:
        super().__init__()
        self.project = nn.Linear(size, width)
        self.layers = nn.ModuleList(EncoderLayer(width, config) for _ in range(config.layers))

    def forward(self, sequence: Tensor, mask: Tensor | None = None, return_weights: bool = False) -> Attended:
        """[B, T, D] -> [B, T, d]; the weights are the last layer's."""
        attended = Attended(self.project(sequence), None)
        for layer in self.layers:
            attended = layer(attended.values, mask, return_weights)
        return attended
