"""From a video to an answer: `Localizer` finds its events, `Matcher` finds a recording of one modality in another."""

from dmin.inference.loading import STARTER
from dmin.inference.localizer import Localizer
from dmin.inference.matcher import Matcher, Recording
from dmin.inference.options import OnWindow, Options
from dmin.inference.windows import Stretch

__all__ = ["STARTER", "Localizer", "Matcher", "OnWindow", "Options", "Recording", "Stretch"]
