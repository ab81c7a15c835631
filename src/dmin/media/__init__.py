"""Videos and sounds to arrays: one-second segments by timestamps, whatever the container and codec.

Each stream is read through a container of its own, so that badly interleaved files need no more memory than good ones.
"""

from dmin.media.arrays import Arrays
from dmin.media.clips import cut_events
from dmin.media.cutting import cut
from dmin.media.footage import keep_footage, watch
from dmin.media.info import probe
from dmin.media.live import Live
from dmin.media.pictures import FrameSize
from dmin.media.recording import Recording
from dmin.media.segments import Segment, Segments, Streams, decode, decode_audio
from dmin.media.source import Source, recording_of

__all__ = [
    "Arrays",
    "FrameSize",
    "Live",
    "Recording",
    "Segment",
    "Segments",
    "Source",
    "Streams",
    "cut",
    "cut_events",
    "decode",
    "decode_audio",
    "keep_footage",
    "probe",
    "recording_of",
    "watch",
]
