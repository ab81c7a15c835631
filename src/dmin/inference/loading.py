"""Loading shared by `Localizer` and `Matcher`: a model by its name, and the backbones it was trained on."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar, cast

from dmin import backbones
from dmin.backbones import Backbone
from dmin.device import device_of
from dmin.errors import ModelError
from dmin.models import PretrainedModel, pretrained
from dmin.models.settings import InferenceSettings
from dmin.models.systems import load_network

_log = logging.getLogger("dmin")
STARTER = Path(__file__).parent / "starter"
"""The model of events that comes with dmin."""

Network = TypeVar("Network", bound=PretrainedModel)
SettingsOfTask = TypeVar("SettingsOfTask", bound=InferenceSettings)


def faster(settings: SettingsOfTask, device: str) -> SettingsOfTask:
    """Settings whose backbones compute in bfloat16.

    Raises:
        ModelError: The device is not fast at it.
    """
    backbones.require_fast(device_of(device))
    return replace(settings, fast=True)


class Trained(ABC, Generic[Network, SettingsOfTask]):
    """A network with its settings and backbones, on a device; subclasses say what it answers.

    Raises:
        ModelError: The network was trained on features of another version of its backbones.
    """

    network: ClassVar[type[PretrainedModel]]
    """Base of the networks that fit."""
    settings_type: ClassVar[type[InferenceSettings]]
    """Type of the settings stored beside its weights."""

    def __init__(self, model: Network, settings: SettingsOfTask, name: str, device: str = "auto") -> None:
        # Converted checkpoints may be double, which no device is fast at.
        self.device = device_of(device)
        self.model: Network = model.eval().float().to(self.device)
        self.settings = settings
        self.name = name
        for kind, rate in (("visual", "frames_per_second"), ("audio", "rate_hz")):
            wanted = getattr(settings, kind)
            card = backbones.find(wanted, kind, getattr(settings, f"{kind}_version"))
            if card is None:
                continue  # e.g. AVE's released features: such a model can score a store, but hear and see no video
            trained = (getattr(settings, f"{kind}_version"), getattr(settings, rate))
            here = (card.version, getattr(card, rate))
            if trained != here:
                raise ModelError(
                    f"model {name!r} was trained on features of {wanted} {trained[0]} ({rate} {trained[1]:g}), here is "
                    f"{here[0]} ({here[1]:g}): give the files and the dmin it was trained with, or train it again"
                )
            getattr(self, kind)  # loaded now, so that weights that cannot be had are no surprise later

    @cached_property
    def digest(self) -> str:
        """A few letters that differ between models of other weights, networks or settings."""
        found = hashlib.sha256(f"{self.model.config!r}{self.settings!r}".encode())
        for name, weights in sorted(self.model.state_dict().items()):
            found.update(name.encode() + weights.cpu().contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    @cached_property
    def visual(self) -> Backbone:
        """The visual backbone.

        Raises:
            ModelError: dmin has none of this name, or its weights cannot be had.
        """
        s = self.settings
        return backbones.create(s.visual, "visual", s.visual_version, fast=self._is_fast).to(self.device)

    @cached_property
    def audio(self) -> Backbone:
        """The audio backbone.

        Raises:
            ModelError: dmin has none of this name, or its weights cannot be had.
        """
        s = self.settings
        return backbones.create(s.audio, "audio", s.audio_version, fast=self._is_fast).to(self.device)

    @property
    def _is_fast(self) -> bool:
        """True if the backbones compute in bfloat16; elsewhere than on such machines, exact ones do for them."""
        return self.settings.fast and backbones.is_fast(self.device)

    @classmethod
    def _load(cls, name_or_path: str | Path, device: str, revision: str | None, fast: bool = False) -> Self:
        """Load a model; `from_pretrained` of the subclasses says what may be given."""
        name = str(name_or_path)
        folder = folder_of(name, revision)
        # Subclasses name the very classes that they fill the variables of this one with.
        model = cast(Network, load_network(folder, cls.network))
        settings = cast(SettingsOfTask, cls.settings_type.load(folder))
        trained = cls(model, faster(settings, device) if fast else settings, named(name, revision), device)
        _log.info("%s", trained.about)
        return trained

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the network and its settings to a folder that `from_pretrained` and all commands load.

        The backbones are not in it; a machine that loads it must be able to get them.
        """
        self.model.save_pretrained(folder)
        self.settings.save(Path(folder))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.about})"

    @property
    @abstractmethod
    def about(self) -> str:
        """One line: what the model can do."""


def folder_of(name_or_path: str, revision: str | None = None) -> Path:
    """The folder of a model; one of the hub is downloaded.

    Args:
        name_or_path: As given to `from_pretrained`.
        revision: Branch, tag or commit of a model of the hub; its main branch by default.

    Raises:
        ModelError: There is no such model; the message says what may be given.
    """
    path = str(STARTER) if name_or_path == STARTER.name else name_or_path
    return pretrained.folder_of(path, "give 'starter', a folder that `dmin train` wrote", revision)


def named(name: str, revision: str | None) -> str:
    """Name of a model in answers.

    Example:
        >>> named("owner/name", "v2")
        'owner/name@v2'
    """
    return name if revision is None else f"{name}@{revision}"
