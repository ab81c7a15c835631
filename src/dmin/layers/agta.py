"""Audio-guided triplet attention (eq. 1-8): what is heard decides which channels and regions of the picture count."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from dmin.layers.dropout import Dropout
from dmin.layers.numeric import signed_sqrt, unit_norm, widened
from dmin.layers.recurrent import run_lstm
from dmin.layers.visual_attention import (
    VISUAL_ATTENTION,
    Guided,
    MakeVisualAttention,
    VisualAttentionConfig,
    attend_regions,
)

PARTS = ("channel", "mfb", "lstm")
"""The attentions of AGTA; the last two make the spatial map together."""


class ChannelAttention(nn.Module):
    """Eq. 1: M^C = sigmoid(W_2 ReLU(W_1 mean over regions(Phi_a a * Phi_v v))), both projections with ReLU.

    The paper gives Phi_a the size d_a x d_a; the product needs equal widths, so audio is projected to D.

    Example:
        >>> ChannelAttention(6, 4, bottleneck=3)(torch.rand(2, 5, 9, 6), torch.rand(2, 5, 4)).shape
        torch.Size([2, 5, 6])
    """

    def __init__(self, visual_size: int, audio_size: int, bottleneck: int) -> None:
        super().__init__()
        self.visual = nn.Linear(visual_size, visual_size)
        self.audio = nn.Linear(audio_size, visual_size)
        self.squeeze = nn.Linear(visual_size, bottleneck)
        self.excite = nn.Linear(bottleneck, visual_size)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Visual regions [B, T, R, D] and audio [B, T, D_a] -> [B, T, D] in 0..1."""
        # The audio factor is the same in all regions, so the mean may go before the product.
        joint = self.visual(visual).relu().mean(2) * self.audio(audio).relu()
        return widened(self.excite(self.squeeze(joint).relu())).sigmoid()


