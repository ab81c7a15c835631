"""Networks of transformers by their names: ``hf:OWNER/NAME`` or ``hf:FOLDER``, for pictures and for sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import torch

from dmin.backbones import hf_images, hf_sounds
from dmin.backbones.homes import Home, home_of, is_code_trusted, reading
from dmin.backbones.registry import Backbone, Card
from dmin.errors import ModelError, require

SCHEME = "hf:"
MODALITIES = ("visual", "audio")


@dataclass(frozen=True)
class Kind:
    """A way to make a backbone of a network of transformers."""

    preparation: Callable[[Any], str]
    """Gives the class of transformers that prepares the input of a network with a configuration."""
    tower: Callable[[Any], Any]
    """Gives the part of a whole network that sees, or hears."""
    facts: Callable[[Any, Any], dict[str, Any]]
    """Gives what a card says of such a part and what prepares its input."""
    backbone: Callable[[Any, Any], Backbone]
    """Makes the backbone of the same two."""
    unread: tuple[str, ...] = ()
    """Parts of the names of weights that play no part in the features, so that a checkpoint may lack them."""


_KINDS = {
    "visual": Kind(
        hf_images.preparation, hf_images.tower, hf_images.facts, hf_images.HfImages, ("pooler", "mask_token")
    ),
    "audio": Kind(hf_sounds.preparation, hf_sounds.tower, hf_sounds.facts, hf_sounds.HfSounds, ("masked_spec_embed",)),
}


def home(name: str, version: str | None = None, scheme: str = SCHEME) -> Home:
    """Find the files of a network.

    Args:
        name: The backbone's, with its scheme.
        version: Of a card that is wanted again.
        scheme: What the name begins with.

    Raises:
        MissingPackageError: The extra ``hub`` is not installed.
        ModelError: Its files cannot be had.
    """
    require("transformers", "hub")
    return home_of(scheme, name.removeprefix(scheme), version)


def card(home: Home, modality: str, kinds: Mapping[str, Kind] = _KINDS) -> Card:
    """The card of a network, by its configuration; its weights need not be there.

    Args:
        home: Where its files lie.
        modality: "visual" or "audio".
        kinds: What is made of it, by modality.

    Raises:
        ModelError: It cannot be read, or does not give features of this modality.
    """
    import transformers

    kind = kinds[modality]
    with reading(home), _quiet():
        config = transformers.AutoConfig.from_pretrained(home.folder, **options())
        preparation = _preparation(home, kind, config)
        try:
            facts = _facts(kind, config, preparation, "meta")
        except NotImplementedError:  # what depends on values cannot be computed without any
            facts = _facts(kind, config, preparation, "cpu")
    return Card(
        name=home.name,
        modality="visual" if modality == "visual" else "audio",
        version=home.version,
        source=f"{home.source} (weights), transformers {config.model_type} (network)",
        licence=home.licence or "not stated",
        citation=f"see {home.source}",
        **facts,
    )


def make(home: Home, modality: str, kinds: Mapping[str, Kind] = _KINDS) -> Backbone:
    """Load a network; the arguments are those of `card`.

    Raises:
        ModelError: It cannot be read.
    """
    kind = kinds[modality]
    with loading(home, kind.unread) as network:
        return kind.backbone(kind.tower(network), _preparation(home, kind, network.config))


@contextmanager
def loading(home: Home, unread: tuple[str, ...] = ()) -> Iterator[Any]:
    """Load a whole network with its weights; errors within the context are told as its own.

    Args:
        home: Where its files lie.
        unread: As a `Kind` has them.

    Raises:
        ModelError: It cannot be read, or weights are missing, for which the library would take random numbers.
    """
    import transformers

    with reading(home), _quiet():
        network, found = transformers.AutoModel.from_pretrained(
            home.folder, dtype=torch.float32, output_loading_info=True, **options()
        )
        missing = sorted(name for name in found["missing_keys"] if not any(part in name for part in unread))
        if missing:
            raise ModelError(
                f"{len(missing)} of its weights are missing, {missing[0]} for one: fetch its files again, or give "
                "another network"
            )
        yield network.eval()


def _facts(kind: Kind, config: Any, preparation: Any, device: str) -> dict[str, Any]:
    """What a card says of a network, found out by one without its weights."""
    import transformers

    with torch.device(device):
        network = transformers.AutoModel.from_config(config, trust_remote_code=is_code_trusted())
    # Some networks put a parameter elsewhere.
    return kind.facts(kind.tower(network.to(device)).eval(), preparation)


def _preparation(home: Home, kind: Kind, config: Any) -> Any:
    import transformers

    return getattr(transformers, kind.preparation(config)).from_pretrained(home.folder, **options())


def options() -> dict[str, Any]:
    """Options of all that transformers loads from a folder."""
    return {"trust_remote_code": is_code_trusted(), "local_files_only": True}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from printing bars, and notes on weights of towers that are not used."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stdout(StringIO()):  # some networks print remarks on their own documentation
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
