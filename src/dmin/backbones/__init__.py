"""Frozen feature extractors, a file each. `create(name)` loads one; `cards()` tells all of them apart.

Networks of timm and transformers are loaded by their names, too: `timm:NAME`, `hf:OWNER/NAME`.
"""

from dmin.backbones.homes import trust_remote_code
from dmin.backbones.registry import Backbone, Card, card_of, cards, create, fetch, find, register

__all__ = ["Backbone", "Card", "card_of", "cards", "create", "fetch", "find", "register", "trust_remote_code"]