class FactorizedBilinearPooling(nn.Module):
    """MFB, eq. 3-4: sum over k consecutive factors, dropout, signed square root, L2 norm.

    Args:
        visual_size: D.
        audio_size: D_a.
        size: d_o.
        factors: k.
        dropout: Of the sums, as eq. 3 has it.
        dropout_first: Of what is summed instead, as the released code has it.

    Example:
        >>> mfb = FactorizedBilinearPooling(6, 4, size=8, factors=5, dropout=0.1)
        >>> mfb(torch.rand(2, 3, 9, 6), torch.rand(2, 3, 4)).shape
        torch.Size([2, 3, 9, 8])
    """

    def __init__(
        self, visual_size: int, audio_size: int, size: int, factors: int, dropout: float, dropout_first: bool = False
    ) -> None:
        super().__init__()
        self.size = size
        self.visual = nn.Linear(visual_size, factors * size)
        self.audio = nn.Linear(audio_size, factors * size)
        self.drop_factors = Dropout(dropout if dropout_first else 0.0)
        self.drop_sums = Dropout(0.0 if dropout_first else dropout)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Visual regions [B, T, R, D] and audio [B, T, D_a] -> [B, T, R, d_o]."""
        joint = self.drop_factors(self.visual(visual).relu() * self.audio(audio).relu()[:, :, None])
        summed = widened(joint).reshape(*joint.shape[:-1], self.size, -1).sum(-1)
        return unit_norm(signed_sqrt(self.drop_sums(summed))).to(joint.dtype)


class RegionLSTM(nn.Module):
    """Temporal attention, eq. 5-6: every region's sequence of cat(v^P + a^P, a^P) through one shared Bi-LSTM.

    All regions of all clips are one batch. Padding never reaches real seconds: sequences are packed.

    Example:
        >>> RegionLSTM(6, 4, size=8, layers=1)(torch.rand(2, 5, 9, 6), torch.rand(2, 5, 4)).shape
        torch.Size([2, 5, 9, 8])
    """

    def __init__(self, visual_size: int, audio_size: int, size: int, layers: int) -> None:
        super().__init__()
        self.visual = nn.Linear(visual_size, size)
        self.audio = nn.Linear(audio_size, size)
        self.lstm = nn.LSTM(2 * size, size // 2, layers, batch_first=True, bidirectional=True)

    def forward(self, visual: Tensor, audio: Tensor, mask: Tensor | None = None) -> Tensor:
        """Visual regions [B, T, R, D] and audio [B, T, D_a] -> [B, T, R, d_o]."""
        batch, time, regions, _ = visual.shape
        seen = self.visual(visual).relu().transpose(0, 1)  # [T, B, R, d_o]: LSTMs take time first
        heard = self.audio(audio).relu().transpose(0, 1)[:, :, None].expand_as(seen)
        sequences = torch.cat([seen + heard, heard], -1).flatten(1, 2).transpose(0, 1)  # [B R, T, 2 d_o]
        real = None if mask is None else mask.repeat_interleave(regions, 0)
        states = run_lstm(self.lstm, sequences, real).hidden
        related: Tensor = states.reshape(batch, regions, time, -1).transpose(1, 2)
        return related


class SpatialAttention(nn.Module):
    """Eq. 7: M^S = softmax over the regions of tanh(W_3 joint).

    Args:
        size: d_o.
        bias: Give W_3 a bias, as the released code has it.

    Example:
        >>> SpatialAttention(8)(torch.zeros(2, 5, 4, 8))[0, 0].tolist()
        [0.25, 0.25, 0.25, 0.25]
    """

    def __init__(self, size: int, bias: bool = False) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1, bias=bias)

    def forward(self, joint: Tensor) -> Tensor:
        """Weigh the regions by MFB and Bi-LSTM, [B, T, R, d_o] -> [B, T, R]; each second sums to 1."""
        return widened(self.score(joint).squeeze(-1)).tanh().softmax(-1)


class AudioGuidedTripletAttention(nn.Module):
    """AGTA, eq. 1-8: channel, temporal and spatial attention.

    Args:
        visual_size: D.
        audio_size: D_a.
        config: Sizes and options.
        parts: Attentions to build (Table III leaves some out): "channel" (eq. 1-2), and "mfb" and "lstm", whose sum
            makes the spatial map of eq. 7. Without a map the regions are averaged.

    Example:
        >>> agta = AudioGuidedTripletAttention(16, 8, VisualAttentionConfig(size=8, bottleneck=4))
        >>> guided = agta(torch.rand(2, 5, 9, 16), torch.rand(2, 5, 8))
        >>> guided.values.shape, guided.spatial.shape
        (torch.Size([2, 5, 16]), torch.Size([2, 5, 9]))
    """

    def __init__(
        self, visual_size: int, audio_size: int, config: VisualAttentionConfig, parts: Collection[str] = PARTS
    ) -> None:
        super().__init__()
        c, sizes = config, (visual_size, audio_size)
        self.channel = ChannelAttention(*sizes, c.bottleneck) if "channel" in parts else None
        self.bilinear = None
        if "mfb" in parts:
            self.bilinear = FactorizedBilinearPooling(*sizes, c.size, c.factors, c.dropout, c.dropout_first)
        self.temporal = RegionLSTM(*sizes, c.size, c.lstm_layers) if "lstm" in parts else None
        self.spatial = SpatialAttention(c.size, c.spatial_bias) if {"mfb", "lstm"} & set(parts) else None
        self.residual = float(c.channel_residual)
        self.looks_at_regions = self.spatial is not None

    def forward(self, visual: Tensor, audio: Tensor, mask: Tensor | None = None) -> Guided:
        """Guide.

        Args:
            visual: Regions [B, T, R, D], R = H W.
            audio: [B, T, D_a].
            mask: [B, T], True where a second is real; padding comes last. None if all are real.
        """
        guided, channel = visual, None
        if self.channel is not None:
            channel = self.channel(visual, audio)
            guided = visual * (channel + self.residual)[:, :, None].to(visual.dtype)  # eq. 2
        if self.spatial is None:
            return Guided(guided.mean(2), None, channel)
        terms = [] if self.bilinear is None else [self.bilinear(guided, audio)]
        if self.temporal is not None:
            terms.append(self.temporal(guided, audio, mask))
        spatial = self.spatial(sum(terms))  # eq. 7
        return Guided(attend_regions(spatial, guided), spatial, channel)  # eq. 8


def _with(*parts: str) -> MakeVisualAttention:
    def make(*, visual_size: int, audio_size: int, regions: int, config: VisualAttentionConfig) -> nn.Module:
        return AudioGuidedTripletAttention(visual_size, audio_size, config, parts)

    return make


VISUAL_ATTENTION.add("agta", _with(*PARTS))
VISUAL_ATTENTION.add("agta-no-lstm", _with("channel", "mfb"))
VISUAL_ATTENTION.add("agta-no-mfb", _with("channel", "lstm"))
VISUAL_ATTENTION.add("agta-no-channel", _with("mfb", "lstm"))
VISUAL_ATTENTION.add("agta-no-spatial", _with("channel"))
VISUAL_ATTENTION.add("none", _with())
