"""Frozen feature extractors, a file each. `create(name)` loads one; `cards()` tells all of them apart."""

from dmin.backbones.registry import Backbone, Card, cards, create, fetch, register

__all__ = ["Backbone", "Card", "cards", "create", "fetch", "register"]
