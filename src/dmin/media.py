"""Videos and sounds to arrays: one-second segments by timestamps, whatever the container and codec.

Each stream is read through a container of its own, so that badly interleaved files need no more memory than good ones.
"""

from __future__ import annotations

import heapq
import warnings
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError

# FFmpeg's threads must not wait for Python's lock to log a line while this one waits for them to end: PyAV's default is
# to drop their words without asking for it, and any other level can hang.
av.logging.set_level(None)

MIN_SECONDS = 0.5
"""Shorter videos have no second to speak of."""
MIN_PIXELS = 16
"""Narrower or lower pictures show nothing."""
_PRIMING_SECONDS = 0.1
"""Encoders let sound start a little before 0; such a lead is no real difference between the streams."""
_GAP_SECONDS = 0.05
"""Larger jumps in a sound's timestamps are silence, smaller ones are rounding."""
_LEAP_SECONDS = 600.0
"""Timestamps this far from all others are damage: believed, one of them would make days of a short clip."""
_SHUFFLED_PICTURES = 5
"""Pictures looked at together to put their timestamps in order."""


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


@dataclass(frozen=True, eq=False)
class Segment:
    """One second of a video."""

    index: int
    start_seconds: float
    frames: NDArray[np.uint8]
    """[F, H, W, 3] RGB, the pictures shown at the middles of F equal parts of the second."""
    waveform: NDArray[np.float32]
    """[S] mono in -1..1; silence where the sound has not begun or is over."""

    def __repr__(self) -> str:
        return f"Segment(index={self.index}, frames={list(self.frames.shape)}, waveform={list(self.waveform.shape)})"


def probe(path: str | Path) -> MediaInfo:
    """Look through a file's packets, without decoding them.

    Raises:
        MediaError: It is not there, cannot be read, or is neither video nor sound.
    """
    path = Path(path)
    with _open(path) as container:
        video, audio = _streams(container)
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


def decode(
    path: str | Path,
    *,
    frames_per_second: float = 4.0,
    rate_hz: int = 44_100,
    frame_size: int | tuple[int, int] | None = 224,
    missing_audio: Literal["error", "silence"] = "error",
) -> Segments:
    """Open a video as a sequence of one-second segments, decoded as they are asked for.

    Args:
        path: The video.
        frames_per_second: F, pictures in each segment.
        rate_hz: S, samples in each segment.
        frame_size: One number squashes pictures to a square, as the paper's features do; (height, width); None keeps.
        missing_audio: "silence" takes a video without sound as silent.

    Raises:
        MediaError: It is not a video, too short or too small, or has no sound.
    """
    info = probe(path)
    if not info.has_video:
        raise MediaError(f"{info.path} has no video stream: an event must be seen, so give a file with pictures")
    if info.duration_seconds < MIN_SECONDS:
        raise MediaError(f"{info.path} lasts {info.duration_seconds:.2f} s: at least {MIN_SECONDS} s are needed")
    if min(info.width, info.height) < MIN_PIXELS:
        raise MediaError(
            f"{info.path} is {info.width}x{info.height} pixels: at least {MIN_PIXELS}x{MIN_PIXELS} are needed"
        )
    if not info.has_audio and missing_audio == "error":
        raise MediaError(f"{info.path} has no audio stream: to take it as silent, use --missing-audio silence")
    if info.declared_seconds is not None and info.duration_seconds < info.declared_seconds - 1.0:
        warnings.warn(
            f"{info.path} is cut short: {info.duration_seconds:.1f} of {info.declared_seconds:.1f} s could be read",
            stacklevel=2,
        )
    size = (frame_size, frame_size) if isinstance(frame_size, int) else frame_size
    return Segments(info, frames_per_second, rate_hz, size)


def decode_audio(path: str | Path, rate_hz: int) -> NDArray[np.float32]:
    """Decode a whole sound as mono [S] in -1..1; for short files.

    Raises:
        MediaError: It cannot be read or has no sound.
    """
    info = probe(path)
    if not info.has_audio:
        raise MediaError(f"{path} has no audio stream")
    pieces = list(_Sound(info, rate_hz).pieces())
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


