"""From a video to an answer: `Localizer` finds its events, `Matcher` finds a recording of one modality in another."""

from dmin.inference.loading import STARTER
from dmin.inference.localizer import Localizer
from dmin.inference.matcher import Matcher, Recording

__all__ = ["STARTER", "Localizer", "Matcher", "Recording"]
