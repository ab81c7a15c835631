"""Frozen feature extractors, a file each. `create(name)` loads one; `cards()` tells all of them apart."""

from dmin.backbones.registry import Backbone, Card, card_of, cards, create, fetch, register

__all__ = ["Backbone", "Card", "card_of", "cards", "create", "fetch", "register"]
