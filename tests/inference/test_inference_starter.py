"""The model that ships inside the package: whole, small, and what its card claims on real footage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dmin import Events, Localizer
from dmin.backbones import is_fast
from dmin.inference import STARTER

CATEGORIES = (
    "Accordion", "Clock", "Dog", "ElectricGuitar", "Euphonium", "Helicopter",
    "Piano", "Rain", "Rooster", "Saxophone", "Sea", "Speech",
)  # fmt: skip
NOTHING_KNOWN = (
    "ZYc410CE4Rg_0_10000", "v_GGSY1Qvo990", "1aDnyPubxdY_118000_128000", "Qowmc0P9ic_34000_44000",
    "3HgbEKrbA9s_54000_64000", "53UdZyM9MyE_252000_262000", "0nib7bMm8BA_15000_25000", "7fRaV39Y-2o_50000_60000",
    "fireworks_video_02997",
)  # fmt: skip
"""Clips of none of the categories."""


@pytest.fixture(scope="module")
def starter() -> Localizer:
    return Localizer.from_pretrained()


@pytest.fixture(scope="module")
def found(starter: Localizer, shared: Path) -> dict[str, Events]:
    return {path.stem: starter(path) for path in sorted((shared / "clips").glob("*.mp4"))}


def best_category(events: Events) -> str:
    names = list(events.seconds[0].scores)
    return names[int(np.mean([[second.scores[name] for name in names] for second in events.seconds], 0).argmax())]


def test_it_is_small_and_whole() -> None:
    assert {"model.safetensors", "config.json", "localizer.json", "README.md"} <= {p.name for p in STARTER.iterdir()}
    assert sum(path.stat().st_size for path in STARTER.iterdir()) <= 8_000_000


def test_it_is_what_a_localizer_is_unasked(starter: Localizer) -> None:
    assert starter.name == "starter"
    assert sorted(starter.categories) == list(CATEGORIES)


def relevances(events: Events) -> list[float]:
    return [second.relevance for second in events.seconds]


def spans(events: Events) -> list[tuple[float, float, str]]:
    return [(event.start_seconds, event.end_seconds, event.category) for event in events]


@pytest.mark.slow
def test_openvino_changes_no_answer(
    starter: Localizer, found: dict[str, Events], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backbone in (starter.visual, starter.audio):
        monkeypatch.setattr(backbone, "runtime", None)  # torch alone
    for name in ("3qesirWAGt4_20000_30000", "0nib7bMm8BA_15000_25000"):
        by_torch = starter(shared / "clips" / f"{name}.mp4")
        assert relevances(found[name]) == pytest.approx(relevances(by_torch), abs=1e-3)
        assert spans(found[name]) == spans(by_torch)


@pytest.mark.slow
def test_fast_answers_are_the_same_to_a_tenth(found: dict[str, Events], shared: Path) -> None:
    if not is_fast(torch.device("cpu")):
        pytest.skip("this machine has no instructions for bfloat16")
    starter = Localizer.from_pretrained(device="cpu", fast=True)
    for name in ("3qesirWAGt4_20000_30000", "0nib7bMm8BA_15000_25000"):
        fast = starter(shared / "clips" / f"{name}.mp4")
        assert relevances(fast) != relevances(found[name])
        assert relevances(fast) == pytest.approx(relevances(found[name]), abs=0.1)
        assert spans(fast) == spans(found[name])


@pytest.mark.slow
def test_the_barking_dog_is_a_dog_and_barking_counts_more_than_silence(found: dict[str, Events]) -> None:
    events = found["3qesirWAGt4_20000_30000"]
    relevance = [second.relevance for second in events.seconds]
    assert best_category(events) == "Dog"
    assert np.mean(relevance[:7]) > np.mean(relevance[7:])


@pytest.mark.slow
def test_the_beagle_is_a_dog(found: dict[str, Events]) -> None:
    events = found["dog_video_02677"]
    assert best_category(events) == "Dog"
    assert {event.category for event in events} == {"Dog"}


@pytest.mark.slow
def test_few_clips_of_nothing_known_have_events(found: dict[str, Events]) -> None:
    assert len([name for name in NOTHING_KNOWN if len(found[name])]) <= 2
