"""VGGish: its spectrogram against a literal one, its network against a functional one, both against torchvggish."""

from __future__ import annotations

import importlib.util
import math
import warnings
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from backbones_random import VGGISH_SHAPES, random_weights, write_vggish  # noqa: F401  # fixtures
from backbones_threads import one_thread  # noqa: F401  # fixtures
from torch import Tensor, nn

from dmin.backbones import create
from dmin.backbones.vggish import BANDS, CARD, RATE_HZ, SAMPLES, TORCHVGGISH, LogMel, Vggish, mel_bands
from dmin.backbones.weights import state_dict_of
from dmin.errors import ModelError
from oracles.vggish_logmel import log_mel_frame, weight


def sounds() -> Tensor:
    """Two seconds [2, 16000]: a chord that swells, and noise."""
    time = np.arange(RATE_HZ) / RATE_HZ
    chord = 0.3 * time * sum(np.sin(2 * np.pi * hz * time) for hz in (220, 1000, 6000)) / 3
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, RATE_HZ)
    return torch.from_numpy(np.stack([chord, noise])).float()


@pytest.fixture(scope="module")
def vggish() -> Vggish:
    backbone = create("vggish")
    assert isinstance(backbone, Vggish)
    return backbone


def test_the_checkpoints_name_is_the_beginning_of_its_checksum() -> None:
    assert TORCHVGGISH.name == f"vggish-{TORCHVGGISH.digest[:8]}.pth"
    assert TORCHVGGISH.url.endswith(f"/{TORCHVGGISH.name}")
    assert TORCHVGGISH.megabytes == round(sum(math.prod(s) + s[0] for s in VGGISH_SHAPES.values()) * 4 / 1e6)


class TestSpectrogram:
    def test_is_the_oracles(self) -> None:
        waveforms = sounds()
        ours = LogMel()(waveforms)
        assert ours.shape == (2, 96, BANDS)
        for sound, frame in ((0, 0), (0, 95), (1, 1), (1, 50)):
            expected = torch.tensor(log_mel_frame(waveforms[sound].tolist(), frame))
            torch.testing.assert_close(ours[sound, frame], expected, atol=1e-4, rtol=0)

    def test_bands_are_the_oracles(self) -> None:
        bands = mel_bands()
        assert bands.shape == (257, BANDS)
        expected = [[weight(band, bin_) for band in range(BANDS)] for bin_ in range(257)]
        np.testing.assert_allclose(bands, expected, atol=1e-6)

    def test_silence(self) -> None:
        torch.testing.assert_close(LogMel()(torch.zeros(1, RATE_HZ)), torch.full((1, 96, BANDS), math.log(0.01)))

    def test_a_tone_lights_its_band(self) -> None:
        time = torch.arange(RATE_HZ) / RATE_HZ
        mel = [1127 * math.log(1 + hz / 700) for hz in (125, 7500)]
        for hz in (200.0, 1000.0, 7000.0):
            spectrogram = LogMel()(torch.sin(2 * torch.pi * hz * time)[None])[0, 20]
            centre = (1127 * math.log(1 + hz / 700) - mel[0]) / (mel[1] - mel[0]) * (BANDS + 1) - 1
            assert abs(int(spectrogram.argmax()) - centre) <= 1

    def test_hears_a_second_from_its_start_and_not_its_last_25_milliseconds(self) -> None:
        waveforms = sounds()[1:]
        before = LogMel()(waveforms)
        waveforms[:, SAMPLES:] = 1.0
        assert torch.equal(LogMel()(waveforms), before)
        waveforms[:, SAMPLES - 200] = 1.0
        assert not torch.equal(LogMel()(waveforms)[:, 95], before[:, 95])
        waveforms[:, 200] = 1.0
        assert not torch.equal(LogMel()(waveforms)[:, 0], before[:, 0])


class TestNetwork:
    def test_has_the_checkpoints_names_and_shapes(self, vggish: Vggish) -> None:
        expected = {f"{name}.weight": shape for name, shape in VGGISH_SHAPES.items()}
        expected |= {f"{name}.bias": shape[:1] for name, shape in VGGISH_SHAPES.items()}
        assert {name: tuple(tensor.shape) for name, tensor in vggish.network.state_dict().items()} == expected

    def test_is_these_layers(self, vggish: Vggish) -> None:
        weights = vggish.network.state_dict()
        spectrogram = LogMel()(sounds())
        x = spectrogram[:, None]
        for name, pool in zip((0, 3, 6, 8, 11, 13), (True, True, False, True, False, True), strict=True):
            x = F.relu(F.conv2d(x, weights[f"features.{name}.weight"], weights[f"features.{name}.bias"], padding=1))
            x = F.max_pool2d(x, 2) if pool else x
        assert x.shape == (2, 512, 6, 4)
        # TensorFlow's order: a region's channels lie together.
        x = torch.stack([x[:, :, t, f] for t in range(6) for f in range(4)], 1).reshape(2, -1)
        for name in (0, 2, 4):
            x = F.relu(x @ weights[f"embeddings.{name}.weight"].T + weights[f"embeddings.{name}.bias"])
        torch.testing.assert_close(vggish(sounds()), x, rtol=1e-4, atol=1e-4 * float(x.max()))

    def test_is_not_negative(self, vggish: Vggish) -> None:
        features = vggish(sounds())
        assert features.min() == 0  # after a ReLU, some are
        assert features.max() > 0


