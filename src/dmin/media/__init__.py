"""Videos and sounds to arrays: one-second segments by timestamps, whatever the container and codec.

Each stream is read through a container of its own, so that badly interleaved files need no more memory than good ones.
"""

from dmin.media.footage import keep_footage, watch
from dmin.media.info import probe
from dmin.media.recording import Recording, Source
from dmin.media.segments import Segment, Segments, Streams, decode, decode_audio

__all__ = [
    "Recording",
    "Segment",
    "Segments",
    "Source",
    "Streams",
    "decode",
    "decode_audio",
    "keep_footage",
    "probe",
    "watch",
]
