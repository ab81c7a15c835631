"""Backbones by name, each with a card that says what it is and where it comes from."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from torch import Tensor, nn

from dmin.backbones.downloads import Download
from dmin.backbones.runtime import Runtime
from dmin.errors import ModelError, unknown_name
from dmin.media import FrameSize
from dmin.progress import Progress, silent
from dmin.registry import Registry

if TYPE_CHECKING:
    from dmin.backbones.homes import Home

_BUILT_IN = (
    "dmin.backbones.lite0",
    "dmin.backbones.lite0_kinds",
    "dmin.backbones.sfx",
    "dmin.backbones.vgg19",
    "dmin.backbones.vggish",
)
"""Modules that register a backbone when they are imported."""


BY_NAME = {
    "timm:": "dmin.backbones.timm_names",
    "hf:": "dmin.backbones.hf_names",
    "hf-text:": "dmin.backbones.hf_texts",
}
"""Modules that find networks of a library by name; what stands before the name says which."""
_OTHERS = {
    "visual": "any network of timm is timm:NAME, of transformers hf:OWNER/NAME; one of your own needs --plugin FILE",
    "audio": "any network of transformers is hf:OWNER/NAME; one of your own needs --plugin FILE",
}
READING = {"visual": "CLIP's or SigLIP's kind", "audio": "CLAP's kind"}
"""Networks of transformers that have a text tower."""
_SQUASHED = FrameSize(224, 224)


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
    frame_size: FrameSize | None = _SQUASHED
    """Size at which frames are decoded; None leaves them as they are."""
    context_seconds: float = 1.0
    """Sound that the network hears at once: 1 is the second alone, more is the second in its surroundings."""
    frame_wise: bool = False
    """True if the network describes each second of a long input; False if it describes all of it by one vector."""
    space: str = ""
    """Name of the space that the features share with texts; empty if there is none. Two of one name are one space."""

    @property
    def terms(self) -> str:
        """One line: version, licence and source, to be said before the network is used for the first time."""
        return f"{self.name}, {self.version}: licence {self.licence}; {self.source}"


@dataclass(frozen=True)
class TextTower:
    """Reads texts into the space of a backbone's features."""

    embed: Callable[[Sequence[str]], Tensor]
    """Texts -> [N, D]; maps averaged over their regions, or vectors, are compared with them by their cosine."""
    scale: float
    """Factor of the cosines: softmax of what comes of it gives probabilities, as in the network's training."""


class Backbone(nn.Module):
    """A frozen network.

    Visual: uint8 frames [N, H, W, 3] -> maps [N, h, w, D_v]. Audio: waveforms [N, S] -> vectors [N, D_a]; S samples are
    the card's ``context_seconds``, and what is described is the second in their middle. Frame-wise audio: waveforms
    [N, S] of T whole seconds, at most ``context_seconds`` -> [N, T, D_a].

    Its forward prepares the inputs and gives them to `run`; one that computes everything itself runs on torch.
    """

    card: Card
    network: nn.Module
    runtime: Runtime | None = None

    def compute(self, inputs: Tensor) -> Tensor:
        """The part that takes the time: prepared inputs, float32 [N, ...] of one shape -> outputs [N, ...]."""
        outputs: Tensor = self.network(inputs)
        return outputs

    def run(self, inputs: Tensor) -> Tensor:
        """`compute` by the fastest library for the device that the inputs are on."""
        return self.compute(inputs) if self.runtime is None else self.runtime(self.compute, inputs)

    def text_tower(self) -> TextTower:
        """Give what reads texts; backbones whose card names a space have it.

        Raises:
            ModelError: There is none.
        """
        raise ModelError(f"{self.card.name} has no text_tower, though its card names the space {self.card.space!r}")

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
    """Cards of all backbones that are registered, by name."""
    return {name: card for name, (card, _) in _known().items()}