class TestWeights:
    @pytest.mark.parametrize("zipped", [False, True])
    def test_of_a_file(self, tmp_path: Path, zipped: bool) -> None:
        write_vggish(tmp_path / "a.pth")
        weights = state_dict_of(tmp_path / "a.pth")
        torch.save(weights, tmp_path / "b.pth", _use_new_zipfile_serialization=zipped)
        backbone = Vggish(tmp_path / "b.pth")
        assert all(torch.equal(tensor, weights[name]) for name, tensor in backbone.network.state_dict().items())

    def test_of_another_network(self, tmp_path: Path) -> None:
        torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg.pth")
        with pytest.raises(ModelError, match=r"the weights .*vgg\.pth are not VGGish's: names or shapes"):
            Vggish(tmp_path / "vgg.pth")

    @pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut short"])
    def test_of_no_network(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.pth").write_bytes(content)
        with pytest.raises(ModelError, match=r"a\.pth does not hold a network's weights"):
            Vggish(tmp_path / "a.pth")


class Constant(nn.Module):
    """A network that always says the same."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, spectrogram: Tensor) -> Tensor:
        return torch.full((len(spectrogram), 128), self.value)


class TestRange:
    @pytest.mark.parametrize("value", [-0.1, 50.1, math.nan])
    def test_outside_warns_once(self, tmp_path: Path, value: float) -> None:
        backbone = with_network(tmp_path, Constant(value))
        with pytest.warns(
            UserWarning,
            match=rf"VGGish features lie between {value:.3g} and {value:.3g}, the released ones between 0 and 50",
        ):
            backbone(sounds())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            backbone(sounds())

    @pytest.mark.parametrize("value", [0.0, 50.0])
    def test_inside_does_not(self, tmp_path: Path, value: float) -> None:
        backbone = with_network(tmp_path, Constant(value))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            backbone(sounds())

    def test_released_features_are_inside(self, shared: Path) -> None:
        h5py = pytest.importorskip("h5py")
        with h5py.File(shared / "ave" / "audio_feature_noisy.h5") as file:
            features = file["avadataset"][()]
        assert features.shape[-1:] == CARD.output_shape
        assert features.min() >= 0
        assert features.max() <= 50


def with_network(folder: Path, network: nn.Module) -> Vggish:
    write_vggish(folder / "a.pth")
    backbone = Vggish(folder / "a.pth")
    backbone.network = network
    return backbone


class TestAgainstThePackage:
    """torchvggish, whose weights these are."""

    def module(self, name: str) -> ModuleType:
        try:
            path = Path(str(distribution("torchvggish").locate_file(f"torchvggish/{name}.py")))
        except PackageNotFoundError:
            pytest.skip("the package torchvggish is not installed: run `uv pip install --no-deps torchvggish`")
        # By its path: importing the package itself needs resampy and soundfile.
        spec = importlib.util.spec_from_file_location(f"torchvggish_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_spectrogram(self) -> None:
        log_mel_spectrogram = self.module("mel_features").log_mel_spectrogram
        for waveform, ours in zip(sounds(), LogMel()(sounds()), strict=True):
            theirs = log_mel_spectrogram(
                waveform.double().numpy(), 16_000, 0.01, 0.025, 0.010,
                num_mel_bins=64, lower_edge_hertz=125, upper_edge_hertz=7500,
            )  # fmt: skip
            assert theirs.shape == (98, 64)
            np.testing.assert_allclose(ours, theirs[:96], atol=1e-4)

    def test_network(self, vggish: Vggish) -> None:
        package = self.module("torchvggish")
        with torch.device("meta"):
            theirs = package.VGG(package.make_layers(), postprocess=False)
        theirs.load_state_dict(vggish.network.state_dict(), assign=True)
        with torch.inference_mode():
            expected = theirs(LogMel()(sounds())[:, None])
            torch.testing.assert_close(vggish(sounds()), expected, rtol=1e-4, atol=1e-4 * float(expected.max()))
