"""Every backbone of the registry keeps what its card promises; with random weights where the real ones are not here."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from backbones_random import random_weights  # noqa: F401  # fixtures
from backbones_threads import one_thread  # noqa: F401  # fixtures
from torch import Tensor

from dmin.backbones import Backbone, Card, cards, create, register, registry
from dmin.errors import ModelError

cards()  # imports the built-in modules
BUILT_IN = {name: card for name, (card, maker) in registry._makers.items() if maker.__module__ in registry._BUILT_IN}
"""Other tests may register backbones of their own: those are not meant."""
VISUAL = [name for name, card in BUILT_IN.items() if card.modality == "visual"]
AUDIO = [name for name, card in BUILT_IN.items() if card.modality == "audio"]


@pytest.fixture(scope="module", params=BUILT_IN)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return loaded(request.param)


def loaded(name: str) -> Backbone:
    try:
        return create(name)
    except ModelError as error:
        pytest.skip(f"the weights of {name} cannot be had here: {error}")


def inputs(card: Card, count: int) -> Tensor:
    """Pictures with soft patterns, or chords, no two alike."""
    if card.modality == "visual":
        coarse = np.random.default_rng(0).integers(0, 256, (count, 3, 5, 5)).astype(np.float32)
        pictures = torch.nn.functional.interpolate(torch.from_numpy(coarse), (224, 224), mode="bilinear")
        return pictures.permute(0, 2, 3, 1).to(torch.uint8)
    time = torch.arange(card.rate_hz) / card.rate_hz
    return torch.stack(
        [0.2 * torch.sin(6.28 * (220 * (n + 1)) * time) + 0.1 * torch.sin(6.28 * 3000 * time) for n in range(count)]
    )


def assert_close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


class TestEachBuiltIn:
    def test_card_is_complete(self, backbone: Backbone) -> None:
        card = backbone.card
        assert card is cards()[card.name]
        for words in (card.name, card.input, card.version, card.source, card.licence, card.citation):
            assert words.strip()
        if card.modality == "visual":
            assert (len(card.output_shape), card.rate_hz) == (3, 0)
            assert card.frames_per_second > 0
        else:
            assert (card.modality, len(card.output_shape), card.frames_per_second) == ("audio", 1, 0)
            assert card.rate_hz > 0
        if (download := card.download) is not None:
            assert download.url.startswith("https://")
            assert len(download.digest) == {"sha256": 64, "md5": 32}[download.algorithm]
            assert f"{download.megabytes} MB" in card.source

    def test_output_has_the_cards_shape(self, backbone: Backbone) -> None:
        for count in (1, 2):
            features = backbone(inputs(backbone.card, count))
            assert tuple(features.shape) == (count, *backbone.card.output_shape)
            assert features.dtype == torch.float32
            assert features.isfinite().all()

    def test_inputs_of_a_batch_do_not_meet(self, backbone: Backbone) -> None:
        several = inputs(backbone.card, 3)
        together = backbone(several)
        assert_close(together[[2, 0, 1]], backbone(several[[2, 0, 1]]))
        assert_close(together[1:2], backbone(several[1:2]))
        assert not torch.allclose(together[0], together[1])

    def test_is_frozen(self, backbone: Backbone) -> None:
        assert not any(module.training for module in backbone.modules())
        assert not any(parameter.requires_grad for parameter in backbone.parameters())
        assert not any(
            isinstance(module, (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd))
            and module.training
            for module in backbone.modules()
        )
        with torch.enable_grad():
            assert not backbone(inputs(backbone.card, 1)).requires_grad

    def test_is_deterministic(self, backbone: Backbone) -> None:
        some = inputs(backbone.card, 2)
        before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
        torch.testing.assert_close(backbone(some), backbone(some), rtol=0, atol=0)
        assert all(torch.equal(tensor, before[name]) for name, tensor in backbone.state_dict().items())

    def test_loads_the_same_again(self, backbone: Backbone) -> None:
        again = create(backbone.card.name)
        assert again is not backbone
        torch.testing.assert_close(again(inputs(backbone.card, 1)), backbone(inputs(backbone.card, 1)), rtol=0, atol=0)

    def test_has_a_module_of_its_own(self, backbone: Backbone) -> None:
        module = importlib.import_module(type(backbone).__module__)
        assert module.__doc__
        assert type(backbone).__doc__


@pytest.mark.parametrize("name", VISUAL)
def test_frames_of_other_sizes(name: str) -> None:
    backbone = loaded(name)
    frames = inputs(backbone.card, 1)
    whole = backbone(frames)
    for height, width in ((16, 16), (120, 360), (448, 448)):
        pictures = torch.nn.functional.interpolate(
            frames.permute(0, 3, 1, 2).float(), (height, width), mode="bilinear", antialias=True
        )
        features = backbone(pictures.permute(0, 2, 3, 1).to(torch.uint8))
        assert tuple(features.shape) == (1, *backbone.card.output_shape)
        if min(height, width) > 100:  # the same picture, squashed back
            cosine = torch.nn.functional.cosine_similarity(features.flatten(1), whole.flatten(1))
            assert cosine > 0.9


@pytest.mark.parametrize("name", VISUAL)
def test_black_and_white(name: str) -> None:
    backbone = loaded(name)
    frames = torch.stack(
        [torch.zeros(224, 224, 3, dtype=torch.uint8), torch.full((224, 224, 3), 255, dtype=torch.uint8)]
    )
    assert backbone(frames).isfinite().all()


@pytest.mark.parametrize("name", AUDIO)
def test_silence_and_full_scale(name: str) -> None:
    backbone = loaded(name)
    noise = 2 * torch.rand(1, backbone.card.rate_hz, generator=torch.Generator().manual_seed(0)) - 1
    features = backbone(torch.cat([torch.zeros_like(noise), noise, noise.sign()]))
    assert features.isfinite().all()
    assert not torch.allclose(features[0], features[1])


class TestRegister:
    @pytest.fixture(autouse=True)
    def _registry_as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry._makers, "_entries", dict(registry._makers))

    def test_a_class_or_a_function(self) -> None:
        words = dict.fromkeys(("input", "version", "source", "licence", "citation"), "none")
        card = Card("mine", "audio", (3,), frames_per_second=0.0, rate_hz=8000, **words)

        @register(card)
        def make() -> Backbone:
            network = Backbone()
            network.layer = torch.nn.Linear(2, 2)
            return network

        assert isinstance(make(), Backbone)  # the decorator leaves it as it is
        made = create("mine")
        assert made.card is card is cards()["mine"]
        assert not made.training
        assert not any(parameter.requires_grad for parameter in made.parameters())

    def test_an_unknown_name(self) -> None:
        with pytest.raises(
            ModelError, match=r"unknown backbone 'lite': did you mean 'lite0' or 'lite0-kinds'\? Known: .*lite0, .*sfx"
        ):
            create("lite")
