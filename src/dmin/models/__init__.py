"""Whole networks as plain modules, without training code."""

from dmin.models.config import DMINConfig
from dmin.models.dmin import DMIN, AttentionMaps, DMINOutput

__all__ = ["DMIN", "AttentionMaps", "DMINConfig", "DMINOutput"]
