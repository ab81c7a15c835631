"""Frozen feature extractors, a file each. `create(name)` loads one; `cards()` tells all of them apart.

Networks of timm and transformers are loaded by their names, too: `timm:NAME`, `hf:OWNER/NAME`; with
`hf-text:OWNER/NAME`, their features are embeddings that they share with texts, which a `text_tower` reads.
"""

from dmin.backbones.homes import trust_remote_code
from dmin.backbones.registry import (
    Backbone,
    Card,
    TextTower,
    card_of,
    card_that_reads,
    cards,
    create,
    fetch,
    find,
    register,
    text_tower,
)
from dmin.backbones.runtime import is_fast, require_fast, runtime_name

__all__ = [
    "Backbone",
    "Card",
    "TextTower",
    "card_of",
    "card_that_reads",
    "cards",
    "create",
    "fetch",
    "find",
    "is_fast",
    "register",
    "require_fast",
    "runtime_name",
    "text_tower",
    "trust_remote_code",
]
