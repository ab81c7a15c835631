"""Audio-visual co-guidance attention (He et al. 2024), CACE-Net: picture and sound guide each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.lab.zoo.layers.agsca import AudioGuidedSpatialChannelAttention
from dmin.layers.agta import SpatialAttention
from dmin.layers.dropout import Dropout
from dmin.layers.numeric import widened
from dmin.layers.visual_attention import Guided, attend_regions


class PlainAttention(nn.Module):
    """softmax(q k^T) v, without the usual division by sqrt(d), as the released code has it.

    Args:
        query_size: Channels of what asks.
        size: Channels of what is asked, and of the answer.
        key_size: Channels of queries and keys.

    Example:
        >>> PlainAttention(6, 8, 2)(torch.rand(3, 5, 6), torch.rand(3, 4, 8)).shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, query_size: int, size: int, key_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, key_size)
        self.key = nn.Linear(size, key_size)
        self.value = nn.Linear(size, size)

    def forward(self, asking: Tensor, asked: Tensor, mask: Tensor | None = None) -> Tensor:
        """[..., T, query_size] and [..., S, size] -> [..., T, size]; mask [B, S], True where there is something."""
        scores = widened(self.query(asking) @ self.key(asked).mT)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None], -torch.inf)
        answer: Tensor = scores.softmax(-1).to(asked.dtype) @ self.value(asked)
        return answer


class SelfGuidance(nn.Module):
    """g = the sum of a second's regions, weighed by their product with the second's mean.

    The weights are softmax over regions of tanh(Linear (ReLU(Linear v) * ReLU(Linear mean v))).

    Args:
        visual_size: D.
        size: Width of the product.

    Example:
        >>> SelfGuidance(16, 12)(torch.rand(2, 5, 9, 16)).shape
        torch.Size([2, 5, 16])
    """

    def __init__(self, visual_size: int, size: int) -> None:
        super().__init__()
        self.region = nn.Linear(visual_size, size)
        self.mean = nn.Linear(visual_size, size)
        self.spatial = SpatialAttention(size, bias=True)

    def forward(self, visual: Tensor) -> Tensor:
        """[B, T, R, D] -> [B, T, D]."""
        mean = self.mean(visual.mean(2)).relu()
        return attend_regions(self.spatial(self.region(visual).relu() * mean[:, :, None]), visual)


@dataclass(frozen=True)
class CoGuided:
    """Output of the co-guidance."""

    visual: Guided
    audio: Tensor
    """[B, T, D_a]"""


class CoGuidance(nn.Module):
    """AVCA: both modalities, each guided by the other.

    The picture: v^1 are the regions after a self-attention within their second, with residual and norm. AGSCA attends
    to the regions as they came, but weighs their channels by v^1 and the sound. Its answer v becomes
    v + beta sigmoid(g) v, where g is the self-guidance of v^1.

    The sound: a^1 are the seconds after a self-attention, with residual and norm. The picture asks a^1 with the mean of
    v^2, which are the regions after another self-attention that shares only the norm with the first. With its answer h,
    a becomes a + psi sigmoid(h) a.

    Args:
        visual_size: D, 4 at least.
        audio_size: D_a.
        size: Width of AGSCA and of the self-guidance.
        visual_share: beta.
        audio_share: psi.
        dropout: Of the self-attentions' answers.

    Example:
        >>> guided = CoGuidance(16, 8, size=12)(torch.rand(2, 5, 9, 16), torch.rand(2, 5, 8))
        >>> guided.visual.values.shape, guided.audio.shape
        (torch.Size([2, 5, 16]), torch.Size([2, 5, 8]))
    """

    def __init__(
        self,
        visual_size: int,
        audio_size: int,
        size: int = 256,
        visual_share: float = 0.4,
        audio_share: float = 0.3,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.visual_share, self.audio_share = visual_share, audio_share
        self.regions = PlainAttention(visual_size, visual_size, visual_size // 4)
        self.regions_for_sound = PlainAttention(visual_size, visual_size, visual_size // 4)
        self.regions_norm = nn.LayerNorm(visual_size)  # of both
        self.self_guidance = SelfGuidance(visual_size, size)
        self.guidance = AudioGuidedSpatialChannelAttention(visual_size, audio_size, size, size)
        self.seconds = PlainAttention(audio_size, audio_size, audio_size)
        self.seconds_norm = nn.LayerNorm(audio_size)
        self.picture_asks = PlainAttention(visual_size, audio_size, audio_size)
        self.dropout = Dropout(dropout)

    def forward(self, visual: Tensor, audio: Tensor, mask: Tensor | None = None) -> CoGuided:
        """Regions [B, T, R, D], audio [B, T, D_a], mask [B, T], True where a second is real."""
        context = self._context(self.regions, visual)
        guided = self.guidance(visual, audio, context=context)
        own = widened(self.self_guidance(context)).sigmoid()
        seen = guided.values * (1 + self.visual_share * own).to(guided.values.dtype)
        heard = self.seconds_norm(audio + self.dropout(self.seconds(audio, audio, mask)))
        picture = self._context(self.regions_for_sound, visual).mean(2)  # [B, T, D]
        answer = widened(self.picture_asks(picture, heard, mask)).sigmoid()
        audio = audio * (1 + self.audio_share * answer).to(audio.dtype)
        return CoGuided(Guided(seen, guided.spatial, guided.channel), audio)

    def _context(self, attention: nn.Module, visual: Tensor) -> Tensor:
        """Regions [B, T, R, D] among all regions of their second."""
        context: Tensor = self.regions_norm(visual + self.dropout(attention(visual, visual)))
        return context
