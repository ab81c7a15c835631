"""Networks of transformers by name: maps and vectors as the library's own classes give them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hub_tiny import IMAGES, SOUNDS, save_both, save_hf, save_own_code
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from dmin.backbones import card_of, create, trust_remote_code
from dmin.backbones.hf_sounds import frame_seconds
from dmin.errors import MissingPackageError, ModelError
from dmin.media import FrameSize

pytest.importorskip("transformers", reason="the extra hub is not installed")

PREFIX = {"clip": 1, "siglip": 0, "dinov2": 1, "dinov3": 4, "vit": 1}
"""Tokens before the patches, by each family's paper: a class token, and registers."""
FRAME_WISE = ("wav2vec2", "hubert", "wavlm", "whisper", "pe-audio")


def frames() -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3), np.uint8))


def patches_of_timm(network: Any, pixels: Tensor) -> Tensor:
    """The last features of a network of timm, by the interface that dmin does not use."""
    last = network.forward_intermediates(pixels, indices=1, norm=True, intermediates_only=True, output_fmt="NCHW")[-1]
    return last.permute(0, 2, 3, 1)


@pytest.mark.parametrize("family", IMAGES)
@torch.no_grad()
def test_maps_are_those_of_transformers(family, tmp_path):
    network, processor = save_hf(family, tmp_path)
    backbone = create(f"hf:{tmp_path}", "visual")
    maps = backbone(frames())
    pictures = [Image.fromarray(frame.numpy()) for frame in frames()]
    if family == "pe-video":
        pixels = processor(videos=[pictures], return_tensors="pt")["pixel_values_videos"][0]
        expected = patches_of_timm(network.video_encoder.embedder.vision_model.timm_model, pixels)
    elif family == "convnext":
        pixels = processor(pictures, return_tensors="pt")["pixel_values"]
        expected = network(pixels).last_hidden_state.permute(0, 2, 3, 1)
    else:
        pixels = processor(pictures, return_tensors="pt")["pixel_values"]
        state = getattr(network, "vision_model", network)(pixels).last_hidden_state
        height, width = pixels.shape[2] // 8, pixels.shape[3] // 8
        expected = state[:, PREFIX[family] :].reshape(2, height, width, 16)
    torch.testing.assert_close(maps, expected, rtol=1e-5, atol=1e-5)
    assert tuple(maps.shape[1:]) == backbone.card.output_shape
    listed = ", ".join(f"{number:g}" for number in processor.image_mean)
    assert f"{pixels.shape[2]} x {pixels.shape[3]}, by {type(processor).__name__}, (x / 255 - ({listed}))" in (
        backbone.card.input
    )


@pytest.mark.parametrize(
    ("family", "size"),
    [
        ("clip", FrameSize(32, 32, True, "BICUBIC")),
        ("dinov2", FrameSize(40, 40, True, "BICUBIC")),
        ("vit", FrameSize(24, 40, False, "BILINEAR")),
        ("pe-video", FrameSize(160, 160, False, "BILINEAR")),
    ],
)
def test_frames_are_decoded_as_the_processor_resizes(family, size, tmp_path):
    save_hf(family, tmp_path)
    assert card_of(f"hf:{tmp_path}", "visual").frame_size == size


@pytest.mark.parametrize("family", SOUNDS)
@torch.no_grad()
def test_vectors_are_those_of_transformers(family, tmp_path):
    network, extractor = save_hf(family, tmp_path)
    backbone = create(f"hf:{tmp_path}", "audio")
    card = backbone.card
    assert card.rate_hz == extractor.sampling_rate
    assert card.frame_wise == (family in FRAME_WISE)
    assert card.context_seconds == {"ast": 3.0, "clap": 3.0, "whisper": 30.0}.get(family, 10.0)
    seconds = 3
    sound = 0.1 * np.random.default_rng(0).normal(size=(2, seconds * card.rate_hz)).astype(np.float32)
    inputs = extractor(list(sound), sampling_rate=card.rate_hz, return_tensors="pt")
    vectors = backbone(torch.from_numpy(sound))
    torch.testing.assert_close(backbone(torch.from_numpy(sound)), vectors, rtol=0, atol=0)
    if family == "ast":
        expected = network(inputs["input_values"]).pooler_output
    elif family == "clap":
        neither = torch.zeros(2, 1, dtype=torch.bool)
        expected = network.audio_model(inputs["input_features"], is_longer=neither).pooler_output
    elif family == "pe-audio":
        every = network.audio_encoder(**inputs).last_hidden_state  # [2, 150, 16], 50 a second
        expected = every.reshape(2, seconds, 50, 16).mean(2)
    elif family == "whisper":
        every = network.encoder(inputs["input_features"]).last_hidden_state  # [2, 1500, 16], 50 a second
        expected = every[:, : 50 * seconds].reshape(2, seconds, 50, 16).mean(2)
    else:
        every = network(inputs["input_values"]).last_hidden_state  # [2, 149, 16]
        assert every.shape[1] == 50 * seconds - 1
        # Frame i hears samples 320 i to 320 i + 394, so its centre lies in second t for i = 50 t ... 50 t + 49.
        expected = torch.stack([every[:, 50 * t : 50 * t + 50].mean(1) for t in range(seconds)], 1)
    torch.testing.assert_close(vectors, expected, rtol=1e-5, atol=1e-5)
    assert vectors.shape[-1:] == card.output_shape


