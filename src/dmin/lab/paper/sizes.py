"""Number of parameters of a network, on the features of AVE."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch

from dmin.models import LocalizationConfig, systems
from dmin.models.config import NetworkConfig
from dmin.models.systems import merged
from dmin.training.presets import options_of, system_options
from dmin.training.recipe import recipe_from

AVE_CATEGORIES = 28


@cache
def parameters_of(system: str, kind: str, variant: str | None = None) -> int:
    """Parameters at the paper's sizes: VGG-19 maps, VGGish features, 28 categories.

    Args:
        system: Its name.
        kind: "full", "weak", "a2v" or "v2a".
        variant: A preset laid over it.

    Example:
        >>> parameters_of("dmin", "full")
        10995513
    """
    layers = [system_options(system, kind, "paper")] + ([] if variant is None else [options_of(variant)])
    config: NetworkConfig = recipe_from(merged(*layers)).model
    if isinstance(config, LocalizationConfig):
        config = replace(config, category_names=tuple(map(str, range(AVE_CATEGORIES))))
    with torch.device("meta"):
        return systems()[system].network(config).parameter_count
