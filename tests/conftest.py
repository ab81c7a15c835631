"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import torch
from hypothesis import settings

from loopback_hub import LoopbackHub
from tiny_stores import make_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dmin.backbones import Backbone
    from dmin.training.recipe import LocalizationRecipe

# Threads of two busy processes wait for each other on two cores, which makes small networks ten times slower.
torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else min(2, torch.get_num_threads()))
# An example's first run of a network may take long on a busy machine: no example has a deadline.
settings.register_profile("dmin", deadline=None)
settings.load_profile("dmin")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real material that may lie beside the repository; tests that need it are skipped without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with real photographs, recordings and clips is not here")
    return folder


@pytest.fixture
def make_known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes backbones of a test's own known, until it ends."""
    from dmin.backbones import registry

    def keep(*backbones: type[Backbone]) -> None:
        for backbone in backbones:
            monkeypatch.setitem(registry._makers._entries, backbone.card.name, (backbone.card, backbone))

    return keep


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackHub]:
    """A hub on the loopback, to which this process's client now talks as the user ann; the cache is empty."""
    running = LoopbackHub()
    running.use(monkeypatch, tmp_path / "hub-home", "token-of-ann")
    yield running
    running.close()


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of `make_store`; do not write to it."""
    return make_store(tmp_path_factory.mktemp("data") / "store")


@pytest.fixture(scope="session")
def tiny_recipe() -> LocalizationRecipe:
    """A recipe that learns the tiny store in seconds."""
    from dmin.layers import EncoderConfig, FusionConfig, InterModalityConfig, VisualAttentionConfig
    from dmin.models import DMINConfig
    from dmin.training.recipe import LocalizationRecipe

    network = DMINConfig(
        visual_width=16, width=16, visual_dropout=0.0,
        encoder=EncoderConfig(layers=1, heads=2, hidden=32, dropout=0.0),
        inter_modality=InterModalityConfig(heads=2, hidden=32, dropout=0.0),
        fusion=FusionConfig(heads=2, dropout=0.0),
        visual_attention=VisualAttentionConfig(size=8, bottleneck=8, dropout=0.0),
    )  # fmt: skip
    return LocalizationRecipe(
        model=network,
        epochs=40,
        batch_size=8,
        learning_rate=5e-3,
        milestones=(30,),
        gradient_clip=1.0,
        device="cpu",
    )


@pytest.fixture(scope="session")
def tiny_run(tiny_store: Path, tiny_recipe: LocalizationRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the tiny store; do not write to it."""
    from dmin.training.fit import fit

    run = tmp_path_factory.mktemp("run") / "tiny"
    fit(tiny_store, run, tiny_recipe)
    return run


@pytest.fixture(scope="session")
def tiny_backbones() -> None:
    """Backbones of the tiny store's names. Its features are there already, so they only need to exist."""
    from dmin.backbones import Backbone, Card, register

    words = {"input": "", "version": "1", "source": "", "licence": "", "citation": ""}
    register(Card("tiny-visual", "visual", (2, 2, 8), frames_per_second=2.0, rate_hz=0, **words))(Backbone)
    register(Card("tiny-audio", "audio", (6,), frames_per_second=0.0, rate_hz=100, **words))(Backbone)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of 64 x 48 pixels that brighten with the seconds; a tone in the middle second."""
    path = tmp_path_factory.mktemp("video") / "tiny $1$.mp4"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for i in range(30):
            picture = np.full((48, 64, 3), 40 + 80 * (i // 10), np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(pictures.encode(None))
        tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 16_000)
        tone[:16_000] = tone[32_000:] = 0
        samples = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
        samples.sample_rate = 16_000
        container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    return path
