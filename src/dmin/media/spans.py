"""When each stream of a file starts and ends, by the timestamps of its packets."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from dmin.errors import MediaError
from dmin.media.clock import ClockFinder

_PRIMING_SECONDS = 0.1
"""Encoders let sound start a little before 0; such a lead is no real difference between the streams."""


@dataclass
class Span:
    """Start and end of a stream's packets, in seconds."""

    start: float = float("inf")
    end: float = float("-inf")
    last_start: float = float("-inf")
    last_duration: float = 0.0
    count: int = 0
    has_durations: bool = False
    """True once a packet says how long it lasts."""
    is_in_order: bool = True
    """True while no packet is shown before one that stands earlier in the file."""
    has_one_time: bool = True
    """True while every packet is shown when it is decoded."""

    def add(self, start: float, end: float, duration: float, lag: float) -> None:
        """Take in a packet that is shown from ``start`` to ``end``, and decoded ``lag`` before it."""
        self.count += 1
        self.has_durations |= duration > 0
        self.has_one_time &= lag == 0
        self.is_in_order &= start >= self.last_start
        self.start, self.end = min(self.start, start), max(self.end, end)
        if start > self.last_start:
            self.last_start, self.last_duration = start, duration

    def move(self, start: float) -> None:
        """Let the same packets start at another time."""
        self.start, self.end = start, self.end + start - self.start

    def close(self, rate: float) -> None:
        """Give a last packet that says no duration that of an average one.

        Sound whose other packets have durations is left: there the last one is so short that it rounds to 0.
        """
        if self.last_duration <= 0 and self.count > 1 and (rate or not self.has_durations):
            step = 1 / rate if rate else (self.last_start - self.start) / (self.count - 1)
            self.end = max(self.end, self.last_start + step)


class Spans:
    """Start and end of each stream on the continuous clock, from packets in the order of the file.

    Args:
        name: Of the file, for messages.
        video: The stream of pictures, or None.
        audio: The stream of sound, or None.
        finder: Finds the clocks of both.
    """

    def __init__(self, name: object, video: Any, audio: Any, finder: ClockFinder) -> None:
        self.name = name
        self.of: dict[int, Span] = {}
        """By the index of the stream; a stream without a packet has none."""
        self._video, self._audio = video, audio
        self._finder = finder
        indexes = [stream.index for stream in (video, audio) if stream is not None]
        self._numbers = dict.fromkeys(indexes, -1)
        self._untimed = dict.fromkeys(indexes, 0)
        self._skipping = dict.fromkeys(indexes, 0.0)  # seconds that the decoder still leaves out
        self._longest = dict.fromkeys(indexes, 0.0)

    def add(self, packet: Any) -> int:
        """Take in the next packet.

        Returns:
            Its number among those of its stream.

        Raises:
            MediaError: It is encrypted.
        """
        index = packet.stream.index
        self._numbers[index] += 1
        if packet.has_sidedata("encryption_info"):
            raise MediaError(f"{self.name} is encrypted: give a copy without copy protection")
        if packet.is_discard:  # discarded: cut off by an edit, in the file but not to be shown
            return self._numbers[index]
        if packet.pts is None and packet.dts is None:
            self._untimed[index] += 1
            return self._numbers[index]
        start = float((packet.dts if packet.pts is None else packet.pts) * packet.time_base)
        duration = float((packet.duration or 0) * packet.time_base)
        decoding = start if packet.dts is None else float(packet.dts * packet.time_base)
        lag = start - decoding
        start = self._finder.add(index, self._numbers[index], decoding, duration) + lag
        before, behind = _skipped_seconds(packet)
        self._skipping[index] += before
        skipped = min(self._skipping[index], duration)
        self._skipping[index] -= skipped
        self._longest[index] = max(self._longest[index], duration)
        end = start + min(duration, self._longest[index] - behind)  # some formats shorten the last packet's duration
        if skipped < duration or not duration:
            self.of.setdefault(index, Span()).add(start + skipped, end, duration, lag)
        return self._numbers[index]

    def close(self, picture_rate: float) -> None:
        """Complete the spans once all packets are in; streams without timestamps go by the rate of pictures."""
        for stream in (self._video, self._audio):
            if stream is None:
                continue
            if stream.index in self.of:
                self.of[stream.index].close(picture_rate if stream.type == "video" else 0.0)
            elif self._untimed[stream.index] and stream.type == "video":
                self.of[stream.index] = Span(0.0, self._untimed[stream.index] / picture_rate)

    @property
    def origin_seconds(self) -> float:
        """The timestamp that counts as 0: the earlier stream's start, an encoder's priming left out."""
        both = (self._video, self._audio)
        starts = [self.of[stream.index].start for stream in both if stream is not None and stream.index in self.of]
        if len(starts) == 2 and 0 < starts[0] - starts[1] < _PRIMING_SECONDS:
            return starts[0]
        return min(starts)

    @property
    def end_seconds(self) -> float:
        """The later stream's end so far."""
        return max((span.end for span in self.of.values()), default=float("-inf"))


def _skipped_seconds(packet: Any) -> tuple[float, float]:
    """Seconds that the decoder drops at the start and at the end of a packet of sound, as its encoder asked."""
    if packet.stream.type != "audio" or not packet.has_sidedata("skip_samples"):
        return 0.0, 0.0
    before, behind = struct.unpack("<II", bytes(packet.get_sidedata("skip_samples"))[:8])
    rate = packet.stream.codec_context.sample_rate or 1
    return before / rate, behind / rate
