"""Networks of transformers by their names: ``hf:OWNER/NAME`` or ``hf:FOLDER``, for pictures and for sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from dmin.backbones import hf_images, hf_sounds
from dmin.backbones.homes import Home, home_of, is_code_trusted, reading
from dmin.backbones.registry import Backbone, Card
from dmin.errors import require

SCHEME = "hf:"
MODALITIES = ("visual", "audio")
_KINDS: dict[str, Any] = {"visual": hf_images, "audio": hf_sounds}


def home(name: str, version: str | None = None) -> Home:
    """Find the files of a network.

    Args:
        name: The backbone's, with its scheme.
        version: Of a card that is wanted again.

    Raises:
        MissingPackageError: The extra ``hub`` is not installed.
        ModelError: Its files cannot be had.
    """
    require("transformers", "hub")
    return home_of(SCHEME, name.removeprefix(SCHEME), version)


def card(home: Home, modality: str) -> Card:
    """The card of a network, by its configuration; its weights need not be there.

    Raises:
        ModelError: It cannot be read, or does not give features of this modality.
    """
    import transformers

    kind = _KINDS[modality]
    with reading(home), _quiet():
        config = transformers.AutoConfig.from_pretrained(home.folder, **_options())
        preparation = _preparation(home, kind)
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


def make(home: Home, modality: str) -> Backbone:
    """Load a network.

    Raises:
        ModelError: It cannot be read.
    """
    import transformers

    kind = _KINDS[modality]
    with reading(home), _quiet():
        whole = transformers.AutoModel.from_pretrained(home.folder, dtype=torch.float32, **_options())
        backbone: Backbone = kind.BACKBONE(kind.tower(whole), _preparation(home, kind))
    return backbone


def _facts(kind: Any, config: Any, preparation: Any, device: str) -> dict[str, Any]:
    """What a card says of a network, found out by one without its weights."""
    import transformers

    with torch.device(device):
        network = transformers.AutoModel.from_config(config, trust_remote_code=is_code_trusted())
    # Some networks put a parameter elsewhere.
    facts: dict[str, Any] = kind.facts(kind.tower(network.to(device)).eval(), preparation)
    return facts


def _preparation(home: Home, kind: Any) -> Any:
    import transformers

    return getattr(transformers, kind.PREPARATION).from_pretrained(home.folder, **_options())


def _options() -> dict[str, Any]:
    return {"trust_remote_code": is_code_trusted(), "local_files_only": True}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from printing bars, and notes on weights of towers that are not used."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