@torch.no_grad()
def test_a_perception_encoder_of_both_sees_and_hears(tmp_path, capsys):
    network, processor, extractor = save_both(tmp_path)
    capsys.readouterr()  # transformers prints a remark on itself whenever it makes one
    seeing, hearing = (create(f"hf:{tmp_path}", modality) for modality in ("visual", "audio"))
    assert capsys.readouterr().out == ""
    pixels = processor(videos=[list(frames().permute(0, 3, 1, 2))], return_tensors="pt")["pixel_values_videos"][0]
    patches = patches_of_timm(network.video_model.video_encoder.embedder.vision_model.timm_model, pixels)
    torch.testing.assert_close(seeing(frames()), patches, rtol=1e-5, atol=1e-5)
    sound = 0.1 * torch.randn(2, 2 * 16_000)
    inputs = extractor(list(sound.numpy()), sampling_rate=16_000, return_tensors="pt")
    every = network.audio_model.audio_encoder(**inputs).last_hidden_state
    expected = every.reshape(2, 2, 50, 16).mean(2)
    torch.testing.assert_close(hearing(sound), expected, rtol=1e-5, atol=1e-5)


def test_an_extractor_within_a_processor_is_found(tmp_path):
    _, extractor = save_hf("pe-audio", tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    nested = {"feature_extractor": extractor.to_dict(), "processor_class": "PeAudioProcessor"}  # as facebook's are
    (tmp_path / "processor_config.json").write_text(json.dumps(nested))
    assert card_of(f"hf:{tmp_path}", "audio").rate_hz == 16_000


@pytest.mark.parametrize("rate_hz", [16_000, 8000])
def test_centres_of_frames_by_walking_through_the_convolution(rate_hz):
    class Config:
        conv_kernel, conv_stride = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)  # wav2vec 2.0's own

    class Extractor:
        sampling_rate = rate_hz

    # Frame i of a layer hears frames i s ... i s + k - 1 of the layer below.
    first = last = np.arange(7)
    for kernel, stride in zip(reversed(Config.conv_kernel), reversed(Config.conv_stride), strict=True):
        first, last = first * stride, last * stride + kernel - 1
    expected = (first + last + 1) / 2 / rate_hz
    np.testing.assert_allclose(frame_seconds(7, Config, Extractor).numpy(), expected)


def test_a_network_of_the_other_modality_is_refused(tmp_path):
    save_hf("vit", tmp_path / "sees")
    save_hf("wav2vec2", tmp_path / "hears")
    with pytest.raises(ModelError, match="hf:.*sees"):
        card_of(f"hf:{tmp_path / 'sees'}", "audio")
    with pytest.raises(ModelError, match="hf:.*hears"):
        card_of(f"hf:{tmp_path / 'hears'}", "visual")


def test_patches_that_are_merged_on_the_way_are_refused(tmp_path):
    save_hf("swin", tmp_path)
    with pytest.raises(ModelError, match=f"hf:{tmp_path}: its last patches are larger than its first"):
        card_of(f"hf:{tmp_path}", "visual")


@pytest.mark.parametrize(
    ("family", "modality", "lacks"),
    [("dinov2", "visual", "layer.1.mlp"), ("siglip", "visual", "vision_model.post"), ("ast", "audio", "layer.0")],
)
def test_weights_that_are_missing_are_not_made_up(family, modality, lacks, tmp_path):
    save_hf(family, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if lacks not in name}
    assert len(kept) < len(weights)
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=rf"hf:{tmp_path}: {len(weights) - len(kept)} of its weights are missing, .* for"
    ):
        create(f"hf:{tmp_path}", modality)


def test_weights_that_no_feature_comes_from_may_be_missing(tmp_path):
    network, _ = save_hf("vit", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if not name.startswith("pooler")}
    assert len(kept) < len(weights)
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    found = create(f"hf:{tmp_path}", "visual").network.state_dict()
    assert torch.equal(found["layernorm.weight"], network.layernorm.weight)


def test_code_of_a_repository_runs_only_if_it_is_trusted(tmp_path, monkeypatch):
    monkeypatch.delenv("DMIN_TRUST_REMOTE_CODE", raising=False)
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = tmp_path / "mine"
    save_own_code(folder)
    with pytest.raises(ModelError, match="would run Python code of its own: read it at .*--trust-remote-code"):
        card_of(f"hf:{folder}", "visual")
    monkeypatch.setenv("DMIN_TRUST_REMOTE_CODE", "0")  # so that it is as before afterwards
    trust_remote_code()
    assert create(f"hf:{folder}", "visual").card.output_shape == (3, 5, 16)


def test_without_transformers_its_command_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingPackageError, match=r"transformers is not installed: run `pip install 'dmin\[hub\]'`"):
        card_of("hf:openai/clip-vit-base-patch32", "visual")
