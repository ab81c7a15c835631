"""The audio-visual transformer's attention (Lin and Wang 2020), the encoder of AVT and a row of Table III.

Only the abstract is public: co-attention over intra-frame visual, inter-frame visual and audio information, and an
attention over instances that picks regions; the DMIN paper adds that it reaches to adjacent seconds and knows no
channel attention. The rest is a reading of ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers.agta import SpatialAttention
from dmin.layers.attention import MultiHeadAttention
from dmin.layers.encoder import FeedForward
from dmin.layers.visual_attention import VISUAL_ATTENTION, Guided, VisualAttentionConfig, attend_regions


class MemoryLayer(nn.Module):
    """One transformer layer over a memory: attention, residual, norm, feed-forward (as eq. 10).

    Example:
        >>> layer = MemoryLayer(8, heads=2, hidden=16, dropout=0.0)
        >>> layer(torch.zeros(3, 9, 8), torch.zeros(3, 4, 8)).shape
        torch.Size([3, 9, 8])
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads, dropout)
        self.feed_forward = FeedForward(width, hidden, dropout)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Queries [N, Q, d] look at a memory [N, M, d]."""
        attended: Tensor = self.feed_forward(self.attention(queries, memory=memory).values, queries)
        return attended


class AudioVisualTransformer(nn.Module):
    """AVTrans: regions look at their own frame, at the frames beside it, at the sound; then the map is summed.

    Reading: regions and audio go through Linear + ReLU to ``width``. Three layers follow, the queries being the regions
    of second t: (i) intra-frame, over the same regions; (ii) inter-frame, over the regions of t - 1 and t + 1 as they
    came out of (i), the ends repeated; (iii) audio, over a_{t-1}, a_t and a_{t+1}. Then M = softmax over regions of
    tanh(Linear (U_t * ReLU(Linear a_t))), and v_t = sum of M V_t: the map as it came is summed, not U_t, so that the
    width stays.

    Args:
        visual_size: D.
        audio_size: D_a.
        width: Of the transformer, a multiple of ``heads``.
        heads: Of its layers.
        hidden: Inner width of their feed-forward parts.
        dropout: Of all three layers.

    Raises:
        ModelError: The width is no multiple of the heads.

    Example:
        >>> avtrans = AudioVisualTransformer(16, 8, width=12, heads=2, hidden=24)
        >>> avtrans(torch.rand(2, 5, 9, 16), torch.rand(2, 5, 8)).values.shape
        torch.Size([2, 5, 16])
    """

    def __init__(
        self,
        visual_size: int,
        audio_size: int,
        width: int = 256,
        heads: int = 4,
        hidden: int = 1024,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(
                f"got width {width} and {heads} heads: AVTrans's width (visual_attention.size) must be a multiple of it"
            )
        self.visual = nn.Linear(visual_size, width)
        self.audio = nn.Linear(audio_size, width)
        self.intra_frame = MemoryLayer(width, heads, hidden, dropout)
        self.inter_frame = MemoryLayer(width, heads, hidden, dropout)
        self.sound = MemoryLayer(width, heads, hidden, dropout)
        self.guide = nn.Linear(audio_size, width)
        self.spatial = SpatialAttention(width, bias=True)

    def forward(self, visual: Tensor, audio: Tensor, mask: Tensor | None = None) -> Guided:
        """Guide.

        Args:
            visual: Regions [B, T, R, D].
            audio: [B, T, D_a].
            mask: [B, T], True where a second is real; padding comes last. None if all are.
        """
        batch, time, regions, _ = visual.shape
        before, after = neighbours(time, mask, visual.device)
        seen = self.visual(visual).relu()  # [B, T, R, d]
        heard = self.audio(audio).relu()  # [B, T, d]
        flat = seen.flatten(0, 1)  # [B T, R, d]
        flat = self.intra_frame(flat, flat)
        frames = flat.reshape(batch, time, regions, -1)
        beside = torch.cat([_at(frames, before), _at(frames, after)], 2)  # [B, T, 2 R, d]
        flat = self.inter_frame(flat, beside.flatten(0, 1))
        around = torch.stack([_at(heard, before), heard, _at(heard, after)], 2)  # [B, T, 3, d]
        flat = self.sound(flat, around.flatten(0, 1))
        joint = flat.reshape(batch, time, regions, -1) * self.guide(audio).relu()[:, :, None]
        spatial = self.spatial(joint)  # [B, T, R]
        return Guided(attend_regions(spatial, visual), spatial)


def neighbours(time: int, mask: Tensor | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """The seconds before and after each second [B or 1, T]; the ends, and the last real second, are repeated.

    Example:
        >>> before, after = neighbours(3, torch.tensor([[True, True, False]]), torch.device("cpu"))
        >>> before.tolist(), after.tolist()
        ([[0, 0, 1]], [[1, 1, 1]])
    """
    second = torch.arange(time, device=device)[None]
    last = torch.full((1, 1), time - 1, device=device) if mask is None else mask.sum(1, keepdim=True) - 1
    return (second - 1).clamp(min=0).expand(len(last), -1), torch.minimum(second + 1, last)


def _at(values: Tensor, seconds: Tensor) -> Tensor:
    """Values [B, T, ...] of the given seconds [B or 1, T]."""
    clip = torch.arange(len(values), device=values.device)[:, None]
    return values[clip, seconds]


@VISUAL_ATTENTION.register("avtrans")
def _avtrans(*, visual_size: int, audio_size: int, regions: int, config: VisualAttentionConfig) -> nn.Module:
    return AudioVisualTransformer(visual_size, audio_size, config.size, config.heads, 4 * config.size, config.dropout)
