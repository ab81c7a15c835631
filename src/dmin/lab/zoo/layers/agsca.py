"""Audio-guided spatial-channel attention (Xu et al. 2020), the attention of CMRAN and a row of Table III."""

from __future__ import annotations

from torch import Tensor, nn

from dmin.layers.agta import ChannelAttention, SpatialAttention
from dmin.layers.visual_attention import VISUAL_ATTENTION, Guided, VisualAttentionConfig, attend_regions


class AudioGuidedSpatialChannelAttention(nn.Module):
    """AGSCA: channels first, v^C = (M^C + 1) v with M^C of eq. 1, then regions, from a plain product of both sides.

    M^S = softmax over regions of tanh(Linear (ReLU(Linear v^C) * ReLU(Linear a))), v = sum of M^S v^C, as the released
    code (CMRAN, models.py) has it.

    Args:
        visual_size: D.
        audio_size: D_a.
        size: Width of the product.
        bottleneck: d of eq. 1.

    Example:
        >>> import torch
        >>> agsca = AudioGuidedSpatialChannelAttention(16, 8, size=12, bottleneck=4)
        >>> agsca(torch.rand(2, 5, 9, 16), torch.rand(2, 5, 8)).values.shape
        torch.Size([2, 5, 16])
    """

    def __init__(self, visual_size: int, audio_size: int, size: int = 256, bottleneck: int = 256) -> None:
        super().__init__()
        self.channel = ChannelAttention(visual_size, audio_size, bottleneck)
        self.visual = nn.Linear(visual_size, size)
        self.audio = nn.Linear(audio_size, size)
        self.spatial = SpatialAttention(size, bias=True)

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, context: Tensor | None = None
    ) -> Guided:
        """Guide.

        Args:
            visual: Regions [B, T, R, D].
            audio: [B, T, D_a].
            mask: Not needed: every second stands for itself.
            context: Regions [B, T, R, D] by which channels are weighed (CACE-Net); ``visual`` itself if None.
        """
        channel = self.channel(visual if context is None else context, audio)
        guided = visual * (channel + 1)[:, :, None].to(visual.dtype)
        joint = self.visual(guided).relu() * self.audio(audio).relu()[:, :, None]
        spatial = self.spatial(joint)
        return Guided(attend_regions(spatial, guided), spatial, channel)


@VISUAL_ATTENTION.register("agsca")
def _agsca(*, visual_size: int, audio_size: int, regions: int, config: VisualAttentionConfig) -> nn.Module:
    return AudioGuidedSpatialChannelAttention(visual_size, audio_size, config.size, config.bottleneck)
