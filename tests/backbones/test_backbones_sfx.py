"""The audio backbone against the package that its weights come from, and against a literal spectrogram."""

from __future__ import annotations

import importlib.util
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from backbones_threads import one_thread  # noqa: F401  # fixtures
from torch import Tensor

from dmin.backbones import create
from dmin.backbones.sfx import BANDS, RATE_HZ, EmbeddingNet, LogMel, Sfx, checkpoint, mel_bands
from oracles.logmel import filters, log_mel


@pytest.fixture(scope="module")
def package() -> Path:
    """Folder of the installed package aisfx."""
    try:
        return Path(str(distribution("aisfx").locate_file("aisfx")))
    except PackageNotFoundError:
        pytest.skip("the package aisfx is not installed: run `uv sync`, or `pip install --no-deps aisfx==0.1.2`")


@pytest.fixture(scope="module")
def sfx(package: Path) -> Sfx:
    backbone = create("sfx")
    assert isinstance(backbone, Sfx)
    return backbone


@pytest.fixture(scope="module")
def released(package: Path) -> torch.nn.Module:
    """The package's own network with its weights, nothing folded."""
    # By its path: importing the package itself needs librosa and others of 2021.
    spec = importlib.util.spec_from_file_location("aisfx_cnn2d", package / "models" / "cnn2d.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.EmbeddingNet("max", 3, 1, 64)
    prefix = "embedding_net."
    weights = {name.removeprefix(prefix): t for name, t in checkpoint().items() if name.startswith(prefix)}
    network.load_state_dict(weights)
    return network.eval()


def relative_error(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def sounds() -> Tensor:
    """Two seconds [2, 44100]: a chord that swells, and noise."""
    time = np.arange(RATE_HZ) / RATE_HZ
    chord = 0.3 * time * sum(np.sin(2 * np.pi * hz * time) for hz in (220, 1000, 6000)) / 3
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, RATE_HZ)
    return torch.from_numpy(np.stack([chord, noise])).float()


class TestNetwork:
    def test_equals_the_packages(self, sfx: Sfx, released: torch.nn.Module) -> None:
        spectrogram = torch.rand(2, 44, 96, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            assert relative_error(sfx.network(spectrogram), released(spectrogram)) < 1e-4

    def test_equals_the_packages_for_other_lengths(self, sfx: Sfx, released: torch.nn.Module) -> None:
        with torch.inference_mode():
            for frames in (8, 13, 87):
                spectrogram = torch.rand(1, frames, 96, generator=torch.Generator().manual_seed(frames))
                assert relative_error(sfx.network(spectrogram), released(spectrogram)) < 1e-4

    def test_unfolded_equals_folded(self, sfx: Sfx, released: torch.nn.Module) -> None:
        network = EmbeddingNet()
        network.load_state_dict(released.state_dict())  # the same names and shapes
        spectrogram = torch.rand(1, 44, 96, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            assert relative_error(sfx.network(spectrogram), network.eval()(spectrogram)) < 1e-4
        assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in sfx.modules())

    def test_from_waveform_to_embedding(self, sfx: Sfx, released: torch.nn.Module) -> None:
        waveforms = sounds()
        spectrograms = torch.from_numpy(np.stack([log_mel(waveform) for waveform in waveforms.numpy()])).float()
        with torch.inference_mode():
            assert relative_error(sfx(waveforms), released(spectrograms)) < 1e-3


class TestSpectrogram:
    def test_bands_are_librosas(self) -> None:
        bands = mel_bands()
        assert (bands.shape, bands.dtype) == ((BANDS, 1025), np.float32)
        np.testing.assert_allclose(bands, filters(), atol=1e-6)
        np.testing.assert_allclose(bands.sum(1), 1, rtol=1e-5)

    def test_log_mel_is_the_oracles(self) -> None:
        waveforms = sounds()
        ours = LogMel()(waveforms).numpy()
        assert ours.shape == (2, 44, 96)
        for waveform, spectrogram in zip(waveforms.numpy(), ours, strict=True):
            np.testing.assert_allclose(spectrogram, log_mel(waveform), atol=2e-5)

    def test_silence_is_zero(self) -> None:
        assert LogMel()(torch.zeros(1, RATE_HZ)).abs().max() == 0

    def test_a_louder_sound_is_brighter(self) -> None:
        # Levels are kept: no division by the peak.
        quiet, loud = LogMel()(torch.stack([sounds()[1] / 100, sounds()[1]])).mean((1, 2))
        assert loud > quiet + 0.1

    def test_a_tone_lights_its_band(self) -> None:
        time = torch.arange(RATE_HZ) / RATE_HZ
        for hz in (200.0, 1000.0, 9000.0):
            spectrogram = LogMel()(torch.sin(2 * torch.pi * hz * time)[None])[0, 20]
            centre = 2595 * np.log10(1 + hz / 700) / (2595 * np.log10(1 + RATE_HZ / 2 / 700)) * (BANDS + 1) - 1
            assert abs(int(spectrogram.argmax()) - centre) <= 1


class TestCheckpoint:
    def test_holds_tensors_only(self, package: Path) -> None:
        weights = checkpoint()
        assert all(isinstance(value, Tensor) for value in weights.values())
        assert weights["embedding_net.conv_block4.conv2.weight"].shape == (512, 512, 3, 3)
