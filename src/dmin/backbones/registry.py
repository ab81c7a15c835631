"""Backbones by name, each with a card that says what it is and where it comes from."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from torch import nn

from dmin.backbones.downloads import Download
from dmin.errors import ModelError, unknown_name
from dmin.media import FrameSize
from dmin.progress import Progress, silent
from dmin.registry import Registry

_BUILT_IN = (
    "dmin.backbones.lite0",
    "dmin.backbones.lite0_kinds",
    "dmin.backbones.sfx",
    "dmin.backbones.vgg19",
    "dmin.backbones.vggish",
)
"""Modules that register a backbone when they are imported."""


@dataclass(frozen=True)
class Card:
    """Facts about a backbone."""

    name: str
    modality: Literal["visual", "audio"]
    output_shape: tuple[int, ...]
    """Of one frame's map (H, W, D_v), or of one second's vector (D_a,)."""
    input: str
    """In words: size, rate, scaling."""
    frames_per_second: float
    """Frames that are averaged into a second's map; 0 for audio."""
    rate_hz: int
    """Sampling rate; 0 for visual."""
    version: str
    """Changes whenever the features do: weights, preprocessing."""
    source: str
    licence: str
    citation: str
    download: Download | None = None
    """Weights that are downloaded at first use; None if they come with a package, or from a hub."""
    frame_size: FrameSize | None = FrameSize(224, 224)
    """Size at which frames are decoded; None leaves them as they are."""
    context_seconds: float = 1.0
    """Sound that the network hears at once: 1 is the second alone, more is the second in its surroundings."""
    frame_wise: bool = False
    """True if the network describes each second of a long input; False if it describes all of it by one vector."""


class Backbone(nn.Module):
    """A frozen network.

    Visual: uint8 frames [N, H, W, 3] -> maps [N, h, w, D_v]. Audio: waveforms [N, S] -> vectors [N, D_a]; S samples are
    the card's ``context_seconds``, and what is described is the second in their middle. Frame-wise audio: waveforms
    [N, S] of T whole seconds, at most ``context_seconds`` -> [N, T, D_a].
    """

    card: Card

    def freeze(self) -> None:
        """Switch to inference for good."""
        self.eval().requires_grad_(False)


Maker = TypeVar("Maker", bound=Callable[[], Backbone])
_makers: Registry[tuple[Card, Callable[[], Backbone]]] = Registry("backbone")


def register(card: Card) -> Callable[[Maker], Maker]:
    """Decorate what makes a backbone (a class or a function without arguments) to make it known by its card's name.

    Raises:
        ModelError: The name belongs to another backbone.
    """

    def keep(maker: Maker) -> Maker:
        _makers.add(card.name, (card, maker))
        return maker

    return keep


def cards() -> dict[str, Card]:
    """Cards of all backbones, by name."""
    return {name: card for name, (card, _) in _known().items()}


def card_of(name: str, modality: str) -> Card:
    """The card of a backbone of one modality.

    Raises:
        ModelError: There is none of that name.
    """
    known = {card.name: card for card in cards().values() if card.modality == modality}
    if name not in known:
        raise ModelError(unknown_name(f"{modality} backbone", name, known))
    return known[name]


def fetch(name: str, progress: Progress = silent) -> None:
    """Download a backbone's weights, if it has any to download that are not there yet. `create` does so silently.

    Raises:
        ModelError: There is none of this name, or its weights cannot be had.
    """
    if (download := _known()[name][0].download) is not None:
        download.fetch(progress)


def create(name: str) -> Backbone:
    """Load a backbone, frozen.

    Raises:
        ModelError: There is none of this name, or its weights cannot be had.
    """
    card, maker = _known()[name]
    backbone = maker()
    backbone.card = card
    backbone.freeze()
    return backbone


def _known() -> Registry[tuple[Card, Callable[[], Backbone]]]:
    for module in _BUILT_IN:
        importlib.import_module(module)
    return _makers
