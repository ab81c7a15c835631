"""EfficientNet-Lite0's class scores for each region of a picture, summed over WordNet's kinds of things.

A network that learns dogs from two dozen photographs learns those breeds from the 1280 features, and takes another
breed for no dog at all. The backbone itself was trained on 118 breeds: its class scores, summed over "dog", "canine",
"animal", ..., say so for any of them. A region's scores come from its own features averaged with the whole picture's,
so that they know the context and still tell where; single regions are fickle, so blocks of 3 x 3 are averaged.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from dmin.backbones import lite0
from dmin.backbones.registry import register

KINDS_FILE = Path(__file__).with_name("imagenet_kinds.tsv")
KINDS = 392
BLOCKS = 3
"""A side of the map: overlapping blocks of three regions, 0-2, 2-4 and 4-6."""
FLOOR = 1e-3
"""Scores below this differ little from 0, and matter little."""

CARD = replace(
    lite0.CARD,
    name="lite0-kinds",
    output_shape=(BLOCKS, BLOCKS, KINDS),
    input=f"{lite0.CARD.input}; channels are ln(1 + 1000 p) / 2 of {KINDS} WordNet kinds",
    source=f"{lite0.CARD.source}; kinds of ImageNet's classes from WordNet 3.0",
    licence="Apache-2.0; WordNet licence",
    citation=f"{lite0.CARD.citation}; Fellbaum, WordNet, MIT Press 1998",
)


@register(CARD)
class Lite0Kinds(lite0.Lite0):
    """Frames uint8 [N, H, W, 3] of any size -> levels float32 [N, 3, 3, 392], channels last, 0 to 3.5."""

    members: Tensor
    """[1000, 392], 1 where a class is of a kind."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("members", _members(), persistent=False)

    def compute(self, inputs: Tensor) -> Tensor:
        """Levels [N, 3, 3, 392] of pictures float32 [N, 224, 224, 3] on the scale 0..255."""
        maps = super().compute(inputs)
        in_context = (maps + maps.mean((1, 2), keepdim=True)) / 2  # [N, 7, 7, 1280]
        scores = self.network.classifier(in_context).softmax(-1) @ self.members  # [N, 7, 7, 392]
        levels = torch.log1p(scores / FLOOR) / 2
        return F.adaptive_avg_pool2d(levels.permute(0, 3, 1, 2), BLOCKS).permute(0, 2, 3, 1)


@cache
def kinds() -> dict[str, tuple[int, ...]]:
    """ImageNet's classes by the kind of thing they are; where two kinds share a word, a number tells them apart.

    Example:
        >>> len(kinds()), kinds()["dog"][0], kinds()["dog"][-1]
        (392, 151, 268)
    """
    table: dict[str, tuple[int, ...]] = {}
    for line in KINDS_FILE.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            word, classes = line.split("\t")
            name = word if word not in table else f"{word}-{sum(key.split('-')[0] == word for key in table) + 1}"
            table[name] = tuple(_numbers(classes))
    return table


def _numbers(ranges: str) -> list[int]:
    numbers: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _members() -> Tensor:
    members = torch.zeros(1000, KINDS)
    for column, classes in enumerate(kinds().values()):
        members[list(classes), column] = 1
    return members
