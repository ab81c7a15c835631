"""Audio-guided visual attention (Tian et al. 2018), that of AVEL, DAM, AVRB and PSP, and a row of Table III."""

from __future__ import annotations

from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers.numeric import widened
from dmin.layers.visual_attention import VISUAL_ATTENTION, Guided, VisualAttentionConfig, attend_regions


class AudioGuidedVisualAttention(nn.Module):
    """AGVA: alpha = softmax over regions of w_h . tanh(W_v v' + W_g a'), v = sum of alpha_s V_s on the map as it came.

    v' = ReLU(Linear V), a' = ReLU(Linear a). As in the released code (AVE-ECCV18, models.py), W_v and W_g have R = H W
    outputs, and the audio's R values are added region by region, not hidden unit by hidden unit: region s gets
    content[s, j] = (W_v v'_s)_j + (W_g a')_s. So the number of regions is a size of the network.

    Args:
        visual_size: D.
        audio_size: D_a.
        regions: R.
        hidden: Width of v' and a'.

    Raises:
        ModelError: In `forward`, if the map has another number of regions.

    Example:
        >>> import torch
        >>> agva = AudioGuidedVisualAttention(16, 8, regions=9, hidden=12)
        >>> agva(torch.rand(2, 5, 9, 16), torch.rand(2, 5, 8)).values.shape
        torch.Size([2, 5, 16])
    """

    def __init__(self, visual_size: int, audio_size: int, regions: int = 49, hidden: int = 512) -> None:
        super().__init__()
        self.regions = regions
        self.visual = nn.Linear(visual_size, hidden)
        self.audio = nn.Linear(audio_size, hidden)
        self.visual_content = nn.Linear(hidden, regions, bias=False)
        self.audio_content = nn.Linear(hidden, regions, bias=False)
        self.score = nn.Linear(regions, 1, bias=False)
        for linear in (self.visual, self.audio, self.visual_content, self.audio_content, self.score):
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, visual: Tensor, audio: Tensor, mask: Tensor | None = None) -> Guided:
        """Regions [B, T, R, D] and audio [B, T, D_a]; every second stands for itself, so no mask is needed."""
        if visual.shape[2] != self.regions:
            raise ModelError(
                f"got a map of {visual.shape[2]} regions: AGVA was built for {self.regions}, set regions to H * W"
            )
        seen = self.visual_content(self.visual(visual).relu())  # [B, T, R, R]
        heard = self.audio_content(self.audio(audio).relu())[..., None]  # [B, T, R, 1]: a value per region
        scores = self.score(widened(seen + heard).tanh().to(seen.dtype)).squeeze(-1)
        spatial = widened(scores).softmax(-1)
        return Guided(attend_regions(spatial, visual), spatial)


@VISUAL_ATTENTION.register("agva")
def _agva(*, visual_size: int, audio_size: int, regions: int, config: VisualAttentionConfig) -> nn.Module:
    return AudioGuidedVisualAttention(visual_size, audio_size, regions, hidden=visual_size)
