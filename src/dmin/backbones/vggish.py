"""VGGish with Google's weights: the paper's audio backbone.

Its spectrogram is that of AudioSet's mel_features.py: magnitudes (not powers) of a 25-ms Hann window every 10 ms, HTK
mel bands that are triangles in mel (not in hertz) with peaks of 1, natural logarithm. A second has 98 whole windows, of
which the network sees the first 96: the last 25 ms of a second are never heard.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dmin.backbones.downloads import Download
from dmin.backbones.registry import Backbone, Card, register
from dmin.backbones.weights import state_dict_of
from dmin.errors import ModelError

RATE_HZ = 16_000
WINDOW, HOP = RATE_HZ * 25 // 1000, RATE_HZ * 10 // 1000  # 400 and 160 samples
FFT = 512
FRAMES, BANDS = 96, 64
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
LOG_OFFSET = 0.01
SAMPLES = HOP * (FRAMES - 1) + WINDOW  # 15,600 of a second's 16,000
RELEASED_RANGE = (0.0, 50.0)
"""AVE's released features lie well inside."""

TORCHVGGISH = Download(
    name="vggish-10086976.pth",
    url="https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
    algorithm="sha256",
    digest="10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b",
    megabytes=289,
)

CARD = Card(
    name="vggish",
    modality="audio",
    output_shape=(128,),
    input="mono at 16 kHz, the first 0.975 s of each second: 96 x 64 HTK mel magnitudes, 125 to 7500 Hz, ln(x + 0.01)",
    frames_per_second=0.0,
    rate_hz=RATE_HZ,
    version="1",
    source="torchvggish v0.1's copy of Google's weights (289 MB, downloaded at first use)",
    licence="Apache-2.0",
    citation="Hershey et al., CNN Architectures for Large-Scale Audio Classification, ICASSP 2017",
    download=TORCHVGGISH,
)
"""As AVE's released features: raw, after the last ReLU, without the PCA and quantisation of AudioSet's own release.

Theirs are of each tenth of a clip, cut out before it was resampled; ours are of each second of the resampled sound.
"""


class LogMel(nn.Module):
    """Waveforms [N, S] at 16 kHz, S >= 15600 -> log-mel [N, 96, 64]."""

    window: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)
        self.register_buffer("bands", torch.from_numpy(mel_bands()), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """[N, S] -> [N, 96, 64]."""
        windows = waveforms[:, :SAMPLES].unfold(1, WINDOW, HOP) * self.window  # [N, 96, 400]
        magnitudes = torch.fft.rfft(windows, FFT).abs()  # [N, 96, 257]
        return torch.log(magnitudes @ self.bands + LOG_OFFSET)


def mel_bands() -> NDArray[np.float32]:
    """Triangles [257, 64] between 125 and 7500 Hz, evenly spaced and linear in HTK's mel scale, with peaks of 1."""
    bins = _mel(np.linspace(0, RATE_HZ / 2, FFT // 2 + 1))[:, None]  # [257, 1]
    lowest, highest = _mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    triangles: NDArray[np.float64] = np.maximum(0, 1 - np.abs(bins - edges[1:-1]) / (edges[1] - edges[0]))  # [257, 64]
    return triangles.astype(np.float32)


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    mels: NDArray[np.float64] = 1127 * np.log(1 + hz / 700)
    return mels


class Network(nn.Module):
    """Log-mel [N, 96, 64] -> embedding [N, 128], with the names of the public checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for block in ((64,), (128,), (256, 256), (512, 512)):
            for wider in block:
                layers += [nn.Conv2d(channels, wider, 3, padding=1), nn.ReLU()]
                channels = wider
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            *(nn.Linear(6 * 4 * 512, 4096), nn.ReLU()),
            *(nn.Linear(4096, 4096), nn.ReLU()),
            *(nn.Linear(4096, 128), nn.ReLU()),
        )

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[N, 96, 64] -> [N, 128]."""
        maps = self.features(spectrogram[:, None])  # [N, 512, 6, 4]
        embeddings: Tensor = self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))  # channels last, as in TensorFlow
        return embeddings


@register(CARD)
class Vggish(Backbone):
    """Waveforms float32 [N, 16000], a second each, -> embeddings [N, 128], none below 0.

    Args:
        weights: torchvggish's file; by default it is taken from the cache or downloaded.

    Raises:
        ModelError: The weights cannot be had or are others.
    """

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__()
        self.log_mel = LogMel()
        with torch.device("meta"):  # shapes only: the weights are ready-made
            self.network = Network()
        path = weights or TORCHVGGISH.fetch()
        try:
            self.network.load_state_dict(state_dict_of(path), assign=True)
        except RuntimeError as error:
            raise ModelError(f"the weights {path} are not VGGish's: names or shapes of its tensors differ") from error
        self._warned = False

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embeddings [N, 128] of waveforms [N, 16000]; warns once if they are unlike AVE's."""
        embeddings = self.run(self.log_mel(waveforms))
        if not self._warned:
            self._check_range(embeddings)
        return embeddings

    def _check_range(self, embeddings: Tensor) -> None:
        lowest, highest = (float(value) for value in embeddings.aminmax())
        if not (RELEASED_RANGE[0] <= lowest and highest <= RELEASED_RANGE[1]):
            self._warned = True
            warnings.warn(
                f"VGGish features lie between {lowest:.3g} and {highest:.3g}, the released ones between "
                "{:g} and {:g}: waveforms must be at 16 kHz and within -1 to 1".format(*RELEASED_RANGE),
                stacklevel=3,
            )
