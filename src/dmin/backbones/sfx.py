"""The sound-effect embedding of aisfx: the embedded audio backbone.

Network and weights are those of Ma and Lerch (ISMIR 2022), whose spectrogram comes from Essentia: power spectrum of a
2048-sample Hann window, 96 HTK mel bands whose weights sum to 1, log10(1e4 x + 1), divided by the largest value of
their training set. Frames are centred here, as Essentia's are, so a second has 44 of them. The package's librosa
variant divides each file by its peak; that would need the whole file before its first second, and a whisper would
sound like a shout, so levels stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from dmin.backbones.folding import fold_batch_norms
from dmin.backbones.registry import Backbone, Card, register
from dmin.backbones.weights import AISFX, aisfx_checkpoint

RATE_HZ = 44_100
WINDOW, HOP = 2048, 1024
BANDS = 96
LARGEST = 9.457798957824707
"""Largest value of the spectrograms that the network was trained on, after the logarithm."""

CARD = Card(
    name="sfx",
    modality="audio",
    output_shape=(512,),
    input="mono at 44.1 kHz, one second at a time: 96 HTK mel bands, log10(1e4 x + 1) / 9.4578",
    frames_per_second=0.0,
    rate_hz=RATE_HZ,
    version="1",
    source=f"PyPI package {AISFX} (X-Sequential-CE)",
    licence="CC BY 4.0",
    citation="Ma and Lerch, Representation Learning for the Automatic Indexing of Sound Effects Libraries, ISMIR 2022",
)


class LogMel(nn.Module):
    """Waveforms [N, S] at 44.1 kHz -> log-mel [N, frames, 96]."""

    window: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)
        self.register_buffer("bands", torch.from_numpy(mel_bands()), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """[N, S] -> [N, 1 + S // 1024, 96]."""
        spectrum = torch.stft(waveforms, WINDOW, HOP, window=self.window, return_complex=True, pad_mode="constant")
        power = spectrum.abs().square()  # [N, 1025, frames]
        return torch.log10(1e4 * (self.bands @ power) + 1).mT / LARGEST


def mel_bands() -> NDArray[np.float32]:
    """Triangles [96, 1025] between 0 and 22050 Hz, evenly spaced in HTK's mel scale, each summing to 1."""
    highest = 2595 * np.log10(1 + RATE_HZ / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1)
    bins = np.linspace(0, RATE_HZ / 2, WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    bands: NDArray[np.float32] = (triangles / triangles.sum(1, keepdims=True)).astype(np.float32)
    return bands


class ConvBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        # A norm stands behind its convolution, so that it can be folded into it.
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, C_in, t, f] -> [N, C, t, f]."""
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(pictures))))))


class EmbeddingNet(nn.Module):
    """Log-mel [N, frames, 96] -> embedding [N, 512]: mean over frequency, maximum over time."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_block1 = ConvBlock(1, 64)
        self.conv_block2 = ConvBlock(64, 128)
        self.conv_block3 = ConvBlock(128, 256)
        self.conv_block4 = ConvBlock(256, 512)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[N, frames, 96] -> [N, 512]."""
        x = spectrogram[:, None]
        for block in (self.conv_block1, self.conv_block2, self.conv_block3):
            x = F.max_pool2d(block(x), 2)
        embeddings: Tensor = self.conv_block4(x).mean(3).amax(2)
        return embeddings


@register(CARD)
class Sfx(Backbone):
    """Waveforms float32 [N, 44100], a second each, -> embeddings [N, 512]."""

    def __init__(self) -> None:
        super().__init__()
        self.log_mel = LogMel()
        self.network = EmbeddingNet()
        prefix = "embedding_net."
        weights = {name.removeprefix(prefix): t for name, t in checkpoint().items() if name.startswith(prefix)}
        self.network.load_state_dict(weights)
        self.network.eval()
        fold_batch_norms(self.network)
        self.network.to(memory_format=torch.channels_last)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embeddings [N, 512] of waveforms [N, 44100]."""
        return self.run(self.log_mel(waveforms))


def checkpoint() -> dict[str, Tensor]:
    """The package's weights by name, without running any code from the pickle.

    Raises:
        ModelError: They cannot be had.
    """
    scalar = np.float64(0).__reduce__()[0]  # numpy's own name for it has moved between versions
    # Beside tensors the file holds numpy integers, which torch's safe reader knows only if told.
    allowed: list[Any] = [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, type(np.dtype(np.int64))]
    with torch.serialization.safe_globals(allowed):
        weights, _ = torch.load(aisfx_checkpoint(), map_location="cpu", weights_only=True)
    return dict(weights)
