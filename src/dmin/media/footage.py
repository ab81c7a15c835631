"""A few frames and a spectrogram of a recording, kept while it is decoded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

from dmin.errors import MediaError
from dmin.media.info import MediaInfo
from dmin.media.recording import Recording
from dmin.media.segments import Segment, Segments, Streams, decode
from dmin.media.source import Source, recording_of
from dmin.results.footage import Footage

MOST_THUMBNAILS = 14
FEWEST_THUMBNAILS = 7
_THUMBNAIL_HEIGHT = 200
TOP_HZ = 8_000.0
_BANDS = 64
_WINDOW_SECONDS = 0.064
_MOST_COLUMNS = 1600
"""A spectrogram with more columns would have more of them than the picture has pixels."""


def thumbnail_instants(duration_seconds: float) -> tuple[float, ...]:
    """One instant a second, in its middle; several where the video is very short, fewer where it is long.

    Example:
        >>> thumbnail_instants(1.0)[:2], len(thumbnail_instants(10.2)), len(thumbnail_instants(3600))
        ((0.07142857142857142, 0.21428571428571427), 10, 14)
    """
    seconds = max(1, int(duration_seconds + 0.5))
    count = min(MOST_THUMBNAILS, seconds * math.ceil(FEWEST_THUMBNAILS / seconds))
    return tuple((i + 0.5) * duration_seconds / count for i in range(count))


class FootageMaker:
    """Keeps what a picture needs of segments that pass by; an hour takes no more memory than a minute."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._instants = thumbnail_instants(segments.duration_seconds) if segments.has_pictures else ()
        self._columns = columns_per_second(segments.count)
        self._frames: list[NDArray[np.uint8]] = []
        self._spectra: list[NDArray[np.float32]] = []

    def add(self, segment: Segment) -> None:
        """Take in the next segment."""
        end = segment.index + 1 if segment.index + 1 < self._segments.count else math.inf
        while len(self._frames) < len(self._instants) and self._instants[len(self._frames)] < end:
            place = (self._instants[len(self._frames)] - segment.index) * len(segment.frames)
            frame = segment.frames[min(int(place), len(segment.frames) - 1)]
            self._frames.append(_unsquashed(frame, thumbnail_size(self._segments.info)))
        if self._segments.has_audio:
            self._spectra.append(spectrogram(segment.waveform, self._segments.rate_hz, self._columns))

    def footage(self) -> Footage:
        """Footage of the segments so far."""
        sound = np.concatenate(self._spectra, axis=1) if self._spectra else None
        return Footage(tuple(self._frames), self._instants, sound, self._segments.duration_seconds)


def keep_footage(segments: Segments, recording: Recording) -> Iterator[Segment]:
    """Pass on the segments of a whole recording; it has their footage when they are over."""
    maker = FootageMaker(segments)
    for segment in segments:
        maker.add(segment)
        yield segment
    recording.footage = maker.footage()


def watch(
    video: Source | Segments,
    *,
    streams: Streams | None = None,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
) -> Footage:
    """Go through a video once and keep what a picture of it needs, unless the recording has kept it already.

    Args:
        video: The video, or segments that are already open (their frames' size and rates are taken as they are). A
            sound file gives footage without frames.
        streams: What of a file is wanted; all there is by default.
        start_seconds: Where the piece that is wanted of a file starts.
        end_seconds: Where it ends.

    Raises:
        MediaError: The video cannot be read.
    """
    if (
        isinstance(video, Recording)
        and video.footage is not None
        and (streams, start_seconds, end_seconds) == (None, 0.0, None)
    ):
        return video.footage
    segments = video if isinstance(video, Segments) else _small(video, streams, start_seconds, end_seconds)
    maker = FootageMaker(segments)
    for segment in segments:
        maker.add(segment)
    return maker.footage()


