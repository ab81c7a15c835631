"""A trained network as one ONNX file, which ONNX Runtime runs without torch or dmin."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dmin import backbones
from dmin.errors import ModelError, require
from dmin.files import write_file
from dmin.inference.loading import folder_of
from dmin.models import LocalizationModel
from dmin.models.settings import LocalizerSettings
from dmin.models.systems import load_network
from dmin.tasks.decoding import event_scores

CHECKED_SECONDS = (1, 10, 37)
"""Lengths of the random clips on which ONNX Runtime must answer as torch does."""
LARGEST_DIFFERENCE = 1e-4
_TRACED_SECONDS = 7
_INPUTS = ("visual", "audio")
_OUTPUTS = ("relevance", "categories", "attention")


@dataclass(frozen=True)
class Exported:
    """An ONNX file and its check."""

    path: Path
    outputs: tuple[str, ...]
    """relevance [1, T], categories [1, T, C] and, where the network has it, attention [1, T, H, W]; all in 0..1."""
    difference: float
    """Largest one between ONNX Runtime and torch, on random clips of `CHECKED_SECONDS`."""


class _Scores(nn.Module):
    """The network as the file holds it: one clip without padding, and probabilities instead of logits."""

    def __init__(self, model: LocalizationModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, visual: Tensor, audio: Tensor) -> tuple[Tensor, ...]:
        """Maps [1, T, H, W, D_v] and audio [1, T, D_a] -> the outputs of `Exported`."""
        output = self.model(visual, audio, return_attention=True)
        scores = event_scores(output, self.model.config.categories)
        spatial = None if output.attention is None else output.attention.spatial
        return (scores.relevance, scores.categories) + (() if spatial is None else (spatial,))


def export_onnx(model: str | Path, out: str | Path, *, revision: str | None = None) -> Exported:
    """Write a network of event localization as an ONNX file for clips of any length.

    Inputs are ``visual`` [1, T, H, W, D_v] and ``audio`` [1, T, D_a], float32; the file's metadata hold the categories
    (as JSON), the threshold, and the backbones, versions and rates of the features. The file is written only if ONNX
    Runtime answers as torch does.

    Args:
        model: "starter", a folder that `dmin train` wrote, or a repository id of the Hugging Face hub.
        out: The file.
        revision: Branch, tag or commit of a model of the hub; its main branch by default.

    Raises:
        MissingPackageError: The extra ``onnx`` is not installed.
        ModelError: No such model, one of another task, one that cannot be exported, or one whose file answers
            otherwise than torch.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        require(package, "onnx")
    folder = folder_of(str(model), revision)
    network = load_network(folder, LocalizationModel).float()
    settings = LocalizerSettings.load(folder)
    scores = _Scores(network).eval()
    shape = _map_shape(network, settings)
    content, outputs = _converted(scores, shape, settings)
    difference = max(_difference(scores, content, _clip(network, shape, seconds)) for seconds in CHECKED_SECONDS)
    if not difference <= LARGEST_DIFFERENCE:  # not a number, too
        raise ModelError(
            f"ONNX Runtime differs from torch by {difference:.1e}, more than the {LARGEST_DIFFERENCE:.0e} allowed, so "
            f"{out} was not written: try other versions of onnxruntime and onnxscript, or use the model in torch"
        )
    write_file(Path(out), content)
    return Exported(Path(out), outputs, difference)


def _map_shape(network: LocalizationModel, settings: LocalizerSettings) -> tuple[int, int, int]:
    """H, W and D_v of the maps: the backbone's, or nearly a square of as many regions where there is none."""
    c = network.config
    card = backbones.find(settings.visual, "visual", settings.visual_version)
    side = next(side for side in range(isqrt(c.regions), 0, -1) if c.regions % side == 0)
    height, width = card.output_shape[:2] if card is not None else (side, c.regions // side)
    return height, width, c.visual_size


def _clip(network: LocalizationModel, shape: tuple[int, int, int], seconds: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seconds)
    visual = torch.rand(1, seconds, *shape, generator=generator)
    return visual, torch.rand(1, seconds, network.config.audio_size, generator=generator)


def _converted(
    scores: _Scores, shape: tuple[int, int, int], settings: LocalizerSettings
) -> tuple[bytes, tuple[str, ...]]:
    """The file's content and the names of its outputs."""
    clip = _clip(scores.model, shape, _TRACED_SECONDS)
    with torch.inference_mode():
        outputs = _OUTPUTS[: len(scores(*clip))]
    any_length = {1: torch.export.Dim.DYNAMIC}
    name = type(scores.model).__name__
    try:
        with _silent():
            program = torch.onnx.export(
                scores,
                clip,
                dynamo=True,
                dynamic_shapes=(any_length, any_length),
                input_names=list(_INPUTS),
                output_names=list(outputs),
                verbose=False,
            )
    except Exception as error:  # the exporter and what it traces have errors of all kinds
        raise ModelError(
            f"{name} cannot be exported: torch.export does not follow its code for clips of any length (a loop over "
            "seconds, as CMCA has it, is such a case), so nothing was written; use the model in torch"
        ) from error
    if program is None:
        raise ModelError(f"{name} cannot be exported: torch.onnx.export gave nothing")
    for node in program.model.graph.all_nodes():  # the exporter notes the stack there, with this machine's paths
        node.metadata_props.clear()
    proto = program.model_proto
    for dimension in (value.type.tensor_type.shape.dim[1] for value in (*proto.graph.input, *proto.graph.output)):
        dimension.dim_param = "seconds"
    require("onnx.helper", "onnx").set_model_props(proto, _metadata(scores.model, settings))
    return proto.SerializeToString(), outputs


def _metadata(network: LocalizationModel, settings: LocalizerSettings) -> dict[str, str]:
    """Facts that whoever runs the file needs, as texts, which is all that ONNX holds."""
    facts = {name: str(value) for name, value in asdict(settings).items()}
    names = json.dumps(list(network.config.category_names), ensure_ascii=False)
    return {**facts, "categories": names, "network": type(network).__name__, "dmin": version("dmin")}


def _difference(scores: _Scores, content: bytes, clip: tuple[Tensor, Tensor]) -> float:
    """Largest difference between both engines' answers to a clip."""
    session = require("onnxruntime", "onnx").InferenceSession(content, providers=["CPUExecutionProvider"])
    answers = session.run(None, {name: tensor.numpy() for name, tensor in zip(_INPUTS, clip, strict=True)})
    with torch.inference_mode():
        expected = [tensor.numpy() for tensor in scores(*clip)]
    return max(float(np.abs(one - other).max()) for one, other in zip(answers, expected, strict=True))


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporter's notes out of people's terminals."""
    loggers: list[Any] = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
