"""From a video to an answer: `Localizer` finds its events, `Matcher` finds a recording of one modality in another."""

from dmin.inference.floors import Calibration, calibrate_floors
from dmin.inference.labels import Prompts
from dmin.inference.loading import STARTER
from dmin.inference.localizer import Localizer
from dmin.inference.matcher import Matcher, Recording
from dmin.inference.options import OnWindow, Options
from dmin.inference.windows import Stretch

__all__ = [
    "STARTER",
    "Calibration",
    "Localizer",
    "Matcher",
    "OnWindow",
    "Options",
    "Prompts",
    "Recording",
    "Stretch",
    "calibrate_floors",
]
