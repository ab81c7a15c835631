"""Models against splits: what `dmin evaluate` measures, with intervals, beside what needs no network."""

from dmin.evaluation.intervals import Interval
from dmin.evaluation.localization import (
    CategoryRow,
    ClipResult,
    LocalizationReport,
    Priors,
    evaluate,
    predict,
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

__all__ = [
    "CategoryRow",
    "CcaFigures",
    "ClipResult",
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
