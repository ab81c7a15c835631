"""Whole networks as plain modules, without training code."""

from dmin.models.config import DCMRConfig, DMINConfig
from dmin.models.dcmr import DCMR, DCMROutput
from dmin.models.dmin import DMIN, PADDING_LOGIT, AttentionMaps, DMINOutput
from dmin.models.pretrained import PretrainedModel

__all__ = [
    "DCMR",
    "DMIN",
    "PADDING_LOGIT",
    "AttentionMaps",
    "DCMRConfig",
    "DCMROutput",
    "DMINConfig",
    "DMINOutput",
    "PretrainedModel",
]
