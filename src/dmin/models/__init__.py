"""Whole networks as plain modules, without training code."""

from dmin.models.bases import LocalizationModel, MatchingModel
from dmin.models.config import DCMRConfig, DMINConfig, LocalizationConfig, MatchingConfig
from dmin.models.dcmr import DCMR
from dmin.models.dmin import DMIN
from dmin.models.outputs import (
    PADDING_LOGIT,
    AttentionMaps,
    DecoupledOutput,
    EmbeddingOutput,
    JointOutput,
    WindowOutput,
)
from dmin.models.pretrained import PretrainedModel
from dmin.models.systems import System, system, systems
from dmin.models.word_rules import RULES
from dmin.models.words import Words, WordsConfig

__all__ = [
    "DCMR",
    "DMIN",
    "PADDING_LOGIT",
    "RULES",
    "AttentionMaps",
    "DCMRConfig",
    "DMINConfig",
    "DecoupledOutput",
    "EmbeddingOutput",
    "JointOutput",
    "LocalizationConfig",
    "LocalizationModel",
    "MatchingConfig",
    "MatchingModel",
    "PretrainedModel",
    "System",
    "WindowOutput",
    "Words",
    "WordsConfig",
    "system",
    "systems",
]
