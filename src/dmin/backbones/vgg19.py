"""VGG-19 up to its fifth pooling, with ImageNet weights of two homes: the paper's visual backbone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dmin.backbones.downloads import Download
from dmin.backbones.registry import Backbone, Card, register
from dmin.backbones.weights import state_dict_of
from dmin.errors import ModelError, require

SIZE = 224
KERAS_MEAN_BGR = (103.939, 116.779, 123.68)
"""Of ImageNet, on the scale 0..255."""
TORCHVISION_MEAN, TORCHVISION_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, on the scale 0..1."""

KERAS = Download(
    name="vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    url="https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    algorithm="md5",  # the only checksum that Keras publishes
    digest="253f8cb515780f3b799900260a226db6",
    megabytes=80,
)
TORCHVISION = Download(
    name="vgg19-dcbb9e9d.pth",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    algorithm="sha256",
    digest="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
    megabytes=575,
)

CARD = Card(
    name="vgg19",
    modality="visual",
    output_shape=(7, 7, 512),
    input="RGB frames squashed to 224 x 224, as BGR minus (103.939, 116.779, 123.68)",
    frames_per_second=16.0,
    rate_hz=0,
    version="1",
    source="Keras Applications' ImageNet weights (80 MB, downloaded at first use), torchvision vgg19 (network)",
    licence="CC BY 4.0",
    citation="Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015",
    download=KERAS,
)
"""Weights, preprocessing and frame rate are those of AVE's released features; the frames are not quite the same ones.

Theirs are frames int(l * f + i * f / 16) of tenth l = 0 ... 9 of the clip, f a tenth of its number of frames, i = 0 ...
15, each squashed by sampling four pixels bilinearly. Ours are the pictures shown at the middles of sixteen equal parts
of each second, by timestamp, squashed by averaging all pixels. A clip of ten seconds has the same seconds in both, with
frames 1/32 s apart; of a clip of nine, their "seconds" are 0.9 s long.
"""
TORCHVISION_CARD = replace(
    CARD,
    name="vgg19-torchvision",
    input="RGB frames squashed to 224 x 224, (x / 255 - mean) / std with ImageNet's mean and std of each channel",
    source="torchvision's ImageNet weights (575 MB, downloaded at first use), torchvision vgg19 (network)",
    licence="BSD-3-Clause",
    download=TORCHVISION,
)


class Pool5(Backbone):
    """Frames uint8 [N, H, W, 3] of any size -> maps float32 [N, 7, 7, 512], channels last.

    Args:
        weights: Names and tensors as in torchvision's ``vgg19().features``.
        mean: Of the three channels, on the scale 0..255.
        std: The same.
        bgr: Whether the first convolution, and so mean and std, have blue first.

    Raises:
        ModelError: Names or shapes are others.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: dict[str, Tensor], mean: Tensor, std: Tensor, *, bgr: bool) -> None:
        super().__init__()
        import torchvision  # which takes seconds and 190 MB, to be spent by those who use it

        with torch.device("meta"):  # shapes only: the weights are ready-made
            self.network: Any = torchvision.models.vgg19(weights=None).features
        try:
            self.network.load_state_dict(weights, assign=True)
        except RuntimeError as error:
            raise ModelError("the weights are not VGG-19's: names or shapes of their tensors differ") from error
        self.network.to(memory_format=torch.channels_last)
        self.bgr = bgr
        self.register_buffer("mean", mean[:, None, None], persistent=False)
        self.register_buffer("std", std[:, None, None], persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Maps [N, 7, 7, 512] of frames uint8 [N, H, W, 3]."""
        return self.run(self.prepared(frames)).permute(0, 2, 3, 1)

    def prepared(self, frames: Tensor) -> Tensor:
        """Prepare frames uint8 [N, H, W, 3] as the network's input: float32 [N, 3, 224, 224]."""
        pictures = (frames.flip(-1) if self.bgr else frames).permute(0, 3, 1, 2).float()
        if pictures.shape[-2:] != (SIZE, SIZE):
            # As OpenCV resizes bytes, which AVE's features were made from.
            pictures = F.interpolate(pictures, (SIZE, SIZE), mode="bilinear").round()
        return (pictures - self.mean) / self.std


@register(CARD)
class Vgg19(Pool5):
    """VGG-19 with Keras' weights, as AVE's released features.

    Args:
        weights: Keras' file; by default it is taken from the cache or downloaded.
    """

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__(keras_weights(weights or KERAS.fetch()), torch.tensor(KERAS_MEAN_BGR), torch.ones(3), bgr=True)


@register(TORCHVISION_CARD)
class Vgg19Torchvision(Pool5):
    """VGG-19 with torchvision's weights.

    Args:
        weights: torchvision's file; by default it is taken from the cache or downloaded.
    """

    def __init__(self, weights: Path | None = None) -> None:
        mean, std = 255 * torch.tensor(TORCHVISION_MEAN), 255 * torch.tensor(TORCHVISION_STD)
        super().__init__(torchvision_weights(weights or TORCHVISION.fetch()), mean, std, bgr=False)


def keras_weights(path: Path) -> dict[str, Tensor]:
    """Weights of Keras' file by torchvision's names; the first convolution expects blue first, as it does in Keras.

    Raises:
        ModelError: It is not such a file.
    """
    h5py = require("h5py", "ave")

    weights = {}
    try:
        with h5py.File(path) as file:
            for layer, place in convolutions().items():
                # Their names inside a layer have changed between versions of Keras, their order has not.
                kernel, bias = (torch.from_numpy(file[layer][name][()]) for name in file[layer].attrs["weight_names"])
                weights[f"{place}.weight"] = kernel.permute(3, 2, 0, 1)  # [3, 3, C_in, C_out] -> [C_out, C_in, 3, 3]
                weights[f"{place}.bias"] = bias
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path} does not hold Keras' VGG-19 weights without top ({error})") from error
    return weights


def torchvision_weights(path: Path) -> dict[str, Tensor]:
    """The convolutions' weights of torchvision's file.

    Raises:
        ModelError: It is not such a file.
    """
    prefix = "features."
    return {name.removeprefix(prefix): t for name, t in state_dict_of(path).items() if name.startswith(prefix)}


def convolutions() -> dict[str, int]:
    """Keras' names of the sixteen convolutions, and their places in torchvision's ``vgg19().features``.

    Example:
        >>> list(convolutions().items())[:4]
        [('block1_conv1', 0), ('block1_conv2', 2), ('block2_conv1', 5), ('block2_conv2', 7)]
    """
    places = {}
    place = 0
    for block, convs in enumerate((2, 2, 4, 4, 4), 1):
        for conv in range(1, convs + 1):
            places[f"block{block}_conv{conv}"] = place
            place += 2  # a ReLU follows
        place += 1  # a pooling
    return places