def _small(source: Source, streams: Streams | None, start_seconds: float, end_seconds: float | None) -> Segments:
    """Segments that hold no more than a picture needs."""
    recording = recording_of(source)
    info = recording.info
    if math.isinf(recording.duration_seconds):
        raise MediaError(f"{recording.name} is read as it comes: no picture of all of it can be made before its end")
    seconds = (info.duration_seconds if end_seconds is None else end_seconds) - start_seconds
    return decode(
        recording,
        frames_per_second=math.ceil(FEWEST_THUMBNAILS / max(1, int(seconds + 0.5))),
        rate_hz=16_000,
        frame_size=thumbnail_size(info),
        missing_audio="silence",
        streams=streams or ("both" if info.has_video else "sound"),
        start_seconds=start_seconds,
        end_seconds=end_seconds,
    )


def thumbnail_size(info: MediaInfo) -> tuple[int, int]:
    """Height and width of a thumbnail in the proportions in which a video is shown, within reason."""
    aspect = min(max(info.width * info.pixel_aspect / max(info.height, 1), 0.25), 4.0)
    return _THUMBNAIL_HEIGHT, round(_THUMBNAIL_HEIGHT * aspect)


def _unsquashed(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A copy of a frame [H, W, 3]; of another size, if its proportions are others."""
    height, width = size
    if abs(frame.shape[1] / frame.shape[0] - width / height) < 0.05:
        return frame.copy()
    picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
    return np.asarray(picture.reformat(width=width, height=height, interpolation="BICUBIC").to_ndarray(), np.uint8)


def columns_per_second(seconds: int) -> int:
    """Columns of the spectrogram for each second: as many as a picture can show of so many seconds.

    Example:
        >>> columns_per_second(10), columns_per_second(60), columns_per_second(3600)
        (100, 25, 1)
    """
    return next((c for c in (100, 50, 25, 20, 10, 5, 4, 2) if c * seconds <= _MOST_COLUMNS), 1)


def spectrogram(waveform: NDArray[np.floating], rate_hz: int, columns: int) -> NDArray[np.float32]:
    """Loudness of one second of sound by mel band, in decibels below full scale.

    Args:
        waveform: [S] with S = ``rate_hz``, in -1..1.
        rate_hz: Samples in a second.
        columns: A divisor of 100; spectra are averaged in between.

    Returns:
        [bands, columns].
    """
    size = round(_WINDOW_SECONDS * rate_hz)
    # All windows lie inside the second: what would be put around it is heard as a click at both of its ends.
    starts = np.linspace(0, len(waveform) - size, 100).astype(int)
    pieces = np.lib.stride_tricks.sliding_window_view(waveform, size)[starts]  # [100, window]
    window = np.hanning(size)
    amplitude = np.abs(np.fft.rfft(pieces * window)) / (window.sum() / 2)  # a full-scale sine has 1
    power = amplitude**2 @ _mel_filters(rate_hz, size).T  # [100, bands]
    mean = power.reshape(columns, -1, _BANDS).mean(1)
    decibels: NDArray[np.float32] = (10 * np.log10(mean.T + 1e-10)).astype(np.float32)
    return decibels


def mel(frequency_hz: float) -> float:
    """Place of a frequency on the mel scale, by HTK's formula."""
    return 2595 * math.log10(1 + frequency_hz / 700)


@cache
def _mel_filters(rate_hz: int, window: int) -> NDArray[np.float64]:
    """[bands, window / 2 + 1]: overlapping triangles, evenly spaced in mel."""
    edges = 700 * (10 ** (np.linspace(0, mel(TOP_HZ), _BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(window, 1 / rate_hz)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters: NDArray[np.float64] = np.clip(np.minimum(rising, falling), 0, None)
    # Low bands are narrower than a bin: none may stay empty.
    centres = np.abs(bins - edges[1:-1, None]).argmin(1)
    empty = filters.sum(1) == 0
    filters[empty, centres[empty]] = 1
    filters /= filters.sum(1, keepdims=True)
    return filters
