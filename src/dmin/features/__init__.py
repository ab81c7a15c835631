"""Features on disk: what the frozen backbones make of each second of a video, computed once, memory-mapped after."""

from dmin.features.clip import ClipFeatures
from dmin.features.extract import ExtractionReport, Failure, extract
from dmin.features.manifest import Settings
from dmin.features.sources import VIDEO_SUFFIXES, find_videos
from dmin.features.store import FeatureStore
from dmin.features.stream import features_of, open_modality, stream_features, stream_modality
from dmin.files import StoreWriteError

__all__ = [
    "VIDEO_SUFFIXES",
    "ClipFeatures",
    "ExtractionReport",
    "Failure",
    "FeatureStore",
    "Settings",
    "StoreWriteError",
    "extract",
    "features_of",
    "find_videos",
    "open_modality",
    "stream_features",
    "stream_modality",
]
