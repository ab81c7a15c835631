"""A source that can be read only once, as it comes: a camera, a network stream, a pipe."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dmin.errors import MediaError
from dmin.media.clock import Clock, ClockFinder
from dmin.media.container import decoded_packets, opened, packets, streams_of
from dmin.media.info import MediaInfo, picture_rate
from dmin.media.pictures import timed
from dmin.media.recording import Recording, name_of
from dmin.media.spans import Spans

_MOST_WAITING = 2000
"""Packets of one stream that wait while the other one has none, some thirty seconds: then that one counts as over."""


class Live(Recording):
    """A recording that comes from a source which is read once, and whose length nobody knows before its end.

    Its pictures and its sound can be gone through once, side by side.

    Args:
        source: What PyAV has opened for reading (``av.open("rtsp://camera/stream")``), or a file object that cannot
            seek. Close it after use.

    Raises:
        MediaError: It holds neither video nor sound that can be decoded.
    """

    def __init__(self, source: Any | BinaryIO) -> None:
        is_open = hasattr(source, "demux")
        # A camera's address may hold a password.
        self.name = re.sub(r"//[^/@]*@", "//", source.name) if is_open else name_of(source)
        self.keeps_footage = False
        self._container = source if is_open else opened(Path(self.name), source)
        self._video, self._audio = streams_of(self._container)
        streams = [stream for stream in (self._video, self._audio) if stream is not None]
        if not streams:
            raise MediaError(f"{self.name} holds neither video nor sound that FFmpeg can decode: give a video")
        self._finder = ClockFinder(self._container, streams, None)
        self._spans = Spans(self.name, self._video, self._audio, self._finder)
        self._packets = packets(self._container, streams)
        self._waiting = {stream.index: deque[Any]() for stream in streams}
        self._is_over = False
        while len(self._spans.of) < len(streams) and not self._is_full() and self._pull():
            pass
        if not self._spans.of:
            raise MediaError(f"{self.name} holds no readable picture or sound: it is damaged or over")
        self.info = self._described()

    def _described(self) -> MediaInfo:
        video = self._video
        aspect = float(getattr(video, "sample_aspect_ratio", None) or 1)
        return MediaInfo(
            path=Path(self.name),
            duration_seconds=math.inf,
            start_seconds=self._spans.origin_seconds,
            width=0 if video is None else video.codec_context.width,
            height=0 if video is None else video.codec_context.height,
            has_video=video is not None,
            has_audio=self._audio is not None,
            declared_seconds=None,
            pixel_aspect=aspect,
            picture_rate=picture_rate(video),
            video_clock=Clock(),  # packets are put on the continuous clock as they come
            audio_clock=Clock(),
        )

    @property
    def duration_seconds(self) -> float:
        """Infinite until the source is over."""
        return self._seconds_so_far if self._is_over else math.inf

    def pictures(self, near_seconds: float = 0.0) -> Iterator[tuple[float, Any]]:
        """Decoded pictures with their timestamps, as they come."""
        return timed(decoded_packets(self._coming(self._video), self._video), self.info)

    def sound(self, near_seconds: float = 0.0) -> Iterator[Any]:
        """Decoded pieces of sound, as they come."""
        return decoded_packets(self._coming(self._audio), self._audio)

    def lasts(self, seconds: float) -> bool:
        """True if it goes on until then; waits until that is known."""
        while round(self._seconds_so_far, 3) < seconds and self._pull():
            pass
        return round(self._seconds_so_far, 3) >= seconds

    @property
    def _seconds_so_far(self) -> float:
        return self._spans.end_seconds - self.info.start_seconds

    def _coming(self, stream: Any) -> Iterator[Any]:
        """Packets of a stream; those of the other one are kept for it on the way."""
        waiting = self._waiting[stream.index]
        while waiting or (not self._is_full() and self._pull()):
            if waiting:
                yield waiting.popleft()
        del self._waiting[stream.index]

    def _is_full(self) -> bool:
        return any(len(waiting) >= _MOST_WAITING for waiting in self._waiting.values())

    def _pull(self) -> bool:
        """Take in the next packet; False if the source is over."""
        packet = next(self._packets, None)
        if packet is None:
            if not self._is_over:
                self._is_over = True
                self._spans.close(picture_rate(self._video))
            return False
        index = packet.stream.index
        if packet.size:  # one without tells the decoder that this is the end
            number = self._spans.add(packet)
            self._finder.clocks[index].set(packet, number)
        if index in self._waiting:
            self._waiting[index].append(packet)
        return True
