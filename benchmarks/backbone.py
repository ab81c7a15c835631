"""Milliseconds of one frame, or one second of sound, through each embedded backbone: torch, and OpenVINO beside it.

uv run python benchmarks/backbone.py --rounds 50

All versions take turns in one run and the shortest time of each counts, so that other work on the machine harms none
more than the others. The difference is the largest from torch's outputs, as a share of the largest of them. Weights of
VGG-19 and VGGish are random: their speed is that of the real ones, and nothing is downloaded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
import torchvision
from torch import Tensor

from dmin.backbones import Backbone, create, is_fast, runtime_name, vgg19, vggish
from dmin.backbones.runtime import Runtime

CPU = torch.device("cpu")


@dataclass
class Version:
    """One way to run a backbone."""

    name: str
    runtime: Runtime | None
    """None is torch."""
    seconds: list[float] = field(default_factory=list)
    difference: float = 0.0


def random_vgg19() -> Backbone:
    """VGG-19 up to its fifth pooling, with torchvision's preparation."""
    weights = torchvision.models.vgg19(weights=None).features.state_dict()
    mean, std = (255 * torch.tensor(numbers) for numbers in (vgg19.TORCHVISION_MEAN, vgg19.TORCHVISION_STD))
    backbone = vgg19.Pool5(weights, mean, std, bgr=False)
    backbone.card = vgg19.TORCHVISION_CARD
    return backbone


def random_vggish() -> Backbone:
    """VGGish."""
    backbone = vggish.Vggish.__new__(vggish.Vggish)
    Backbone.__init__(backbone)
    backbone.log_mel, backbone.network, backbone.card = vggish.LogMel(), vggish.Network(), vggish.CARD
    backbone._warned = True  # random features are unlike AVE's
    return backbone


BACKBONES: dict[str, Callable[[], Backbone]] = {
    "lite0": lambda: create("lite0"),
    "lite0-kinds": lambda: create("lite0-kinds"),
    "sfx": lambda: create("sfx"),
    "vgg19, random": random_vgg19,
    "vggish, random": random_vggish,
}


def noise(backbone: Backbone, count: int) -> Tensor:
    """Frames of noise, or seconds of it."""
    if backbone.card.modality == "visual":
        return torch.randint(0, 256, (count, 224, 224, 3), dtype=torch.uint8)
    return torch.rand(count, backbone.card.rate_hz) - 0.5


@torch.inference_mode()
def measure(backbone: Backbone, versions: Sequence[Version], rounds: int, count: int) -> None:
    """Let versions take turns; the first turn, in which they compile, does not count."""
    inputs = noise(backbone, count)
    expected = None
    for turn in range(rounds + 1):
        for version in versions:
            backbone.runtime = version.runtime
            start = time.perf_counter()
            features = backbone(inputs)
            if turn:
                version.seconds.append((time.perf_counter() - start) / count)
            expected = features if expected is None else expected
            version.difference = float((features - expected).abs().max() / expected.abs().max())


def main() -> None:
    """Print one line for each backbone and version."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8, help="frames or seconds at once; dmin takes eight on a CPU")
    options = parser.parse_args()
    torch.manual_seed(0)
    bfloat16 = "" if is_fast(CPU) else " (without instructions for bfloat16)"
    print(f"torch {torch.__version__} and {runtime_name(CPU)}, {torch.get_num_threads()} threads{bfloat16}")
    print("backbone        version          ms  over torch  difference")
    for name, make in BACKBONES.items():
        backbone = make()
        backbone.freeze()
        versions = [Version("torch", None), Version("exact", Runtime(name)), Version("fast", Runtime(name, fast=True))]
        measure(backbone, versions, options.rounds, options.batch)
        for version in versions:
            least = min(version.seconds)
            ratio = min(versions[0].seconds) / least
            print(f"{name:<16}{version.name:<10}{1e3 * least:9.2f}{ratio:12.2f}{version.difference:12.1e}")


if __name__ == "__main__":
    main()
