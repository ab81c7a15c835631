"""What a file holds and how long it lasts, found out by looking through its packets."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.container import decoded, opened, packets, streams_of

_PRIMING_SECONDS = 0.1
"""Encoders let sound start a little before 0; such a lead is no real difference between the streams."""
_LEAP_SECONDS = 600.0
"""Timestamps this far from all others are damage: believed, one of them would make days of a short clip."""


@dataclass(frozen=True)
class MediaInfo:
    """What a file holds, by its packets' own timestamps rather than by what its header claims."""

    path: Path
    duration_seconds: float
    """From the earlier stream's start to the later one's end."""
    start_seconds: float
    """Timestamp that counts as 0."""
    width: int
    """As shown, after rotation; 0 without video."""
    height: int
    has_video: bool
    has_audio: bool
    declared_seconds: float | None
    """What the header says."""


def probe(path: str | Path) -> MediaInfo:
    """Look through a file's packets, without decoding them.

    Raises:
        MediaError: It is not there, cannot be read, or is neither video nor sound.
    """
    path = Path(path)
    with opened(path) as container:
        video, audio = streams_of(container)
        streams = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise MediaError(f"{path} holds neither video nor sound that FFmpeg can decode: give a video file")
        declared = container.duration / av.time_base if container.duration else None
        spans = _spans(container, streams)
        rotated = video is not None and _rotation(path) % 180 == 90
        width, height = (video.codec_context.width, video.codec_context.height) if video is not None else (0, 0)
        if not spans:
            raise MediaError(f"{path} holds no readable picture or sound: it is damaged or cut off")
        start = _origin(spans, video, audio)
        return MediaInfo(
            path=path,
            duration_seconds=max(end for _, end in spans.values()) - start,
            start_seconds=start,
            width=height if rotated else width,
            height=width if rotated else height,
            has_video=video is not None and video.index in spans,
            has_audio=audio is not None and audio.index in spans,
            declared_seconds=declared,
        )


def is_within(info: MediaInfo, time: float) -> bool:
    """Whether a timestamp is of the file's main stretch, rather than damaged."""
    return -_LEAP_SECONDS <= time - info.start_seconds <= info.duration_seconds + _LEAP_SECONDS


def _spans(container: Any, streams: list[Any]) -> dict[int, tuple[float, float]]:
    """Start and end of each stream's packets, in seconds; a damaged file counts as far as it goes."""
    owners, starts, ends = array("q"), array("d"), array("d")  # 24 bytes a packet: 6 MB an hour
    for packet in packets(container, streams):
        time = packet.dts if packet.pts is None else packet.pts
        if time is None or packet.is_discard:  # discarded: cut off by an edit, in the file but not to be shown
            continue
        duration = float((packet.duration or 0) * packet.time_base)
        owners.append(packet.stream.index)
        starts.append(float(time * packet.time_base))
        ends.append(starts[-1] + (duration if duration < _LEAP_SECONDS else 0.0))
    return _largest_stretch(np.array(owners), np.array(starts), np.array(ends))


def _largest_stretch(
    owners: NDArray[np.int64], starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> dict[int, tuple[float, float]]:
    """Start and end of each stream in the part of a file without leaps that most packets belong to."""
    if not len(starts):
        return {}
    order = np.argsort(starts)
    stretches = np.cumsum(np.diff(starts[order], prepend=starts[order[0]]) > _LEAP_SECONDS)
    kept = order[stretches == np.bincount(stretches).argmax()]
    owners, starts, ends = owners[kept], starts[kept], ends[kept]
    return {int(i): (float(starts[owners == i].min()), float(ends[owners == i].max())) for i in np.unique(owners)}


def _origin(spans: dict[int, tuple[float, float]], video: Any, audio: Any) -> float:
    """The timestamp that counts as 0: the earlier stream's start, an encoder's priming left out."""
    starts = [spans[stream.index][0] for stream in (video, audio) if stream is not None and stream.index in spans]
    if len(starts) == 2 and 0 < starts[0] - starts[1] < _PRIMING_SECONDS:
        return starts[0]
    return min(starts)


def _rotation(path: Path) -> int:
    """Degrees by which the first picture must be turned counter-clockwise; phones write it beside the picture."""
    with opened(path) as container:
        frame = next(decoded(container, streams_of(container)[0]), None)
        return int(getattr(frame, "rotation", 0))
