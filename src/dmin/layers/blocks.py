"""Residual, norm and feed-forward around an attention (eq. 10): the intra-modality encoder and DIMA."""

from __future__ import annotations

from torch import Tensor, nn

from dmin.layers.attention import Attended, DenseInterModalityAttention, MultiHeadAttention


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
        self.dropout = nn.Dropout(dropout)

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
        >>> EncoderLayer(8, heads=2, hidden=16, dropout=0.0)(torch.zeros(3, 5, 8)).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads, dropout)
        self.feed_forward = FeedForward(width, hidden, dropout)

    def forward(self, sequence: Tensor, mask: Tensor | None = None, return_weights: bool = False) -> Attended:
        """[B, T, d] -> [B, T, d]."""
        attended = self.attention(sequence, mask, return_weights=return_weights)
        return Attended(self.feed_forward(attended.values, sequence), attended.weights)


class Encoder(nn.Module):
    """Intra-modality attention module (section IV-B): a linear layer to the common width, then encoder layers.

    Example:
        >>> import torch
        >>> Encoder(16, 8, layers=2, heads=2, hidden=16, dropout=0.0)(torch.zeros(3, 5, 16)).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, size: int, width: int, layers: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.Linear(size, width)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, hidden, dropout) for _ in range(layers))

    def forward(self, sequence: Tensor, mask: Tensor | None = None, return_weights: bool = False) -> Attended:
        """[B, T, D] -> [B, T, d]; the weights are the last layer's."""
        attended = Attended(self.project(sequence), None)
        for layer in self.layers:
            attended = layer(attended.values, mask, return_weights)
        return attended


class InterModality(nn.Module):
    """An attention of a modality over itself and the other, and the rest of eq. 10 around it.

    Args:
        attention: Called with (own, other, mask, other_mask, return_weights), as `DenseInterModalityAttention` is.
        width: d_m.
        hidden: Inner width of eq. 10.
        dropout: Of both residuals and the feed-forward part.
    """

    takes_own = True

    def __init__(self, attention: nn.Module, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = attention
        self.feed_forward = FeedForward(width, hidden, dropout)

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


class DIMA(InterModality):
    """Dense inter-modality attention (section IV-C): eq. 11 and the rest of eq. 10.

    Args:
        width: d_m.
        heads: n.
        hidden: Inner width of eq. 10.
        dropout: Of the attention weights, both residuals and the feed-forward part.
        alpha: Weight of equal channel pairs (eq. 13).
        mean_pairs: Divide eq. 13 by d_k, as the released code does.
        own_product: Score of a query with keys of its own modality, "mha" (dot product) or "dfa" (eq. 13).
        other_product: The same with keys of the other modality; Table V tries all four pairs.

    Example:
        >>> import torch
        >>> x, y = torch.zeros(3, 5, 8), torch.zeros(3, 5, 8)
        >>> DIMA(8, heads=2, hidden=16, dropout=0.0)(x, None, y).values.shape
        torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        dropout: float,
        alpha: float = 0.5,
        mean_pairs: bool = False,
        own_product: str = "mha",
        other_product: str = "dfa",
    ) -> None:
        attention = DenseInterModalityAttention(width, heads, dropout, alpha, mean_pairs, own_product, other_product)
        super().__init__(attention, width, hidden, dropout)


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
