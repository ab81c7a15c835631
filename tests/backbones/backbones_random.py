"""Weights drawn at random, in files like the public ones, for backbones whose real weights are not on this machine."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor

from dmin.backbones.downloads import Download
from dmin.backbones.vgg19 import KERAS, TORCHVISION
from dmin.backbones.vggish import TORCHVGGISH
from dmin.progress import Progress, silent

VGG19_BLOCKS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)
VGG19_PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
VGGISH_SHAPES = {
    "features.0": (64, 1, 3, 3),
    "features.3": (128, 64, 3, 3),
    "features.6": (256, 128, 3, 3),
    "features.8": (256, 256, 3, 3),
    "features.11": (512, 256, 3, 3),
    "features.13": (512, 512, 3, 3),
    "embeddings.0": (4096, 12288),
    "embeddings.2": (4096, 4096),
    "embeddings.4": (128, 4096),
}
"""Names and weights of torchvggish's layers, whose biases have the first of these sizes."""


def drawn(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> Tensor:
    """Normal weights that keep a signal's size through a ReLU."""
    return torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5


def keras_layers() -> dict[str, tuple[Tensor, Tensor]]:
    """Kernels [3, 3, C_in, C_out] and biases of Keras' sixteen layers, by name."""
    generator = torch.Generator().manual_seed(0)
    layers = {}
    channels = 3
    for block, widths in enumerate(VGG19_BLOCKS, 1):
        for conv, width in enumerate(widths, 1):
            kernel = drawn((3, 3, channels, width), 9 * channels, generator)
            layers[f"block{block}_conv{conv}"] = (kernel, torch.randn(width, generator=generator))
            channels = width
    return layers


def write_keras(path: Path) -> None:
    """As Keras 1 wrote the released file: a group a layer, pools included, whose attribute names its tensors."""
    layers = keras_layers()
    with h5py.File(path, "w") as file:
        names = [*layers, *(f"block{block}_pool" for block in range(1, 6))]
        file.attrs["layer_names"] = np.array(sorted(names), "S")
        for name in names:
            tensors = dict(zip((f"{name}_W_1:0", f"{name}_b_1:0"), layers.get(name, ()), strict=False))
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array(list(tensors), "S")
            for key, tensor in tensors.items():
                group[key] = tensor.numpy()


def write_torchvision(path: Path) -> None:
    """As torchvision's file of 2017: the old format of torch.save, classifier included (here a small one)."""
    weights = OrderedDict()
    for place, (kernel, bias) in zip(VGG19_PLACES, keras_layers().values(), strict=True):
        weights[f"features.{place}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
        weights[f"features.{place}.bias"] = bias
    weights |= {f"classifier.{place}.{kind}": torch.zeros(1) for place in (0, 3, 6) for kind in ("weight", "bias")}
    torch.save(weights, path, _use_new_zipfile_serialization=False)


def write_vggish(path: Path) -> None:
    """As torchvggish's file of 2019."""
    generator = torch.Generator().manual_seed(1)
    weights = OrderedDict()
    for name, shape in VGGISH_SHAPES.items():
        fan_in = int(np.prod(shape[1:]))
        if len(shape) == 2:  # each row is the one before, moved by one: a file of 20 MB, not of 289
            weights[f"{name}.weight"] = drawn((sum(shape) - 1,), fan_in, generator).as_strided(shape, (1, 1))
        else:
            weights[f"{name}.weight"] = drawn(shape, fan_in, generator)
        weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    torch.save(weights, path, _use_new_zipfile_serialization=False)


WRITERS: dict[str, Callable[[Path], None]] = {
    KERAS.name: write_keras,
    TORCHVISION.name: write_torchvision,
    TORCHVGGISH.name: write_vggish,
}


@pytest.fixture(scope="module", autouse=True)
def random_weights() -> Iterator[None]:
    """Nothing is downloaded: weights that are not in the cache are drawn at random instead."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        fetch = Download.fetch

        def fetch_or_draw(download: Download, progress: Progress = silent) -> Path:
            if download.path.is_file():
                return fetch(download)
            path = Path(folder) / download.name
            if not path.is_file():
                if download.name not in WRITERS:
                    pytest.fail(f"add a writer of random weights like {download.name} to backbones_random.py")
                WRITERS[download.name](path)
            return path

        patch.setattr(Download, "fetch", fetch_or_draw)
        yield
