"""One training epoch of AVE's size, with eq. 13 in closed form and in two literal ones, in one run.

uv run python benchmarks/epoch.py
uv run python benchmarks/epoch.py --steps 6 --networks small

Features are random but of the released shape: what they hold does not change how long a step takes. The versions of a
network share weights and take turns step by step, so that whatever else the machine does hits all of them alike.
"""

from __future__ import annotations

import argparse
import copy
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from dmin.data.annotations import Annotation, write_annotations
from dmin.data.clips import ClipDataset, Sample, Window, collate
from dmin.data.folder import write_split
from dmin.features import ClipFeatures, FeatureStore, Settings
from dmin.layers import DenseInterModalityAttention
from dmin.layers.attention import Attended
from dmin.models import DMIN
from dmin.tasks.localization import FullSupervision
from dmin.training.presets import recipe_of

CLIPS, SECONDS, CATEGORIES = 3339, 10, 28  # AVE's training split
MAP, SOUND = (7, 7, 512), 128
POOL, STORED = 256, 200
FEW_STEPS = 12


def over_shifts(queries: Tensor, keys: Tensor, alpha: float) -> Tensor:
    """Eq. 13 as a loop: one shifted product for each distance between channels, as the released code does it."""
    size = queries.shape[-1]
    total = alpha * queries @ keys.mT
    for shift in range(1, size):
        total = total + (1 - alpha) / (size - 1) * queries @ keys.roll(shift, -1).mT
    return total


def outer_product(queries: Tensor, keys: Tensor, alpha: float) -> Tensor:
    """Eq. 13 as it is written: all pairs of channels of all pairs of seconds, times the matrix W, summed."""
    size = queries.shape[-1]
    weights = torch.full((size, size), (1 - alpha) / (size - 1), device=queries.device).fill_diagonal_(alpha)
    pairs = queries[..., :, None, :, None] * keys[..., None, :, None, :]  # [B, heads, T, S, d_k, d_k]
    return (pairs * weights).sum((-2, -1))


