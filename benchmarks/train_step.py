"""Forward pass and training step of DMIN in each precision, beside the fastest matrix product of the machine.

uv run python benchmarks/train_step.py
uv run python benchmarks/train_step.py --device cuda --compile

The literal version runs eq. 13 as a loop over channel shifts, as the released code does, which ships in float64.
All versions share their weights and take turns step by step, so that whatever else the machine does hits all alike.
The share of the limit is the matrix products' work by the time of a step, over what one large matrix product reaches.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from dmin.data.clips import Batch, Window
from dmin.device import device_of
from dmin.features.memory import keep_freed_memory
from dmin.models import DMIN
from dmin.tasks.localization import FullSupervision
from dmin.training.presets import recipe_of
from epoch import CATEGORIES, MAP, SECONDS, SOUND, literal_twin, over_shifts

SIZES = {"cpu": 2048, "cuda": 8192}
"""Rows of the matrices whose product is the machine's limit."""
BF16, FLOAT32 = torch.bfloat16, torch.float32


@dataclass
class Version:
    """A network in one precision."""

    name: str
    network: nn.Module
    dtype: torch.dtype
    forward_seconds: list[float] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-5, fused=True)

    def run(self, task: FullSupervision, batch: Batch) -> None:
        """Time a forward pass without gradients, and a step."""
        device = batch.visual.device.type
        autocast = torch.autocast(device, BF16, enabled=self.dtype == BF16)
        self.network.eval()
        with torch.inference_mode(), autocast:
            self.forward_seconds.append(
                timed(lambda: self.network(batch.visual, batch.audio, batch.padding_mask), device)
            )
        self.network.train()
        self.step_seconds.append(timed(lambda: self._step(task, batch, autocast), device))

    def _step(self, task: FullSupervision, batch: Batch, autocast: torch.autocast) -> None:
        with autocast:
            loss = task.losses(task.answer(self.network, batch), batch)["loss"]
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 0.1)
        self.optimizer.step()


def timed(work: Callable[[], object], device: str) -> float:
    """Seconds that work takes, a GPU's included."""
    start = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def limit(device: str, dtype: torch.dtype) -> float:
    """FLOP per second of a large matrix product."""
    size = SIZES.get(device, 4096)
    left, right = (torch.rand(size, size, device=device, dtype=dtype) for _ in range(2))
    seconds = [timed(lambda: left @ right, device) for _ in range(8)]
    return 2 * size**3 / min(seconds)


def random_batch(clips: int, device: torch.device) -> Batch:
    """Clips of AVE's shape, float16 maps as a store holds them."""
    generator = torch.Generator().manual_seed(0)
    tensors: tuple[Tensor, ...] = (
        torch.rand(clips, SECONDS, *MAP, generator=generator).half(),
        torch.rand(clips, SECONDS, SOUND, generator=generator),
        torch.randint(CATEGORIES + 1, (clips, 1), generator=generator).expand(clips, SECONDS),
        torch.ones(clips, SECONDS, dtype=torch.bool),
    )
    return Batch(tuple(Window(f"{n}", 0, SECONDS) for n in range(clips)), *tensors).to(device)


def counted(network: DMIN, task: FullSupervision) -> float:
    """FLOP of the matrix products in a step, for one clip: forward, and twice as much backward."""
    network, batch = copy.deepcopy(network).train().cpu(), random_batch(2, torch.device("cpu"))
    recurrent = 0

    def count(lstm: nn.Module, inputs: tuple[Any, ...], _: object) -> None:
        """Count what the counter of torch does not see."""
        nonlocal recurrent
        assert isinstance(lstm, nn.LSTM)
        steps = inputs[0].data.shape[:-1].numel()  # a packed sequence's data are [steps, n]
        weights = [weight for name, weight in lstm.named_parameters() if name.startswith("weight")]
        recurrent += 2 * steps * sum(weight.numel() for weight in weights)

    for module in network.modules():
        if isinstance(module, nn.LSTM):
            module.register_forward_hook(count)
    with FlopCounterMode(display=False) as counter:
        task.answer(network, batch)
    return 3 * (counter.get_total_flops() + recurrent) / 2


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="official-full", help="a preset of DMIN under full supervision")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile, too")
    options = parser.parse_args()
    keep_freed_memory()  # as all commands do
    device = device_of(options.device)
    recipe = recipe_of(options.preset)
    names = tuple(f"c{number}" for number in range(CATEGORIES))
    torch.manual_seed(0)
    network = DMIN(replace(recipe.model, visual_size=MAP[-1], audio_size=SOUND, category_names=names)).to(device)
    task = FullSupervision(CATEGORIES, recipe.unimodal_weight)
    work = counted(network, task)
    versions = [
        Version("literal eq. 13, float32", literal_twin(network, over_shifts), FLOAT32),
        Version("float32", copy.deepcopy(network), FLOAT32),
        Version("bf16", copy.deepcopy(network), BF16),
    ]
    if options.compile:
        versions.append(Version("float32, compiled", torch.compile(copy.deepcopy(network)), FLOAT32))
        versions.append(Version("bf16, compiled", torch.compile(copy.deepcopy(network)), BF16))
    batch = random_batch(options.batch, device)
    for _ in range(3):  # warm-up; compiling takes minutes
        for version in versions:
            version.run(task, batch)
    for version in versions:
        version.forward_seconds.clear()
        version.step_seconds.clear()
    for _ in range(options.steps):
        for version in versions:
            version.run(task, batch)
    limits = {dtype: limit(device.type, dtype) for dtype in (FLOAT32, BF16)}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{options.preset}, batch {options.batch}, {work * options.batch / 1e9:.0f} GFLOP a step, {name}")
    print(f"limit: float32 {limits[FLOAT32] / 1e9:,.0f}, bf16 {limits[BF16] / 1e9:,.0f} GFLOP/s")
    print("version                    forward    step  of the limit  over literal  s for 3339 clips")
    first = statistics.median(versions[0].step_seconds)
    for version in versions:
        forward, step = statistics.median(version.forward_seconds), statistics.median(version.step_seconds)
        share = work * options.batch / step / limits[version.dtype]
        epoch = step * 3339 / options.batch
        print(f"{version.name:<25}{forward:9.4f}{step:8.4f}{share:14.2f}{first / step:14.2f}{epoch:18.1f}")


if __name__ == "__main__":
    main()
