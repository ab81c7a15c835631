"""VGG-19: what it sees, that Keras' kernels do in it what they do in Keras, and files of both homes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torchvision
from backbones_random import VGG19_PLACES, keras_layers, random_weights, write_keras, write_torchvision  # noqa: F401  # fixtures
from backbones_threads import one_thread  # noqa: F401  # fixtures
from torch import Tensor

from dmin.backbones import cards, create
from dmin.backbones.vgg19 import KERAS, TORCHVISION, Pool5, Vgg19, Vgg19Torchvision, convolutions, keras_weights
from dmin.errors import ModelError


@pytest.fixture(scope="module")
def keras() -> Pool5:
    return loaded("vgg19")


@pytest.fixture(scope="module")
def torchvisions() -> Pool5:
    return loaded("vgg19-torchvision")


def loaded(name: str) -> Pool5:
    backbone = create(name)
    assert isinstance(backbone, Pool5)
    return backbone


def noise(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class TestCards:
    def test_the_pairs_settings(self) -> None:
        for name in ("vgg19", "vgg19-torchvision"):
            card = cards()[name]
            assert (card.frames_per_second, card.output_shape) == (16, (7, 7, 512))
        assert cards()["vgg19"].download is KERAS
        assert cards()["vgg19-torchvision"].download is TORCHVISION

    def test_addresses(self) -> None:
        assert KERAS.url.endswith(f"/{KERAS.name}")
        assert TORCHVISION.url == torchvision.models.VGG19_Weights.IMAGENET1K_V1.url
        assert TORCHVISION.name == f"vgg19-{TORCHVISION.digest[:8]}.pth"


class TestPreprocessing:
    def test_keras(self, keras: Pool5) -> None:
        frames = torch.tensor([10, 20, 30], dtype=torch.uint8).expand(1, 224, 224, 3)
        prepared = keras.prepared(frames)
        assert prepared.shape == (1, 3, 224, 224)
        expected = torch.tensor([30 - 103.939, 20 - 116.779, 10 - 123.68])  # blue first, never scaled
        torch.testing.assert_close(prepared[0, :, 100, 100], expected)

    def test_torchvision(self, torchvisions: Pool5) -> None:
        frames = noise(2, 224, 224, 3)
        transforms = torchvision.models.VGG19_Weights.IMAGENET1K_V1.transforms()
        expected = torchvision.transforms.functional.normalize(
            frames.permute(0, 3, 1, 2) / 255, transforms.mean, transforms.std
        )
        torch.testing.assert_close(torchvisions.prepared(frames), expected, atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize(("height", "width"), [(112, 448), (300, 50)])
    def test_resizing_is_bilinear_between_the_four_nearest_pixels(self, keras: Pool5, height: int, width: int) -> None:
        frames = noise(1, height, width, 3)
        prepared = keras.prepared(frames)
        red = frames[0, :, :, 0].double().numpy()
        for row, column in ((0, 0), (17, 201), (223, 223), (100, 3)):
            y = min(max((row + 0.5) * height / 224 - 0.5, 0), height - 1)  # centres of pixels lie on each other
            x = min(max((column + 0.5) * width / 224 - 0.5, 0), width - 1)
            top, left = int(y), int(x)
            bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
            upper = red[top, left] + (x - left) * (red[top, right] - red[top, left])
            lower = red[bottom, left] + (x - left) * (red[bottom, right] - red[bottom, left])
            expected = upper + (y - top) * (lower - upper)
            found = float(prepared[0, 2, row, column]) + 123.68
            assert abs(found - expected) <= 0.5001  # of whole levels
            assert found == pytest.approx(round(found), abs=1e-3)


class TestKerasWeights:
    def test_places(self) -> None:
        assert tuple(convolutions().values()) == VGG19_PLACES
        with torch.device("meta"):
            features = torchvision.models.vgg19(weights=None).features
        assert [place for place, layer in enumerate(features) if isinstance(layer, torch.nn.Conv2d)] == [*VGG19_PLACES]

    def test_first_layer_is_keras_own(self, tmp_path: Path) -> None:
        write_keras(tmp_path / "keras.h5")
        backbone = Vgg19(tmp_path / "keras.h5")
        frames = noise(1, 224, 224, 3)
        with torch.inference_mode():
            maps = backbone.network[0](backbone.prepared(frames))[0].numpy()
        kernel, bias = (tensor.double().numpy() for tensor in keras_layers()["block1_conv1"])  # [3, 3, C_in, C_out]
        seen = frames[0].double().numpy()[:, :, ::-1] - (103.939, 116.779, 123.68)
        seen = np.pad(seen, ((1, 1), (1, 1), (0, 0)))
        for row, column in ((0, 0), (100, 31), (223, 223)):
            expected = bias + np.einsum("yxi,yxio->o", seen[row : row + 3, column : column + 3], kernel)
            np.testing.assert_allclose(maps[:, row, column], expected, atol=1e-3)

    def test_is_torchvisions_network(self, tmp_path: Path) -> None:
        write_keras(tmp_path / "keras.h5")
        write_torchvision(tmp_path / "torchvision.pth")  # the same weights
        backbone = Vgg19(tmp_path / "keras.h5")
        frames = noise(1, 224, 224, 3)
        with torch.device("meta"):
            features = torchvision.models.vgg19(weights=None).features
        features.load_state_dict(Vgg19Torchvision(tmp_path / "torchvision.pth").network.state_dict(), assign=True)
        with torch.inference_mode():
            expected = features(backbone.prepared(frames)).permute(0, 2, 3, 1)
            found = backbone(frames)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.max()))
        assert found.min() == 0  # after a ReLU

    def test_names_of_other_kerases(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "new.h5", "w") as file:
            for layer, (kernel, bias) in keras_layers().items():
                group = file.create_group(layer)
                group.attrs["weight_names"] = [f"{layer}/kernel:0", f"{layer}/bias:0"]
                group[f"{layer}/kernel:0"], group[f"{layer}/bias:0"] = kernel.numpy(), bias.numpy()
        write_keras(tmp_path / "old.h5")
        new, old = keras_weights(tmp_path / "new.h5"), keras_weights(tmp_path / "old.h5")
        assert new.keys() == old.keys()
        assert all(torch.equal(new[name], old[name]) for name in old)

    @pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
    def test_of_no_hdf5(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.h5").write_bytes(content)
        with pytest.raises(ModelError, match=r"a\.h5 does not hold Keras' VGG-19 weights without top"):
            Vgg19(tmp_path / "a.h5")

    def test_of_another_network(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_group("conv1").attrs["weight_names"] = ["kernel:0", "bias:0"]
        with pytest.raises(ModelError, match=r"a\.h5 does not hold Keras' VGG-19 weights without top"):
            Vgg19(tmp_path / "a.h5")

    def test_of_another_shape(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:  # a VGG-19 of narrow layers
            for layer in convolutions():
                group = file.create_group(layer)
                group.attrs["weight_names"] = ["kernel:0", "bias:0"]
                group["kernel:0"], group["bias:0"] = np.zeros((3, 3, 4, 4), np.float32), np.zeros(4, np.float32)
        with pytest.raises(ModelError, match="the weights are not VGG-19's: names or shapes of their tensors differ"):
            Vgg19(tmp_path / "a.h5")


class TestTorchvisionWeights:
    def test_the_classifier_is_left_out(self, tmp_path: Path) -> None:
        write_torchvision(tmp_path / "a.pth")
        network = Vgg19Torchvision(tmp_path / "a.pth").network
        kernel, bias = keras_layers()["block5_conv4"]
        assert torch.equal(network[34].weight, kernel.permute(3, 2, 0, 1))
        assert torch.equal(network[34].bias, bias)
        assert len(network.state_dict()) == 32

    def test_of_another_network(self, tmp_path: Path) -> None:
        torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "resnet.pth")
        with pytest.raises(ModelError, match="the weights are not VGG-19's"):
            Vgg19Torchvision(tmp_path / "resnet.pth")
