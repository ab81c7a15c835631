"""From a video to its features, second by second, with memory that does not grow with the video's length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from dmin.backbones import Backbone
from dmin.errors import DataError
from dmin.features.ahead import ahead
from dmin.features.clip import ClipFeatures
from dmin.features.hearing import Hearing, device_of
from dmin.media import Recording, Segment, Segments, Source, decode, keep_footage

MissingAudio = Literal["error", "silence"]
"""Treatment of a video without sound: refuse it, or take it as silent."""
_FRAMES_AT_ONCE = {"cpu": 8, "gpu": 16}
"""Frames that go through the visual backbone together: more of them take more memory and are no faster."""
_SECONDS_AHEAD = 4
"""Seconds that are decoded while the backbones are at those before them."""


def features_of(
    video: Source, visual: Backbone, audio: Backbone, missing_audio: MissingAudio = "error"
) -> ClipFeatures:
    """Compute the features of a whole video.

    Args:
        video: The video, or its path.
        visual: Its frames a second decide how many frames are averaged into a second's map.
        audio: Its rate decides how the sound is resampled.
        missing_audio: "silence" accepts a video without sound.

    Returns:
        Visual maps [T, H, W, D_v] float16 and audio features [T, D_a] float32. An hour takes about half a gigabyte with
        maps of [7, 7, 1280]; `stream_features` gives it in pieces.

    Raises:
        MediaError: The video cannot be read.
    """
    chunks = list(stream_features(video, visual, audio, missing_audio=missing_audio))
    return ClipFeatures(
        torch.cat([chunk.visual for chunk in chunks]),
        torch.cat([chunk.audio for chunk in chunks]),
        sum(chunk.duration_seconds for chunk in chunks),
    )


def stream_features(
    video: Source,
    visual: Backbone,
    audio: Backbone,
    *,
    chunk_seconds: int = 60,
    missing_audio: MissingAudio = "error",
) -> Iterator[ClipFeatures]:
    """Compute the features of a video in chunks, so that memory stays flat however long it is.

    Args:
        video: The video, or its path.
        visual: The visual backbone.
        audio: The audio backbone.
        chunk_seconds: Most seconds in a chunk; only the last chunk may be shorter.
        missing_audio: "silence" accepts a video without sound.

    Yields:
        Chunks as `features_of` gives them, in order; their durations add up to the video's.

    Raises:
        MediaError: The video cannot be read.
        DataError: ``missing_audio`` is neither.
    """
    if missing_audio not in get_args(MissingAudio):
        raise DataError(f"missing_audio is {missing_audio!r}: must be {' or '.join(map(repr, get_args(MissingAudio)))}")
    segments = decode(
        video,
        frames_per_second=visual.card.frames_per_second,
        frame_size=visual.card.frame_size,
        rate_hz=audio.card.rate_hz,
        missing_audio=missing_audio,
    )
    watched: Iterable[Segment] = segments
    if isinstance(video, Recording) and video.keeps_footage:
        watched = keep_footage(segments, video)
    start = 0
    with closing(ahead(watched, _SECONDS_AHEAD)) as source:
        chunks = _chunks(source, visual, audio, chunk_seconds)
        chunk = next(chunks, None)
        while chunk is not None:
            following = next(chunks, None)
            maps, vectors = chunk
            rest = max(segments.duration_seconds - start, 0.0)
            # The last chunk has the remainder, which is up to half a second more or less than its number of segments.
            yield ClipFeatures(maps, vectors, rest if following is None else float(len(maps)))
            start += len(maps)
            chunk = following


def stream_modality(segments: Segments, backbone: Backbone) -> Iterator[Tensor]:
    """Compute the features of one modality alone, so that memory stays flat however long the recording is.

    Args:
        segments: Opened by `open_modality`.
        backbone: Visual or audio.

    Yields:
        Some seconds' visual maps [N, H, W, D_v] float16 or audio features [N, D_a] float32, in order.

    Raises:
        MediaError: The recording cannot be decoded.
    """
    hearing = Hearing(backbone) if backbone.card.modality == "audio" else None
    with closing(ahead(segments, _SECONDS_AHEAD)) as source:
        for batch in _batches(source, _batch_seconds(backbone)):
            features = _visual(batch, backbone) if hearing is None else hearing.hear([s.waveform for s in batch])
            if len(features):
                yield features
    if hearing is not None and len(features := hearing.end()):
        yield features


def open_modality(
    path: str | Path, backbone: Backbone, *, start_seconds: float = 0.0, end_seconds: float | None = None
) -> Segments:
    """Open what a visual backbone sees of a video, with or without sound, or what an audio backbone hears of a file.

    Args:
        path: A video or, for an audio backbone, a sound file.
        backbone: Its card says which modality is asked for, and how it is sampled.
        start_seconds: Where to start.
        end_seconds: Where to end, to the nearest whole number of seconds; the end of the file by default.

    Raises:
        MediaError: The file cannot be read, has no such stream, or the piece is not within it.
    """
    card = backbone.card
    if card.modality == "visual":
        return decode(
            path,
            frames_per_second=card.frames_per_second,
            frame_size=card.frame_size,
            streams="picture",
            start_seconds=start_seconds,
            end_seconds=end_seconds,
        )
    return decode(path, rate_hz=card.rate_hz, streams="sound", start_seconds=start_seconds, end_seconds=end_seconds)


def _batch_seconds(backbone: Backbone) -> int:
    """Seconds that go through a backbone together."""
    frames = _FRAMES_AT_ONCE["cpu" if device_of(backbone).type == "cpu" else "gpu"]
    return max(1, int(frames // (backbone.card.frames_per_second or 1)))


def _batches(source: Iterator[Segment], seconds: int) -> Iterator[list[Segment]]:
    """Segments, so many at a time."""
    while batch := list(islice(source, seconds)):
        yield batch


def _chunks(
    source: Iterator[Segment], visual: Backbone, audio: Backbone, seconds: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Maps [T, H, W, D_v] and vectors [T, D_a] of T = ``seconds`` segments at a time; the last may have fewer."""
    hearing = Hearing(audio)
    maps, vectors = _Queue(), _Queue()
    for batch in _batches(source, min(_batch_seconds(visual), seconds)):
        maps.add(_visual(batch, visual))
        vectors.add(hearing.hear([segment.waveform for segment in batch]))
        while min(len(maps), len(vectors)) >= seconds:
            yield maps.take(seconds), vectors.take(seconds)
    vectors.add(hearing.end())
    while len(maps):
        yield maps.take(seconds), vectors.take(seconds)


class _Queue:
    """Rows that wait for those of the other modality."""

    def __init__(self) -> None:
        self._rows: list[Tensor] = []

    def __len__(self) -> int:
        return sum(map(len, self._rows))

    def add(self, rows: Tensor) -> None:
        self._rows.append(rows)

    def take(self, count: int) -> Tensor:
        """The first ``count`` rows, or all if there are fewer."""
        rows = torch.cat(self._rows)
        self._rows = [rows[count:]]
        return rows[:count]


@torch.no_grad()
def _visual(batch: Sequence[Segment], backbone: Backbone) -> Tensor:
    """Mean map of each segment's frames: float16 [N, H, W, D_v]."""
    frames = torch.from_numpy(np.concatenate([segment.frames for segment in batch]))  # [N * F, height, width, 3]
    maps: Tensor = backbone(frames.to(device_of(backbone)))  # [N * F, H, W, D_v]
    return maps.reshape(len(batch), -1, *maps.shape[1:]).float().mean(1).to(torch.float16).cpu()
