"""Models against splits: what `dmin evaluate` measures, with intervals, beside what needs no network."""

from dmin.evaluation.answers import ClipResult, predict
from dmin.evaluation.intervals import Interval
from dmin.evaluation.localization import (
    CategoryRow,
    LocalizationReport,
    Priors,
    evaluate,
    report,
    require_known,
)
from dmin.evaluation.matching import (
    CcaFigures,
    LengthRow,
    MatchingReport,
    MatchingResult,
    evaluate_matching,
)
from dmin.evaluation.priors import MatchingPriors
from dmin.evaluation.seen import GroupFigures

__all__ = [
    "CategoryRow",
    "CcaFigures",
    "ClipResult",
    "GroupFigures",
    "Interval",
    "LengthRow",
    "LocalizationReport",
    "MatchingPriors",
    "MatchingReport",
    "MatchingResult",
    "Priors",
    "evaluate",
    "evaluate_matching",
    "predict",
    "report",
    "require_known",
]
