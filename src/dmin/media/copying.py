"""A piece of a video by its packets, which are not decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from dmin.errors import MediaError
from dmin.media.container import packets, streams_of
from dmin.media.info import MediaInfo
from dmin.media.seeking import seek

COPIED = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""FFmpeg's formats by the endings of files that packets are copied to."""
EXACT_SECONDS = 0.0005
"""Some containers round timestamps to the millisecond: what is this little after a time counts as at it."""


def copy_packets(info: MediaInfo, path: Path, suffix: str, start_seconds: float, end_seconds: float) -> None:
    """Write the packets from the last key frame before a time on, up to another time.

    Args:
        info: Of the video.
        path: The file to write.
        suffix: One of `COPIED`.
        start_seconds: The time before which the key frame lies, unless the first one lies behind it.
        end_seconds: Packets that are decoded after it are left out.

    Raises:
        MediaError: The ending is none of those, or the video's packets lack timestamps of their own.
    """
    if suffix not in COPIED:
        raise MediaError(f"{suffix!r} is no ending of files that packets are copied to: {', '.join(COPIED)}")
    if len(info.video_clock.changes) + len(info.audio_clock.changes) > 2 or info.decoding_delay_seconds is not None:
        raise MediaError(f"{info.path} has timestamps that jump or lack: cut it exactly, without copying packets")
    start, end = (info.start_seconds + seconds for seconds in (start_seconds, end_seconds))
    key = _key_frame(info, start)
    with info.open() as inside, av.open(str(path), "w", format=COPIED[suffix]) as outside:
        streams = [stream for stream in streams_of(inside) if stream is not None]
        copies = {stream.index: outside.add_stream_from_template(stream) for stream in streams}
        seek(inside, streams[0], key.found_from)
        open_ended = set(copies)
        has_begun = False
        for packet in _with_decoding_times(packets(inside, streams), 1 / info.picture_rate):
            is_picture = packet.stream.type == "video"
            has_begun |= is_picture and packet.is_keyframe and packet.pts == key.pts
            if packet.pts is None or _seconds(packet) < key.seconds or (is_picture and not has_begun):
                continue
            index = packet.stream.index
            if packet.dts * packet.time_base >= end:
                open_ended.discard(index)
                if not open_ended:
                    break
                continue
            ticks = round(key.seconds / packet.time_base)
            packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
            packet.stream = copies[index]
            outside.mux(packet)


def _with_decoding_times(packets: Iterable[Any], picture_seconds: float) -> Iterator[Any]:
    """The packets, each with the time of its decoding: Matroska does not tell that of the first ones after a seek."""
    held: list[Any] = []
    for packet in packets:
        if not packet.size:  # tells the decoder that this is the end
            continue
        if packet.stream.type != "video":
            packet.dts = packet.pts if packet.dts is None else packet.dts
        elif packet.dts is None:
            held.append(packet)
            continue
        else:
            for steps, early in enumerate(reversed(held), start=1):
                early.dts = packet.dts - round(steps * picture_seconds / packet.time_base)
            yield from held
            held.clear()
        yield packet
    for early in held:  # too few for any to be decoded before another
        early.dts = early.pts
        yield early


def _seconds(packet: Any) -> float:
    """Timestamp of a packet; two of the same are the same number."""
    return float(packet.pts * packet.time_base)


@dataclass(frozen=True)
class _KeyFrame:
    pts: int
    seconds: float
    """Its timestamp."""
    found_from: float | None
    """Timestamp that was sought when it was met; None from the file's start."""


def _key_frame(info: MediaInfo, timestamp: float) -> _KeyFrame:
    """Find the last key frame before or at a timestamp; the first one, if all come later."""
    for sought in (timestamp, None):
        found: _KeyFrame | None = None
        with info.open() as container:
            video = streams_of(container)[0]
            seek(container, video, sought)
            for packet in packets(container, video):
                if packet.pts is None:
                    continue
                seconds = _seconds(packet)
                is_later = seconds > timestamp + EXACT_SECONDS
                if found is not None and packet.dts is not None and packet.dts * packet.time_base > timestamp:
                    break
                if packet.is_keyframe and (found is None or not is_later):
                    found = _KeyFrame(packet.pts, seconds, sought)
        if found is not None and (found.seconds <= timestamp + EXACT_SECONDS or sought is None):
            return found
    raise MediaError(f"{info.path} has no key frame: cut it exactly, without copying packets")
