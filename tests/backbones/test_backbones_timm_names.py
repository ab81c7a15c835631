"""Networks of timm by name: maps as the library's other interfaces give them, input as its configuration says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hub_tiny import TIMM, save_timm
from PIL import Image
from timm.data import create_transform, resolve_data_config
from torch import Tensor

from dmin.backbones import card_of, create
from dmin.backbones.maps import grid_of
from dmin.errors import ModelError
from dmin.media import FrameSize

HEADED = [name for name in TIMM if "efficientnet" in name or "nfnet" in name]
"""Their last convolution comes after the features that `forward_intermediates` gives."""


def frames(height: int = 90, width: int = 130) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8))


def prepared(network: torch.nn.Module, pictures: Tensor) -> Tensor:
    """Pictures as timm's own transform makes them."""
    transform = create_transform(**resolve_data_config(model=network))
    return torch.stack([transform(Image.fromarray(picture.numpy())) for picture in pictures])


def test_there_are_a_dozen_families():
    assert len(TIMM) >= 12


@pytest.mark.parametrize("name", TIMM)
@torch.no_grad()
def test_maps_are_those_of_timm(name, tmp_path):
    network = save_timm(name, tmp_path)
    backbone = create(f"timm:local-dir:{tmp_path}")
    maps = backbone(frames())
    pictures = prepared(network, frames())
    assert tuple(maps.shape) == (2, *backbone.card.output_shape)
    assert len(set(maps.shape[1:])) == 2  # so that an axis in another's place would be seen
    if name in HEADED:
        expected, found = network(pictures), network.forward_head(maps.permute(0, 3, 1, 2))
    else:
        options = {"indices": 1, "norm": True, "intermediates_only": True, "output_fmt": "NCHW"}
        expected, found = network.forward_intermediates(pictures, **options)[-1].permute(0, 2, 3, 1), maps
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert maps.std() > 1e-4


@pytest.mark.parametrize(
    ("config", "words", "size"),
    [
        (
            {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "interpolation": "bilinear", "crop_pct": 0.5},
            "RGB, 160 x 160, center crop of 0.5, bilinear, (x / 255 - (0.1, 0.2, 0.3)) / (0.4, 0.5, 0.6)",
            FrameSize(320, 320, covers=True, interpolation="BILINEAR"),
        ),
        (
            {"crop_mode": "squash", "crop_pct": 1.0},
            "squash crop of 1",
            FrameSize(160, 160, False, "BILINEAR"),
        ),
        ({"crop_mode": "border"}, "border crop", None),
        ({"input_size": (3, 96, 160)}, "RGB, 96 x 160", FrameSize(101, 168, True, "BILINEAR")),
    ],
)
@torch.no_grad()
def test_the_configuration_decides_on_the_input(config, words, size, tmp_path):
    network = save_timm("test_resnet", tmp_path, pretrained_cfg_overlay=config)
    backbone = create(f"timm:local-dir:{tmp_path}")
    assert words in backbone.card.input
    assert backbone.card.frame_size == size
    pictures = prepared(network, frames())
    torch.testing.assert_close(backbone(frames()), network.forward_features(pictures).permute(0, 2, 3, 1))
    height, width = config.get("input_size", (3, 160, 160))[1:]
    assert backbone.card.output_shape == (height // 32, width // 32, 96)


@torch.no_grad()
def test_frames_decoded_at_the_size_wanted_are_not_resized_again(tmp_path):
    network = save_timm("test_resnet", tmp_path)
    backbone = create(f"timm:local-dir:{tmp_path}")
    some = frames(*backbone.card.frame_size.of(480, 640))
    assert some.shape[1:3] == (168, 224)
    cut = some[:, 4:164, 32:192].permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(network.pretrained_cfg[name])[:, None, None] for name in ("mean", "std"))
    expected = network.forward_features((cut - mean) / std).permute(0, 2, 3, 1)
    torch.testing.assert_close(backbone(some), expected, rtol=1e-5, atol=1e-5)


def test_the_card_needs_no_weights(tmp_path):
    save_timm("test_vit", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    card = card_of(f"timm:local-dir:{tmp_path}", "visual")
    assert (card.name, card.output_shape, card.licence) == (f"timm:local-dir:{tmp_path}", (10, 10, 64), "apache-2.0")
    with pytest.raises(ModelError, match=rf"{tmp_path} cannot be used \(.*: check {tmp_path}, or give another"):
        create(card.name)


@pytest.mark.parametrize(
    ("name", "modality", "message"),
    [
        ("timm:test_resnt", "visual", "unknown network of timm 'test_resnt': did you mean 'test_resnet'"),
        (
            "timm:test_coatnet",
            "visual",
            "timm has no weights of 'test_coatnet' on the hub: give timm:hf-hub:",
        ),
        (
            "timm:resnet18.nope",
            "visual",
            r"no weights of 'resnet18.nope' on the hub: .*list_pretrained\('resnet18\*'\)",
        ),
        (
            "timm:local-dir:nowhere",
            "visual",
            "timm:local-dir:nowhere: there is no such folder here, and 'nowhere' is",
        ),
        ("timm:test_resnet", "audio", "timm:test_resnet is no audio backbone: timm:NAME is for visual"),
        ("lite", "visual", "unknown visual backbone 'lite'.*any network of timm is timm:NAME.*needs --plugin FILE"),
    ],
)
def test_a_name_that_cannot_be_had(name, modality, message):
    with pytest.raises(ModelError, match=message):
        card_of(name, modality)


def test_features_in_several_parts_are_refused(tmp_path):
    save_timm("efficientvim_m1", tmp_path)
    with pytest.raises(ModelError, match=rf"timm:local-dir:{tmp_path}: its features come in several parts"):
        card_of(f"timm:local-dir:{tmp_path}", "visual")


def test_patches_that_fill_no_grid():
    assert grid_of(15, 24, 40) == (3, 5)
    with pytest.raises(ModelError, match="14 patches fill no grid of a picture of 24 x 40"):
        grid_of(14, 24, 40)
