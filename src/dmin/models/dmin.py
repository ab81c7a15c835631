"""The Dense Modality Interaction Network (Liu, Quan, Wang, Liu, Liu, Yan; IEEE TMM 2022) for full supervision."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dmin.errors import ModelError
from dmin.layers import AudioGuidedTripletAttention, AudioVisualFusion, CrossModalLayer, Encoder, masked_max
from dmin.models.config import DMINConfig


@dataclass(frozen=True)
class AttentionMaps:
    """Where the network looks."""

    spatial: Tensor
    """M^S of eq. 7, [B, T, H, W]; each second sums to 1."""
    channel: Tensor
    """M^C of eq. 1, [B, T, D] in 0..1."""
    temporal_visual: Tensor | None
    """Last encoder layer, eq. 9, [B, heads, T, T]; rows sum to 1. None if there is no encoder layer."""
    temporal_audio: Tensor | None
    """The same for audio."""
    inter_modality_visual: Tensor
    """Eq. 11 with visual queries, [B, heads, T, 2 T]: first its own seconds, then audio's."""
    inter_modality_audio: Tensor
    """Eq. 11 with audio queries: first its own seconds, then the picture's."""


@dataclass(frozen=True)
class DMINOutput:
    """What the network says, as logits."""

    relevance_logits: Tensor
    """[B, T]: is this second an event? What stands at padded seconds means nothing."""
    category_logits: Tensor
    """[B, C]: which, from the fused features."""
    unimodal_category_logits: Tensor
    """[B, C]: which, from v_self alone."""
    attention: AttentionMaps | None = None
    """On request."""


class DMIN(nn.Module, PyTorchModelHubMixin):
    """Which event is both heard and seen, second by second (Fig. 3; eq. 1-14).

    Args:
        config: Sizes and options.

    Example:
        >>> model = DMIN(DMINConfig(("Dog", "Rain"), visual_size=16, audio_size=8)).eval()
        >>> output = model(torch.rand(3, 10, 7, 7, 16), torch.rand(3, 10, 8))
        >>> output.relevance_logits.shape, output.category_logits.shape
        (torch.Size([3, 10]), torch.Size([3, 2]))
    """

    def __init__(self, config: DMINConfig) -> None:
        super().__init__()
        c = self.config = config
        self.visual = nn.Sequential(nn.Linear(c.visual_size, c.visual_width), nn.ReLU(), nn.Dropout(c.visual_dropout))
        self.agta = AudioGuidedTripletAttention(
            c.visual_width,
            c.audio_size,
            c.guide_size,
            c.bottleneck,
            c.factors,
            c.dropout,
            c.lstm_layers,
            c.channel_residual,
            c.spatial_bias,
        )
        encoder = (c.width, c.encoder_layers, c.heads, c.feed_forward, c.dropout)
        self.visual_encoder = Encoder(c.visual_width, *encoder)
        self.audio_encoder = Encoder(c.audio_size, *encoder)
        cross = (c.width, c.heads, c.feed_forward, c.cross_dropout, c.alpha, c.mean_pairs)
        self.visual_cross = CrossModalLayer(c.visual_width, *cross)
        self.audio_cross = CrossModalLayer(c.audio_size, *cross)
        self.fusion = AudioVisualFusion(c.width, c.fusion_heads, c.dropout)
        self.relevance = nn.Linear(c.width, 1)
        self.category = nn.Linear(c.width, len(c.category_names))
        self.unimodal_category = nn.Linear(c.width, len(c.category_names))

    def forward(
        self, visual: Tensor, audio: Tensor, mask: Tensor | None = None, return_attention: bool = False
    ) -> DMINOutput:
        """Answer for a batch of clips.

        Args:
            visual: Maps [B, T, H, W, D_v], channels last.
            audio: Features [B, T, D_a].
            mask: [B, T], True where a second is real; padding comes last. None if all are.
            return_attention: Give the attention maps too.

        Raises:
            ModelError: The shapes do not fit the network or each other.
        """
        self._check(visual, audio, mask)
        regions = self.visual(visual.flatten(2, 3))  # [B, T, R, D]
        guided = self.agta(regions, audio, mask)
        v_self = self.visual_encoder(guided.values, mask, return_attention)
        a_self = self.audio_encoder(audio, mask, return_attention)
        v_cross = self.visual_cross(guided.values, a_self.values, mask, return_attention)
        a_cross = self.audio_cross(audio, v_self.values, mask, return_attention)
        fused = self.fusion(a_cross.values, v_cross.values, mask)
        maps = None
        if return_attention:
            spatial = guided.spatial.unflatten(-1, visual.shape[2:4])
            maps = AttentionMaps(
                spatial, guided.channel, v_self.weights, a_self.weights, v_cross.weights, a_cross.weights
            )
        return DMINOutput(
            relevance_logits=self.relevance(fused).squeeze(-1),
            category_logits=self.category(masked_max(fused, mask)),
            unimodal_category_logits=self.unimodal_category(masked_max(v_self.values, mask)),
            attention=maps,
        )

    def _check(self, visual: Tensor, audio: Tensor, mask: Tensor | None) -> None:
        c = self.config
        fits = visual.ndim == 5 and audio.ndim == 3 and visual.shape[:2] == audio.shape[:2]
        if not fits or visual.shape[-1] != c.visual_size or audio.shape[-1] != c.audio_size:
            raise ModelError(
                f"got visual {list(visual.shape)} and audio {list(audio.shape)}: must be [B, T, H, W, {c.visual_size}] "
                f"and [B, T, {c.audio_size}] with the same B and T"
            )
        if mask is not None and (mask.shape != audio.shape[:2] or mask.dtype != torch.bool):
            raise ModelError(f"got mask {list(mask.shape)} of {mask.dtype}: must be [B, T] of torch.bool")

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        text = json.dumps({"model": "DMIN", **asdict(self.config)}, indent=2) + "\n"
        (save_directory / "config.json").write_text(text, "utf-8")

    @classmethod
    def from_pretrained(cls, folder: str | Path, **options: Any) -> DMIN:  # type: ignore[override]  # one kind of source less
        """Load weights and configuration from a folder, or from a repository of the Hugging Face hub.

        Raises:
            ModelError: Nothing is there, or what is there is another network.
        """
        path = Path(folder)
        if not path.is_dir():
            from huggingface_hub import snapshot_download

            path = Path(snapshot_download(str(folder), **options))
        config = cls._read_config(path / "config.json")
        model = cls(config)
        weights = path / "model.safetensors"
        try:
            state = load_file(weights)
            model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise ModelError(
                f"{weights} does not hold the weights of the network in config.json ({reason}): "
                "give a folder that `dmin train` wrote"
            ) from error
        return model.eval()

    @staticmethod
    def _read_config(path: Path) -> DMINConfig:
        try:
            data = json.loads(path.read_text("utf-8"))
            if data.pop("model") != "DMIN":
                raise KeyError("model")
            known = {field.name for field in fields(DMINConfig)}
            return DMINConfig(**{name: value for name, value in data.items() if name in known})
        except FileNotFoundError as error:
            raise ModelError(f"no config.json in {path.parent}: give a folder that `dmin train` wrote") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is not the configuration of a DMIN: {error}") from error
