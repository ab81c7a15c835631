"""Systems by name: each a network with the options that make it, and a card that says where it comes from.

A network registers itself where it is defined, `@system(...)` above its class; a file of one's own does the same and
is named with ``--plugin FILE``, or through the entry point group ``dmin.systems``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from dmin.errors import ModelError, unknown_name
from dmin.models.bases import LocalizationModel, MatchingModel
from dmin.models.pretrained import CONFIG_FILE, PretrainedModel, read_config
from dmin.models.words import Words
from dmin.registry import Registry


@dataclass(frozen=True, kw_only=True)
class System:
    """A system: its card, its network, and its options of a recipe."""

    name: str
    """Its name on the command line."""
    title: str
    """Its name in print."""
    paper: str
    """Who described it, and where."""
    year: int
    source: str
    """Source of the specification: the paper, public code, or a reading of what is known."""
    network: type[PretrainedModel]
    """Its class; several systems may share one."""
    supervisions: tuple[str, ...] = ("full", "weak")
    """Event localization: what it is described for."""
    method: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options of a recipe that belong to the system (``model`` among them), by supervision or direction; "all" for
    any."""
    schedule: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Its own paper's schedule of training on AVE, keyed alike: epochs, rates, batches."""
    mark: str = ""
    """Remark that is printed beside its results."""

    @property
    def task(self) -> Literal["localization", "matching"]:
        """Its task."""
        return "matching" if issubclass(self.network, MatchingModel) else "localization"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The supervisions, or for matching the directions, that it is described for."""
        return ("a2v", "v2a") if self.task == "matching" else self.supervisions

    def options(self, kind: str, scheduled: bool = False) -> dict[str, Any]:
        """Options of a recipe for one supervision or direction.

        Args:
            kind: "full", "weak", "a2v" or "v2a".
            scheduled: Include its own schedule.
        """
        model = {"direction" if self.task == "matching" else "supervision": kind}
        layers = [self.method, self.schedule] if scheduled else [self.method]
        own = (layer.get(key, {}) for layer in layers for key in ("all", kind))
        return merged({"task": self.task, "system": self.name, "model": model}, *own)


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Options over options, the later ones winning; mappings inside are merged, too.

    Example:
        >>> merged({"epochs": 3, "model": {"width": 8}}, {"model": {"encoder": {"heads": 2}}})
        {'epochs': 3, 'model': {'width': 8, 'encoder': {'heads': 2}}}
    """
    together: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            before = together.get(name)
            over = [before, value] if isinstance(before, Mapping) else [value]
            together[name] = merged(*over) if isinstance(value, Mapping) else value
    return together


SYSTEMS = Registry[System]("system", extensible=True)
Network = TypeVar("Network", bound=type[PretrainedModel])


def system(name: str, **card: Any) -> Callable[[Network], Network]:
    """Decorate a network to make it a system; a network may be several, with different options.

    Args:
        name: On the command line.
        card: The other fields of `System`.
    """

    def keep(network: Network) -> Network:
        if not issubclass(network, LocalizationModel | MatchingModel):
            raise ModelError(f"{network.__name__} is neither a LocalizationModel nor a MatchingModel: derive from one")
        SYSTEMS.add(name, System(name=name, network=network, **card))
        return network

    return keep


def systems() -> Registry[System]:
    """All systems: those of dmin, of installed packages, and of plugin files that were loaded.

    Example:
        >>> systems()["dmin"].year
        2022
    """
    return SYSTEMS


Base = TypeVar("Base", bound=PretrainedModel)


def load_network(folder: Path, base: type[Base]) -> Base:
    """The network in a folder, whichever of a kind it is, in evaluation mode.

    Args:
        folder: With config.json and model.safetensors.
        base: `LocalizationModel` or `MatchingModel`.

    Raises:
        ModelError: No network, one of another kind, or one that no system here has.
    """
    name = read_config(folder)["model"]
    networks: dict[str, type[PretrainedModel]] = {Words.__name__: Words}  # no system, as nobody trains it
    networks |= {entry.network.__name__: entry.network for entry in systems().values()}
    if name not in networks:
        raise ModelError(
            f"{folder / CONFIG_FILE}: {unknown_name('network', name, networks)}; if it is of your own making, give "
            "--plugin FILE"
        )
    network = networks[name]
    if not issubclass(network, base):
        fitting = sorted(known for known, kind in networks.items() if issubclass(kind, base))
        raise ModelError(f"{folder} holds a {name}, which does something else: give a model of {' or '.join(fitting)}")
    return network.from_pretrained(folder)