class Segments:
    """A video's segments. Iterating decodes them one after the other, with memory for about one second."""

    def __init__(
        self, info: MediaInfo, frames_per_second: float, rate_hz: int, frame_size: tuple[int, int] | None
    ) -> None:
        self.info = info
        self.path = info.path
        self.duration_seconds = info.duration_seconds
        self.width, self.height = info.width, info.height
        self.has_audio = info.has_audio
        self.frames_each = max(1, round(frames_per_second))
        self.rate_hz = rate_hz
        self.frame_size = frame_size

    @cached_property
    def count(self) -> int:
        """T: a remainder of half a second or more is a segment of its own."""
        return int(round(self.duration_seconds, 3) + 0.5)  # timestamps are exact to the millisecond at best

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Segment]:
        pictures = _pictures(self.info, self.frames_each, self.count, self.frame_size)
        sound = _Sound(self.info, self.rate_hz).seconds() if self.has_audio else iter(())
        silence = np.zeros(self.rate_hz, np.float32)
        for index in range(self.count):
            frames = np.stack([next(pictures) for _ in range(self.frames_each)])
            yield Segment(index, float(index), frames, next(sound, silence))


def _open(path: Path) -> Any:
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder: give a video file")
        if path.stat().st_size == 0:
            raise MediaError(f"{path} is empty: give a video file")
        # Absolute, because FFmpeg takes the "12" of 12:30.mp4 for a protocol like http.
        container = av.open(str(path.absolute()), metadata_errors="ignore")
    except MediaError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaError(f"{path} does not exist: check the name") from error
    except PermissionError as error:
        raise MediaError(f"{path} may not be read: check its permissions") from error
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"{path} is not a video or sound that FFmpeg can read, or it is cut off") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}") from error
    if container.format.name == "tty":  # FFmpeg draws text files
        container.close()
        raise MediaError(f"{path} is a text file: give a video file")
    return container


def _streams(container: Any) -> tuple[Any, Any]:
    """The first video and the first sound that can be decoded; a sound file's cover picture is not a video."""
    videos = (s for s in container.streams.video if "attached_pic" not in str(getattr(s.disposition, "name", "")))
    decodable = ((s for s in streams if s.codec_context is not None) for streams in (videos, container.streams.audio))
    video, audio = (next(streams, None) for streams in decodable)
    return video, audio


def _spans(container: Any, streams: list[Any]) -> dict[int, tuple[float, float]]:
    """Start and end of each stream's packets, in seconds; a damaged file counts as far as it goes."""
    owners, starts, ends = array("q"), array("d"), array("d")  # 24 bytes a packet: 6 MB an hour
    for packet in _packets(container, streams):
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
    with _open(path) as container:
        frame = next(_decoded(container, _streams(container)[0]), None)
        return int(getattr(frame, "rotation", 0))


def _frames(info: MediaInfo) -> Iterator[tuple[float, Any]]:
    """Decoded pictures with their times, in order; damaged packets are passed over."""
    with _open(info.path) as container:
        stream = _streams(container)[0]
        stream.thread_type = "AUTO"
        # AVI files stamp pictures in the order of decoding, which B-frames make another than that of showing: the
        # pictures come in the right order, so they get the same timestamps in theirs.
        times: list[float] = []
        pictures: deque[Any] = deque()
        last = info.start_seconds
        for frame in _decoded(container, stream):
            last = last if frame.time is None else frame.time
            if not _is_within(info, last):
                continue
            heapq.heappush(times, last)
            pictures.append(frame)
            if len(pictures) >= _SHUFFLED_PICTURES:
                yield heapq.heappop(times), pictures.popleft()
        while pictures:
            yield heapq.heappop(times), pictures.popleft()


def _is_within(info: MediaInfo, time: float) -> bool:
    """Whether a timestamp is of the file's main stretch, rather than damaged."""
    return -_LEAP_SECONDS <= time - info.start_seconds <= info.duration_seconds + _LEAP_SECONDS


