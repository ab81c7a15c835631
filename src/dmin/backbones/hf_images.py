"""Image towers of transformers: CLIP, SigLIP, DINOv2, DINOv3 and their like; patch tokens are regions.

A Perception Encoder of video describes each frame by one vector. Its image tower, a network of timm, has the regions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from dmin.backbones.maps import scaling, timm_maps, without_prefix
from dmin.backbones.registry import Backbone
from dmin.errors import ModelError
from dmin.media import FrameSize

FRAMES_PER_SECOND = 4.0
_FFMPEG = {0: "POINT", 1: "LANCZOS", 2: "BILINEAR", 3: "BICUBIC"}
"""FFmpeg's names of Pillow's methods."""


class HfImages(Backbone):
    """An image tower up to its last hidden state.

    Frames uint8 [N, H, W, 3] of any size, prepared by its own processor, -> maps float32 [N, h, w, D].
    """

    def __init__(self, network: Any, processor: Any) -> None:
        super().__init__()
        self.network = network
        self.prepare = processor

    def forward(self, frames: Tensor) -> Tensor:
        """Maps [N, h, w, D] of frames uint8 [N, H, W, 3]."""
        pictures = _prepared(self.prepare, frames.permute(0, 3, 1, 2).cpu())
        return self.run(pictures.to(frames.device))

    def compute(self, inputs: Tensor) -> Tensor:
        """Maps [N, h, w, D] of prepared pictures [N, 3, height, width]."""
        return self.maps(self.network, inputs)

    @staticmethod
    def maps(network: Any, pictures: Tensor) -> Tensor:
        """Maps [N, h, w, D] of prepared pictures [N, 3, height, width]."""
        if hasattr(network, "forward_features"):
            return timm_maps(network, pictures)
        features: Tensor = network(pixel_values=pictures).last_hidden_state
        if features.ndim == 4:  # [N, D, h, w]
            return features.permute(0, 2, 3, 1)
        height, width = pictures.shape[-2:]
        patch = getattr(network.config, "patch_size", None)
        if features.ndim != 3 or not isinstance(patch, int):
            raise ModelError(f"its features are {list(features.shape)}: give a network with maps or square patches")
        prefix = features.shape[1] - (height // patch) * (width // patch)
        if prefix < 0:
            raise ModelError("its last patches are larger than its first: give such a network as timm:NAME")
        # What stands before the patches, e.g. class and register tokens, tells nothing of places.
        return without_prefix(features, prefix, height, width)


def preparation(config: Any) -> str:
    """The class of transformers that prepares the input of a network."""
    return "AutoVideoProcessor" if hasattr(config, "video_config") else "AutoImageProcessor"


def tower(model: Any) -> Any:
    """The part of a model that sees."""
    model = getattr(model, "video_model", model)
    if hasattr(model, "video_encoder"):
        return model.video_encoder.embedder.vision_model.timm_model
    return getattr(model, "vision_model", model)


def facts(network: Any, processor: Any, maps: Callable[[Any, Tensor], Tensor] = HfImages.maps) -> dict[str, Any]:
    """What a card says of a tower: map, input, rates.

    Args:
        network: The tower.
        processor: Its image processor.
        maps: What the backbone makes of a network and prepared pictures.

    Raises:
        ModelError: The size of its input depends on the picture's, or it gives no maps.
    """
    sizes = set()
    for height, width in ((300, 400), (400, 300)):
        blank = torch.zeros(1, 3, height, width, dtype=torch.uint8)
        sizes.add(tuple(_prepared(processor, blank).shape[1:]))
    if len(sizes) > 1 or len(size := sizes.pop()) != 3:
        raise ModelError("its input follows each picture's own size: give a network whose processor crops or squashes")
    with torch.no_grad(), torch.device(next(network.parameters()).device):
        shape = tuple(maps(network, torch.zeros(1, *size)).shape[1:])
    scaled = scaling(processor.image_mean, processor.image_std)
    return {
        "output_shape": shape,
        "input": f"RGB, {size[1]} x {size[2]}, by {type(processor).__name__}" + f", {scaled}" * processor.do_normalize,
        "frames_per_second": FRAMES_PER_SECOND,
        "rate_hz": 0,
        "frame_size": _frame_size(processor),
    }


def _frame_size(processor: Any) -> FrameSize | None:
    """The size that the processor brings a picture to before it crops; None leaves it to the processor."""
    size = processor.size if processor.do_resize else {}
    method: Any = _FFMPEG.get(int(processor.resample), "BICUBIC") if processor.resample is not None else "BICUBIC"
    shortest = getattr(size, "shortest_edge", None) or (size.get("shortest_edge") if isinstance(size, dict) else None)
    if shortest:
        return FrameSize(shortest, shortest, covers=True, interpolation=method)
    height, width = (getattr(size, side, None) or dict(size).get(side) for side in ("height", "width"))
    return FrameSize(height, width, interpolation=method) if height and width else None


def _prepared(processor: Any, frames: Tensor) -> Tensor:
    """Pictures [N, 3, height, width] of frames uint8 [N, 3, H, W]."""
    if "pixel_values_videos" not in processor.model_input_names:
        pictures: Tensor = processor(images=list(frames), return_tensors="pt")["pixel_values"]
        return pictures
    video: Tensor = processor(videos=[frames], do_sample_frames=False, return_tensors="pt")["pixel_values_videos"]
    return video[0]