class LiteralDenseAttention(DenseInterModalityAttention):
    """The same attention, its dense half computed by one of the functions above."""

    product: Callable[[Tensor, Tensor, float], Tensor]

    def forward(
        self,
        own: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """[B, T, d], [B, S, d] -> [B, T, d]."""
        query, own_key, own_value = self.project(own, 0, 3)
        other_key, other_value = self.project(other, 1, 3)
        dense = self.scale * self.product(query, other_key, self.alpha)
        scores = torch.cat([query @ own_key.mT, dense], -1) / query.shape[-1] ** 0.5  # [B, heads, T, T + S]
        if mask is not None and other_mask is not None:
            scores = scores.masked_fill(~torch.cat([mask, other_mask], 1)[:, None, None], -torch.inf)
        weights = torch.nn.functional.dropout(scores.softmax(-1), self.dropout, self.training)
        mixed = weights @ torch.cat([own_value, other_value], 2)
        return Attended(self.out_proj(mixed.transpose(1, 2).flatten(2)), None)


def literal_twin(network: DMIN, product: Callable[[Tensor, Tensor, float], Tensor]) -> DMIN:
    """A copy of a network, weights and all, whose dense attention is literal."""
    twin = copy.deepcopy(network)
    for module in twin.modules():
        if type(module) is DenseInterModalityAttention:
            module.__class__ = LiteralDenseAttention
            module.product = product
    return twin


CLOSED = "closed form"
LITERAL = {"loop over shifts": over_shifts, "outer product": outer_product}


class Training:
    """Steps of one network on clips of the pool, as `dmin train` takes them."""

    def __init__(self, network: DMIN, preset: str, pool: list[Sample], batch: int, device: str) -> None:
        recipe = recipe_of(preset)
        self.network = network.train().to(device)
        self.task = FullSupervision(network.config.categories, recipe.unimodal_weight)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
        self.clip = recipe.gradient_clip
        self.pool, self.batch, self.device = pool, batch, device
        self.times: list[float] = []

    def step(self, number: int) -> None:
        """Make a batch, go forward and backward, and change the weights; note how long that took."""
        size = min(self.batch, CLIPS - number * self.batch)  # an epoch's last batch is smaller
        start = time.perf_counter()
        chosen = torch.randint(len(self.pool), (size,)).tolist()
        batch = collate([self.pool[place] for place in chosen]).to(self.device)
        loss = self.task.losses(self.task.answer(self.network, batch), batch)["loss"]
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()
        loss.item()  # waits for a GPU
        self.times.append(time.perf_counter() - start)


def make_pool() -> list[Sample]:
    """Random clips of the released shape, float16 maps as a store holds them."""
    generator = torch.Generator().manual_seed(0)
    return [
        Sample(
            Window(f"{number}", 0, SECONDS),
            torch.rand(SECONDS, *MAP, generator=generator).half(),
            torch.rand(SECONDS, SOUND, generator=generator),
            torch.randint(CATEGORIES + 1, (1,), generator=generator).expand(SECONDS),
        )
        for number in range(POOL)
    ]


def measure(preset: str, device: str, pool: list[Sample], steps: int | None, batch: int) -> None:
    """Print a line for each version of a network."""
    config = replace(
        recipe_of(preset).model,
        visual_size=MAP[-1],
        audio_size=SOUND,
        category_names=tuple(f"c{number}" for number in range(CATEGORIES)),
    )
    torch.manual_seed(0)
    closed = DMIN(config)
    networks = {CLOSED: closed} | {name: literal_twin(closed, product) for name, product in LITERAL.items()}
    require_same(list(networks.values()), pool)
    whole = math.ceil(CLIPS / batch)
    few = min(steps or FEW_STEPS, whole)
    wanted = dict.fromkeys(networks, few) | {CLOSED: whole if steps is None and preset == "small" else few}
    runs = {name: Training(network, preset, pool, batch, device) for name, network in networks.items()}
    for run in runs.values():
        run.step(0)  # warm-up
        run.times.clear()
    for number in range(max(wanted.values())):
        for name, run in runs.items():
            if number < wanted[name]:
                run.step(number)
    for name, run in runs.items():
        if len(run.times) == whole:
            epoch, how = sum(run.times), f"measured, {whole} steps"
        else:
            epoch, how = statistics.median(run.times) * CLIPS / batch, f"extrapolated from {len(run.times)} steps"
        # Steps taken in turns are compared: the first few of each.
        ratio = statistics.median(run.times[:few]) / statistics.median(runs[CLOSED].times[:few])
        print(f"{device:<7}{preset:<15}{name:<18}{CLIPS / epoch:8.1f}{epoch:10.1f}{ratio:8.2f}   {how}", flush=True)


def require_same(networks: list[DMIN], pool: list[Sample]) -> None:
    """Make sure that all of them compute the same."""
    batch = collate(pool[:2])
    with torch.inference_mode():
        first, *others = [network.eval()(batch.visual, batch.audio, batch.padding_mask) for network in networks]
    for other in others:
        assert torch.allclose(first.relevance_logits, other.relevance_logits, atol=1e-4)
        assert torch.allclose(first.category_logits, other.category_logits, atol=1e-4)


def read_rate(pool: list[Sample], batch: int) -> float:
    """Clips a second that the loader brings from a store whose files the operating system still holds in memory."""
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore.create(folder, Settings("random", "1", "random", "1", 16.0, 16_000))
        names = [f"clip{number}" for number in range(STORED)]
        for name, sample in zip(names, pool, strict=False):
            store.write(name, ClipFeatures(sample.visual, sample.audio, float(SECONDS)))
        write_annotations(Path(folder) / "Annotations.txt", [Annotation("c0", name, "good", 0, 5) for name in names])
        (Path(folder) / "splits").mkdir()
        write_split(Path(folder) / "splits" / "train.txt", names)
        clips = ClipDataset(folder, "train")
        start = time.perf_counter()
        for _ in DataLoader(clips, batch, shuffle=True, collate_fn=collate):
            pass
        return len(clips) / (time.perf_counter() - start)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["small", "official-full"], help="presets of DMIN")
    parser.add_argument(
        "--steps",
        type=int,
        help=f"measure so many and extrapolate; default: a whole epoch of small in closed form, {FEW_STEPS} of others",
    )
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    pool = make_pool()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    name = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    print(f"{CLIPS} clips an epoch, batches of {options.batch}, float32, {torch.get_num_threads()} threads{name}")
    print("device network        eq. 13              clip/s   s/epoch   ratio   seconds are")
    for device in devices:
        for preset in options.networks:
            measure(preset, device, pool, options.steps, options.batch)
    rate = read_rate(pool, options.batch)
    print(f"reading {STORED} clips of a store, files cached, one process: {rate:.0f} clip/s")
    print(f"  extrapolated to an epoch: {CLIPS / rate:.1f} s")


if __name__ == "__main__":
    main()
