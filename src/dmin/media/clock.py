"""A stream's timestamps on one continuous clock, where the file's own clock restarts or jumps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_BACK_SECONDS = 1.0
"""Packets that start this long before the end of those before them show that the clock was set back."""
_JUMP_SECONDS = 10.0
"""Longer gaps in formats whose clocks may jump are jumps, unless the other stream is there already; FFmpeg's limit."""
_DAMAGE_SECONDS = 600.0
"""Longer gaps in other formats are damaged timestamps, unless the header says that the file lasts so long."""
_MAY_JUMP = 0x0200  # FFmpeg's AVFMT_TS_DISCONT


@dataclass
class Clock:
    """Corrections of the timestamps of a stream's packets, found by reading all of them once."""

    changes: list[tuple[int, float]] = field(default_factory=lambda: [(0, 0.0)])
    """(number of the first packet, seconds to add from it on), in order."""
    _at: int = 0

    @property
    def seconds(self) -> float:
        """Correction in force."""
        return self.changes[self._at][1]

    def set(self, packet: Any, number: int) -> None:
        """Move the timestamps of a stream's packet, the ``number``-th one, to the continuous clock."""
        if number == 0:
            self._at = 0
        while self._at + 1 < len(self.changes) and self.changes[self._at + 1][0] <= number:
            self._at += 1
        if self.seconds and packet.time_base:
            ticks = round(self.seconds / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks


class ClockFinder:
    """Finds the clocks of a file's streams from their packets in the order of the file."""

    def __init__(self, container: Any, streams: list[Any], declared_end_seconds: float | None) -> None:
        self.clocks = {stream.index: Clock() for stream in streams}
        self._ends: dict[int, float] = {}
        """Latest time of each stream on the continuous clock."""
        self._may_jump = bool(container.format.flags & _MAY_JUMP)
        self._declared_end = declared_end_seconds

    def add(self, index: int, number: int, start_seconds: float, duration_seconds: float) -> float:
        """Take in a stream's next packet.

        Returns:
            Its start on the continuous clock.
        """
        clock = self.clocks[index]
        seconds = clock.changes[-1][1]
        if index not in self._ends:
            other = next(iter(self._ends), index)
            seconds = self.clocks[other].changes[-1][1]
            apart = start_seconds + seconds - self._ends.get(other, start_seconds + seconds)
            if abs(apart) > _DAMAGE_SECONDS and not self._is_declared(start_seconds):
                seconds -= apart
        elif self._leaps(index, start_seconds, seconds):
            # Streams of one file leap together, and a single damaged timestamp leaps there and back.
            known = [change[1] for other in self.clocks.values() for change in reversed(other.changes)]
            seconds = next(
                (other for other in known if not self._leaps(index, start_seconds, other)),
                self._ends[index] - start_seconds,
            )
        if seconds != clock.changes[-1][1]:
            clock.changes.append((number, seconds))
        start = start_seconds + seconds
        self._ends[index] = max(start + duration_seconds, self._ends.get(index, start))
        return start

    def _leaps(self, index: int, start_seconds: float, seconds: float) -> bool:
        start = start_seconds + seconds
        gap = start - self._ends[index]
        if gap < -_BACK_SECONDS:
            return True
        if not self._may_jump:
            return gap > _DAMAGE_SECONDS and not self._is_declared(start_seconds)
        others = [end for other, end in self._ends.items() if other != index]
        return gap > _JUMP_SECONDS and not any(abs(start - end) < _JUMP_SECONDS for end in others)

    def _is_declared(self, start_seconds: float) -> bool:
        return not self._may_jump and self._declared_end is not None and start_seconds <= self._declared_end