def card_of(name: str, modality: str, version: str | None = None) -> Card:
    """The card of a backbone of one modality.

    Args:
        name: A registered one's, or that of a network of timm or transformers, ``timm:NAME`` or ``hf:NAME``.
        modality: "visual" or "audio".
        version: Of a card that is wanted again; networks of the hub may have changed since.

    Raises:
        ModelError: There is none of that name, or its configuration cannot be had.
        MissingPackageError: The extra ``hub`` is needed.
    """
    if (library := _library(name)) is not None:
        if modality not in library.MODALITIES:
            raise ModelError(f"{name} is no {modality} backbone: {library.SCHEME}NAME is for {library.MODALITIES[0]}")
        return _card(library.home(name, version), library.SCHEME, modality)
    known = {card.name: card for card in cards().values() if card.modality == modality}
    if name not in known:
        raise ModelError(f"{unknown_name(f'{modality} backbone', name, known)}; {_OTHERS[modality]}")
    return known[name]


def find(name: str, modality: str, version: str | None = None) -> Card | None:
    """As `card_of`; None if nobody has registered the name, e.g. that of AVE's released features."""
    return cards().get(name) if _library(name) is None else card_of(name, modality, version)


def fetch(name: str, progress: Progress = silent, version: str | None = None) -> None:
    """Download a backbone's weights, if it has any to download that are not there yet. `create` does so silently.

    Raises:
        ModelError: There is none of this name, or its weights cannot be had.
    """
    if (library := _library(name)) is not None:
        library.home(name, version).fetch(progress)
    elif (download := _known()[name][0].download) is not None:
        download.fetch(progress)


def create(name: str, modality: str | None = None, version: str | None = None, *, fast: bool = False) -> Backbone:
    """Load a backbone, frozen.

    Args:
        name: As for `card_of`.
        modality: "visual" or "audio", for a network that is not registered.
        version: As for `card_of`.
        fast: Compute in bfloat16; these features do not mix with exact ones.

    Raises:
        ModelError: There is none of this name, or its weights cannot be had.
        MissingPackageError: The extra ``hub`` is needed.
    """
    if (library := _library(name)) is not None:
        modality = modality or library.MODALITIES[0]
        card = card_of(name, modality, version)
        home = library.home(name, card.version)
        home.fetch(silent)
        backbone: Backbone = library.make(home, modality)
    else:
        card, maker = _known()[name]
        backbone = maker()
    backbone.card = card
    backbone.runtime = Runtime(card.name, fast)
    backbone.freeze()
    return backbone


def card_that_reads(name: str, modality: str) -> Card:
    """As `card_of`, for a backbone whose features share a space with texts; ``hf:NAME`` stands for ``hf-text:NAME``.

    Raises:
        ModelError: There is none of that name, it does not read, or its configuration cannot be had.
        MissingPackageError: The extra ``hub`` is needed.
    """
    card = card_of(name.replace("hf:", "hf-text:", 1) if name.startswith("hf:") else name, modality)
    if not card.space:
        known = [other.name for other in cards().values() if other.modality == modality and other.space]
        raise ModelError(f"{name} does not read: give {' or '.join([f'hf:OWNER/NAME of {READING[modality]}', *known])}")
    return card


def text_tower(card: Card) -> TextTower:
    """Load what reads texts into the space of a backbone.

    Args:
        card: Of a backbone that reads; see `card_that_reads`.

    Raises:
        ModelError: Its weights cannot be had.
    """
    library = _library(card.name)
    if library is None:
        return create(card.name).text_tower()
    tower: TextTower = library.text_tower(library.home(card.name, card.version), card.modality)
    return tower


def _library(name: str) -> Any:
    """The module that finds a network by such a name; None if the name is a registered one's."""
    module = BY_NAME.get(name[: name.find(":") + 1])
    return None if module is None else importlib.import_module(module)


@cache
def _card(home: Home, scheme: str, modality: str) -> Card:
    card: Card = _library(scheme).card(home, modality)
    return card


def _known() -> Registry[tuple[Card, Callable[[], Backbone]]]:
    for module in _BUILT_IN:
        importlib.import_module(module)
    return _makers