def _packets(container: Any, streams: Any) -> Iterator[Any]:
    """Packets up to the end, or to where a damaged container ends the reading."""
    while True:
        try:
            yield from container.demux(streams)
        except IndexError:
            continue  # PyAV trips over a stream that appears on the way: read on behind its packet
        except av.error.FFmpegError:
            pass
        return


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    for packet in _packets(container, stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue  # a damaged packet


def _pictures(
    info: MediaInfo, frames_each: int, seconds: int, size: tuple[int, int] | None
) -> Iterator[NDArray[np.uint8]]:
    """The picture shown at each instant: the latest that has begun; the first before it, the last after its end."""
    frames = _frames(info)
    upcoming = next(frames, None)
    if upcoming is None:
        raise MediaError(f"{info.path} has no picture that can be decoded: it is damaged")
    shown = upcoming[1]
    drawn: tuple[Any, NDArray[np.uint8]] | None = None
    for index in range(seconds * frames_each):
        instant = info.start_seconds + (index + 0.5) / frames_each
        while upcoming is not None and upcoming[0] <= instant:
            shown, upcoming = upcoming[1], next(frames, None)
        if drawn is None or drawn[0] is not shown:
            drawn = (shown, _rgb(shown, size))
            size = size or drawn[1].shape[:2]  # should the size change on the way, pictures still stack
        yield drawn[1]


def _rgb(frame: Any, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    turns = round(int(getattr(frame, "rotation", 0)) / 90) % 4
    if size is None:
        options = {}
    else:
        height, width = size if turns % 2 == 0 else size[::-1]
        options = {"width": width, "height": height, "interpolation": "AREA"}
    picture: NDArray[np.uint8] = frame.reformat(format="rgb24", **options).to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, turns))


class _Sound:
    """A file's sound as mono at one rate, each sample at its timestamp's place."""

    def __init__(self, info: MediaInfo, rate_hz: int) -> None:
        self.info = info
        self.rate_hz = rate_hz

    def pieces(self) -> Iterator[NDArray[np.float32]]:
        """Consecutive pieces from the file's 0 on; gaps in the timestamps are silence, overlaps are dropped."""
        filled = 0.0  # samples up to here are there, or still in the resampler
        drop = 0.0  # samples still in the resampler that nobody shall hear
        resampler, kind = self._resampler(), None
        with _open(self.info.path) as container:
            for frame in _decoded(container, _streams(container)[1]):
                if frame.time is not None and not _is_within(self.info, frame.time):
                    continue
                length = frame.samples * self.rate_hz / frame.sample_rate
                gap = 0.0 if frame.time is None else (frame.time - self.info.start_seconds) * self.rate_hz - filled
                if abs(gap) > _GAP_SECONDS * self.rate_hz or kind is None:  # the beginning is placed exactly
                    yield from self._silence(round(gap))
                    overlap = min(max(-gap, 0.0), length)
                    drop += overlap
                    filled += max(gap, 0.0) - overlap
                filled += length
                if kind not in (None, described := (frame.format.name, frame.layout.name, frame.sample_rate)):
                    yield self._floats(resampler.resample(None))
                    resampler = self._resampler()
                kind = described
                frame.pts = None  # so that the resampler takes what comes as continuous
                samples = self._floats(resampler.resample(frame))
                cut = min(round(drop), len(samples))
                drop -= cut
                yield samples[cut:]
            yield self._floats(resampler.resample(None))[round(drop) :]

    def seconds(self) -> Iterator[NDArray[np.float32]]:
        """The same, cut into seconds; the last one filled with silence."""
        held: list[NDArray[np.float32]] = []
        count = 0
        for piece in self.pieces():
            held.append(piece)
            count += len(piece)
            while count >= self.rate_hz:
                joined = np.concatenate(held)
                yield joined[: self.rate_hz]
                held, count = [joined[self.rate_hz :]], count - self.rate_hz
        if count:
            yield np.pad(np.concatenate(held), (0, self.rate_hz - count))

    def _silence(self, samples: int) -> Iterator[NDArray[np.float32]]:
        while samples > 0:
            yield np.zeros(min(samples, self.rate_hz), np.float32)
            samples -= self.rate_hz

    def _resampler(self) -> Any:
        # Whole numbers, because only for them FFmpeg scales the mix so that many channels cannot exceed 1.
        return av.AudioResampler(format="s32", layout="mono", rate=self.rate_hz)

    def _floats(self, frames: list[Any]) -> NDArray[np.float32]:
        parts = [frame.to_ndarray().reshape(-1).astype(np.float32) / np.float32(2**31) for frame in frames]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
