"""Audio towers of transformers: frame-wise (wav2vec 2.0 and its kin, Whisper, PE Audio) and window-wise (AST, CLAP).

A frame-wise network describes some hundredths of a second at a time; the frames whose centres lie in a second are
averaged. A window-wise network describes all that it hears by one vector.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from dmin.backbones.registry import Backbone
from dmin.errors import ModelError

SURROUNDINGS_SECONDS = 10.0
"""Heard at once by networks whose configuration sets no length: clips of the common data sets last as long."""
_FRAME_WISE = ("conv_stride", "dac_config", "max_source_positions")
"""Settings that frame-wise networks have: strides of a convolution over samples, a codec, or a number of frames."""


class HfSounds(Backbone):
    """An audio tower, with its own feature extractor before it.

    Waveforms [N, S] -> vectors [N, D]; frame-wise ones, of T whole seconds, -> [N, T, D].
    """

    def __init__(self, network: Any, extractor: Any) -> None:
        super().__init__()
        self.network = network
        self.prepare = extractor

    def forward(self, waveforms: Tensor) -> Tensor:
        """Vectors [N, D] or [N, T, D] of waveforms [N, S]."""
        rate = self.prepare.sampling_rate
        inputs = _prepared(self.network, self.prepare, waveforms)
        with nullcontext() if self.runtime is None else self.runtime.precision(waveforms.device):
            frames = self.features(self.network, inputs).float()
        if frames.ndim == 2:
            return frames
        seconds = waveforms.shape[1] // rate
        places = frame_seconds(frames.shape[1], self.network.config, self.prepare).to(frames.device)
        return torch.stack([frames[:, (places >= t) & (places < t + 1)].mean(1) for t in range(seconds)], 1)

    @staticmethod
    def features(network: Any, inputs: Mapping[str, Tensor]) -> Tensor:
        """Frames [N, F, D] of a frame-wise network, one vector [N, D] for all that is heard of any other."""
        output = network(**inputs)
        if _is_frame_wise(network):
            frames: Tensor = output.last_hidden_state
            return frames
        vector: Tensor | None = getattr(output, "pooler_output", None)
        if vector is None or vector.ndim != 2:
            raise ModelError("it gives neither frames nor one vector of a sound: give another network")
        return vector


def preparation(config: Any) -> str:
    """The class of transformers that prepares the input of a network."""
    return "AutoFeatureExtractor"


def tower(model: Any) -> Any:
    """The part of a model that hears."""
    model = getattr(model, "audio_model", model)
    if model.config.model_type == "pe_audio":
        return model.audio_encoder
    return model.get_encoder() if getattr(model.config, "is_encoder_decoder", False) else model


def facts(
    network: Any, extractor: Any, features: Callable[[Any, Mapping[str, Tensor]], Tensor] = HfSounds.features
) -> dict[str, Any]:
    """What a card says of a tower: vector, rate, context.

    Args:
        network: The tower.
        extractor: Its feature extractor.
        features: What the backbone makes of a network and its inputs.

    Raises:
        ModelError: It gives no vectors of sound.
    """
    if not hasattr(extractor, "sampling_rate"):
        raise ModelError(f"{type(extractor).__name__} hears nothing: give an audio network")
    rate, frame_wise = extractor.sampling_rate, _is_frame_wise(network)
    context = _context_seconds(extractor)
    inputs = _prepared(network, extractor, torch.zeros(1, round(context * rate)))
    with torch.no_grad(), torch.device(network.device):
        size = features(network, {name: tensor.to(network.device) for name, tensor in inputs.items()}).shape[-1]
    words = "frames averaged by the second" if frame_wise else "a window centred on each second"
    return {
        "output_shape": (size,),
        "input": f"mono at {rate / 1000:g} kHz, {context:g} s at once by {type(extractor).__name__}, {words}",
        "frames_per_second": 0.0,
        "rate_hz": rate,
        "context_seconds": context,
        "frame_wise": frame_wise,
    }


def frame_seconds(count: int, config: Any, extractor: Any) -> Tensor:
    """Centres of frames in seconds, [F].

    Args:
        count: F.
        config: Of a frame-wise network.
        extractor: Its feature extractor.
    """
    frames = torch.arange(count, dtype=torch.float64)
    rate = float(extractor.sampling_rate)
    if codec := getattr(config, "dac_config", None):  # each frame stands for samples of its own
        return (frames + 0.5) * int(codec.hop_length) / rate
    strides = getattr(config, "conv_stride", None)
    if strides is None:  # the frames share the length that the extractor pads to
        length = float(extractor.chunk_length)
        return (frames + 0.5) * length / count
    stride, field = 1, 1  # samples from frame to frame, and samples that a frame hears
    for kernel, step in zip(config.conv_kernel, strides, strict=True):
        field += (kernel - 1) * stride
        stride *= step
    return (frames * stride + field / 2) / rate


def _is_frame_wise(network: Any) -> bool:
    return any(hasattr(network.config, name) for name in _FRAME_WISE)


def _context_seconds(extractor: Any) -> float:
    """The length of sound that a network was made for."""
    for name in ("max_length_s", "chunk_length"):
        if seconds := getattr(extractor, name, None):
            return float(seconds)
    if hasattr(extractor, "num_mel_bins") and (frames := getattr(extractor, "max_length", None)):
        return float(frames) / 100  # spectra of Kaldi's kind, one every 10 ms
    return SURROUNDINGS_SECONDS


def _prepared(network: Any, extractor: Any, waveforms: Tensor) -> dict[str, Any]:
    """Inputs of a network for waveforms [N, S] of one length."""
    inputs = dict(extractor(list(waveforms.cpu().numpy()), sampling_rate=extractor.sampling_rate, return_tensors="pt"))
    inputs.pop("padding_mask", None)  # they are of one length
    if "is_longer" in inputs:  # CLAP's extractor chooses one at random
        inputs["is_longer"] = torch.zeros_like(torch.as_tensor(inputs["is_longer"]))
    known = inspect.signature(network.forward).parameters
    return {name: tensor.to(waveforms.device) for name, tensor in inputs.items() if name in known}
