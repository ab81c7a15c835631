"""Presets: recipes by name. Some are files here, the others are what the systems' cards say.

A preset may be laid over another one: `small`, then `agva`, is the small DMIN with AGVA in AGTA's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dmin.errors import DataError, unknown_name
from dmin.models import systems
from dmin.models.systems import merged
from dmin.registry import Registry
from dmin.training.recipe import AnyRecipe, recipe_from

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Family:
    """Presets of one purpose, one for each supervision and direction."""

    words: str
    """Its purpose, in one line."""
    presets: Mapping[str, str]
    """Name of the preset by supervision or direction: full, weak, a2v, v2a."""
    own_schedules: bool
    """True if each other system trains by its own paper's schedule, not by the preset's."""


FAMILIES = {
    "paper": Family(
        "the paper's recipes, for AVE; other systems' own schedules",
        {"full": "paper", "weak": "weak-paper", "a2v": "a2v-paper", "v2a": "v2a-paper"},
        own_schedules=True,
    ),
    "official": Family(
        "the recipes of its authors' released code, for AVE; other systems' own schedules",
        {"full": "official-full", "weak": "official-weak", "a2v": "official-a2v", "v2a": "official-v2a"},
        own_schedules=True,
    ),
    "small": Family(
        "small networks for a few hundred clips, one schedule for all systems",
        {"full": "small", "weak": "weak-small", "a2v": "a2v-small", "v2a": "v2a-small"},
        own_schedules=False,
    ),
    "brief": Family(
        "as small, with fewer epochs under full supervision",
        {"full": "brief", "weak": "weak-small", "a2v": "a2v-small", "v2a": "v2a-small"},
        own_schedules=False,
    ),
}
"""Families of presets, by name."""


@dataclass(frozen=True)
class Preset:
    """Options of a recipe."""

    name: str
    words: str
    """Description in one line."""
    options: Mapping[str, Any] = field(repr=False)
    source: str = ""
    """Source of a variant's specification."""


def presets() -> Registry[Preset]:
    """All presets, by name: files, and two a kind of each other system, for AVE and (``-small``) for composed clips.

    Example:
        >>> presets()["agva"].options["model"]
        {'visual_attention': {'name': 'agva'}}
    """
    known = Registry[Preset]("preset")
    for name, preset in _shipped().items():
        known.add(name, preset)
    for system in systems().values():
        if system.name in ("dmin", "dcmr"):
            continue  # their presets are files
        for kind in system.kinds:
            stem = f"{system.name}-{kind}"
            for family, name in (("paper", stem), ("small", f"{stem}-small")):
                words = f"{system.title}, {kind}: {FAMILIES[family].words}"
                known.add(name, Preset(name, words, system_options(system.name, kind, family)))
    return known


def variants() -> dict[str, Preset]:
    """DMIN with one of its slots filled otherwise, by name: to be laid over a preset of DMIN."""
    return {name: preset for name, preset in _shipped().items() if _files()[name].parent.name == "variants"}


@cache
def _files() -> dict[str, Path]:
    """Files of presets, by name: whole ones first, then variants."""
    return {path.stem: path for pattern in ("*.yaml", "variants/*.yaml") for path in sorted(_HERE.glob(pattern))}


@cache
def _shipped() -> dict[str, Preset]:
    """Presets that are files of dmin, by name."""
    shipped = {}
    for name, path in _files().items():
        first, second = path.read_text("utf-8").splitlines()[:2]
        source = second.removeprefix("# source: ") if second.startswith("# source: ") else ""
        shipped[name] = Preset(name, first.removeprefix("# "), read_recipe(path), source)
    return shipped


def system_options(name: str, kind: str, family: str) -> dict[str, Any]:
    """The options of a recipe of a system in a family.

    Args:
        name: Of the system.
        kind: "full", "weak", "a2v" or "v2a".
        family: One of `FAMILIES`.

    Raises:
        DataError: There is no such family, or the system is not described for this kind.
        ModelError: There is no such system.
    """
    if family not in FAMILIES:
        raise DataError(unknown_name("preset family", family, FAMILIES))
    system = systems()[name]
    if kind not in system.kinds:
        raise DataError(f"{name} is not described for {kind}: give {' or '.join(system.kinds)}")
    base = dict(_shipped()[FAMILIES[family].presets[kind]].options)
    own = systems()["dcmr" if system.task == "matching" else "dmin"].network
    if system.network is not own:
        base.pop("model", None)  # sizes and options of another network
    return merged(base, system.options(kind, scheduled=FAMILIES[family].own_schedules))


def options_of(name: str) -> Mapping[str, Any]:
    """The options of a preset, or of a YAML file of one's own.

    Raises:
        DataError: The file cannot be read.
        ModelError: There is neither.
    """
    if name in _files():
        return read_recipe(_files()[name])
    known = presets()
    if name not in known and Path(name).is_file():
        return read_recipe(Path(name))
    return known[name].options


def read_recipe(path: Path) -> dict[str, Any]:
    """The YAML file of a recipe as plain data, laid over the presets that its line ``presets`` names.

    Raises:
        DataError: It cannot be read, or is no mapping.
        ModelError: It names a preset that does not exist.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read as a recipe ({error}): give a preset's name or a YAML file") from error
    if not isinstance(data, dict):
        raise DataError(f"{path} is no recipe: it must hold options, one a line, e.g. epochs: 30")
    names = data.pop("presets", [])
    if not isinstance(names, list):
        raise DataError(f"{path}: presets is {names!r}: give a list of names, e.g. presets: [small, agva]")
    return merged(*(read_recipe(_files()[n]) if n in _files() else presets()[str(n)].options for n in names), data)


def recipe_of(*names: str, **options: Any) -> AnyRecipe:
    """Presets, laid one over the other, as an object.

    Args:
        names: Of the presets.
        options: Fields to change; ``model`` may be a dict of some of the network's options.

    Example:
        >>> recipe_of("small", "agva", epochs=3).model.visual_attention.name
        'agva'
    """
    return recipe_from(merged(*(options_of(name) for name in names), options))
