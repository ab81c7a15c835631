"""A piece of a video as a video of its own: an exact one, coded anew, or a copy of its packets."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np

from dmin.errors import DataError, MediaError
from dmin.files import in_place_of
from dmin.media.copying import EXACT_SECONDS, copy_packets
from dmin.media.info import MediaInfo, display_matrix, is_transposed
from dmin.media.pictures import upright
from dmin.media.recording import Recording
from dmin.media.sound import Sound
from dmin.media.source import recording_of

_TICKS = Fraction(1, 90_000)
"""The clock of pictures: fine enough for any camera's."""
_AAC_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_AAC_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1")


class _Timed(NamedTuple):
    """A decoded frame on the clock of its clip."""

    seconds: float
    stream: Any
    frame: Any


def cut(
    video: str | Path | Recording, path: str | Path, start_seconds: float, end_seconds: float, *, copy: bool = False
) -> None:
    """Write a piece of a video to a file, whole or not at all.

    Args:
        video: The video.
        path: The file. An exact piece is MP4 with H.264 and AAC; a copy is what its ending says.
        start_seconds: Where the piece starts; the picture that is shown then is its first.
        end_seconds: Where it ends.
        copy: Copy the video's packets instead of coding them anew: fast and without loss, but the copy starts at the
            last key frame before the start, which may be seconds earlier, and ends up to some pictures later.

    Raises:
        MediaError: The video cannot be read, has no pictures, or the piece does not lie within it; or its packets
            cannot be copied.
        DataError: The file cannot be written.
    """
    recording = recording_of(video)
    info = recording.info
    if not info.has_video:
        raise MediaError(f"{recording.name} has no video stream: give a file with pictures")
    if not 0 <= start_seconds < end_seconds or start_seconds >= recording.duration_seconds:
        raise MediaError(
            f"{recording.name} lasts {recording.duration_seconds:.2f} s: a piece from {start_seconds:g} to "
            f"{end_seconds:g} s does not lie within it, or ends before it starts"
        )
    end_seconds = min(end_seconds, recording.duration_seconds)
    path = Path(path)
    if path.exists() and recording.path.exists() and path.samefile(recording.path):
        raise DataError(f"{path} is the video itself: write the piece to another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with in_place_of(path) as temporary:
            if copy:
                copy_packets(info, temporary, path.suffix, start_seconds, end_seconds)
            else:
                _encode(recording, temporary, start_seconds, end_seconds)
    except (OSError, av.error.FFmpegError) as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def _encode(recording: Recording, path: Path, start_seconds: float, end_seconds: float) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        tracks = [_pictures(container, recording, start_seconds, end_seconds)]
        if recording.info.has_audio:
            tracks.append(_sound(container, recording, start_seconds, end_seconds))
        # Encoders give the packets no durations, and the last picture would be as short as a tick.
        lasting: dict[int, int] = {}
        streams: dict[int, Any] = {}
        for timed in heapq.merge(*tracks, key=lambda timed: timed.seconds):
            streams[timed.stream.index] = timed.stream
            if timed.stream.type == "video":
                lasting[timed.frame.pts] = timed.frame.duration
            _mux(container, timed.stream.encode(timed.frame), lasting)
        for stream in streams.values():
            _mux(container, stream.encode(None), lasting)


def _mux(container: Any, packets: Iterable[Any], lasting: dict[int, int]) -> None:
    for packet in packets:
        if packet.stream.type == "video":
            ticks = lasting.pop(round(packet.pts * packet.time_base / _TICKS))
            packet.duration = round(ticks * _TICKS / packet.time_base)
        container.mux(packet)


def _pictures(container: Any, recording: Recording, start_seconds: float, end_seconds: float) -> Iterator[_Timed]:
    """Pictures of a piece, ready to be encoded."""
    stream = None
    for since, until, picture in _shown(recording, start_seconds, end_seconds):
        begin, end = (round((seconds - start_seconds) / _TICKS) for seconds in (since, until))
        if end <= begin:
            continue
        frame = _planar(picture)
        if stream is None:
            stream = _video_stream(container, recording.info, frame)
        frame = frame.reformat(width=stream.width, height=stream.height)  # should the size change on the way
        frame.pts, frame.duration, frame.time_base = begin, end - begin, _TICKS
        yield _Timed(float(begin * _TICKS), stream, frame)


def _shown(recording: Recording, start_seconds: float, end_seconds: float) -> Iterator[tuple[float, float, Any]]:
    """From when and until when in a piece each picture is shown; the first one fills the piece from its start on."""
    shown: Any = None
    since = start_seconds
    for timestamp, picture in recording.pictures(start_seconds):
        seconds = timestamp - recording.info.start_seconds
        if seconds >= end_seconds - EXACT_SECONDS:
            break
        if seconds > start_seconds + EXACT_SECONDS and shown is not None:
            yield since, seconds, shown
            since = seconds
        shown = picture
    if shown is None:
        raise MediaError(f"{recording.name} has no picture that can be decoded: it is damaged")
    yield since, end_seconds, shown


def _planar(picture: Any) -> Any:
    """A picture in the form that players expect, upright, its width and height even."""
    matrix = display_matrix(picture)
    if is_transposed(matrix) or matrix[0, 0] < 0 or matrix[1, 1] < 0:
        picture = av.VideoFrame.from_ndarray(upright(picture), format="rgb24")
    width, height = picture.width // 2 * 2, picture.height // 2 * 2
    return picture.reformat(width=width, height=height, format="yuv420p")


def _video_stream(container: Any, info: MediaInfo, frame: Any) -> Any:
    rate = Fraction(info.picture_rate).limit_denominator(1001)
    stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "18"})
    stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
    context = stream.codec_context
    context.time_base = _TICKS
    context.max_b_frames = 0  # so that packets come in the order of pictures, each with its own duration
    context.sample_aspect_ratio = Fraction(info.pixel_aspect).limit_denominator(1000)
    for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
        setattr(context, name, getattr(frame, name))
    return stream


def _sound(container: Any, recording: Recording, start_seconds: float, end_seconds: float) -> Iterator[_Timed]:
    """Sound of a piece, ready to be encoded, sample by sample at its place."""
    frames = recording.sound(start_seconds)
    first = next(frames, None)
    if first is None:
        return
    rate_hz = first.sample_rate if first.sample_rate in _AAC_RATES else 48_000
    few = "mono" if len(first.layout.channels) == 1 else "stereo"
    layout = first.layout.name if first.layout.name in _AAC_LAYOUTS else few
    stream = container.add_stream("aac", rate=rate_hz, layout=layout)
    done, total = 0, round((end_seconds - start_seconds) * rate_hz)
    for whole in Sound(chain([first], frames), rate_hz, recording.info.start_seconds + start_seconds, layout).pieces():
        piece = np.ascontiguousarray(np.atleast_2d(whole[: total - done].T))  # [channels, S]
        if piece.size:
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, done, Fraction(1, rate_hz)
            yield _Timed(done / rate_hz, stream, frame)
        done += piece.shape[1]
        if done >= total:
            return
