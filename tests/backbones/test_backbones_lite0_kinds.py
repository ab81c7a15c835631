"""Scores of WordNet's kinds: which classes are of them, and that they are sums of the backbone's own class scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from backbones_threads import one_thread  # noqa: F401  # fixtures
from PIL import Image

from dmin.backbones import create
from dmin.backbones.lite0_kinds import FLOOR, KINDS, kinds


def test_kinds_hold_the_classes_that_everyone_knows() -> None:
    table = kinds()
    assert len(table) == KINDS
    assert table["dog"] == tuple(range(151, 269))
    assert table["bird"] == (*range(7, 25), *range(80, 101), *range(127, 147))
    assert {401, 513, 776, 875} <= set(table["wind_instrument"])  # accordion, cornet, sax, trombone
    assert all(2 <= len(classes) <= 900 and max(classes) < 1000 for classes in table.values())
    assert set(table["dog"]) < set(table["canine"]) < set(table["animal"])


def test_levels_are_sums_of_class_scores_block_by_block() -> None:
    plain, summed = create("lite0"), create("lite0-kinds")
    frames = torch.randint(0, 256, (2, 60, 80, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps, levels = plain(frames), summed(frames)
    for row, column in ((0, 0), (1, 2)):
        block = maps[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]  # [2, 3, 3, 1280]
        features = (block + maps.mean((1, 2))[:, None, None]) / 2
        scores = plain.network.classifier(features).softmax(-1)  # [2, 3, 3, 1000]
        for name in ("dog", "artifact"):
            expected = (torch.log(1 + scores[..., list(kinds()[name])].sum(-1) / FLOOR) / 2).mean((1, 2))
            found = levels[:, row, column, list(kinds()).index(name)]
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_a_breed_counts_as_a_dog_wherever_it_stands_in_the_table(shared: Path) -> None:
    backbone = create("lite0-kinds")
    dog, bird = (list(kinds()).index(name) for name in ("dog", "bird"))
    paths = sorted((shared / "bank" / "pictures" / "Dog").glob("imagenet-*.jpg"))[:8]
    frames = torch.stack([torch.from_numpy(np.array(Image.open(p).convert("RGB").resize((224, 224)))) for p in paths])
    with torch.inference_mode():
        levels = backbone(frames)
    wins = (levels[..., dog].amax((1, 2)) > levels[..., bird].amax((1, 2)) + 1).sum()
    assert wins >= len(paths) - 1


@pytest.mark.parametrize("name", ["dog", "bird", "musical_instrument", "vehicle"])
def test_kinds_have_readable_names(name: str) -> None:
    assert name in kinds()
