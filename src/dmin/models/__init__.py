"""Whole networks as plain modules, without training code."""

from dmin.models.config import DMINConfig
from dmin.models.dmin import DMIN, PADDING_LOGIT, AttentionMaps, DMINOutput
from dmin.models.pretrained import PretrainedModel

__all__ = ["DMIN", "PADDING_LOGIT", "AttentionMaps", "DMINConfig", "DMINOutput", "PretrainedModel"]
