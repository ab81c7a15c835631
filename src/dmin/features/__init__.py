"""Features on disk: what the frozen backbones make of each second of a video, computed once, memory-mapped after."""

from dmin.features.atomic import StoreWriteError
from dmin.features.sources import VIDEO_SUFFIXES, find_videos
from dmin.features.store import ClipFeatures, FeatureStore, Settings

__all__ = ["VIDEO_SUFFIXES", "ClipFeatures", "FeatureStore", "Settings", "StoreWriteError", "find_videos"]
