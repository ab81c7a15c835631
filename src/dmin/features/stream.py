"""From a video to its features, second by second, with memory that does not grow with the video's length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from dmin.backbones import Backbone
from dmin.features.clip import ClipFeatures
from dmin.media import Recording, Segment, Segments, Source, decode, keep_footage

MissingAudio = Literal["error", "silence"]
"""Treatment of a video without sound: refuse it, or take it as silent."""
_FRAMES_AT_ONCE = 16
"""Frames that go through the visual backbone together: more of them take more memory and are no faster."""


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
    """
    segments = decode(
        video,
        frames_per_second=visual.card.frames_per_second,
        rate_hz=audio.card.rate_hz,
        missing_audio=missing_audio,
    )
    source = iter(segments)
    if isinstance(video, Recording) and video.keeps_footage:
        source = keep_footage(segments, video)
    start = 0
    chunk = _chunk(source, visual, audio, chunk_seconds)
    while chunk is not None:
        following = _chunk(source, visual, audio, chunk_seconds)
        maps, vectors = chunk
        rest = max(segments.duration_seconds - start, 0.0)
        # The last chunk has the remainder, which is up to half a second more or less than its number of segments.
        yield ClipFeatures(maps, vectors, float(len(maps)) if following else rest)
        start += len(maps)
        chunk = following


def stream_modality(segments: Segments, backbone: Backbone) -> Iterator[Tensor]:
    """Compute the features of one modality alone, so that memory stays flat however long the recording is.

    Args:
        segments: Opened by `open_modality`.
        backbone: Visual or audio.

    Yields:
        Some seconds' visual maps [N, H, W, D_v] float16 or audio features [N, D_a] float32, in order; N is 16 at most.

    Raises:
        MediaError: The recording cannot be decoded.
    """
    features = _visual if backbone.card.modality == "visual" else _audio
    source = iter(segments)
    while batch := list(islice(source, _batch_seconds(backbone))):
        yield features(batch, backbone)


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
            streams="picture",
            start_seconds=start_seconds,
            end_seconds=end_seconds,
        )
    return decode(path, rate_hz=card.rate_hz, streams="sound", start_seconds=start_seconds, end_seconds=end_seconds)


def _batch_seconds(backbone: Backbone) -> int:
    """Seconds that go through a backbone together."""
    return max(1, int(_FRAMES_AT_ONCE // (backbone.card.frames_per_second or 1)))


def _chunk(source: Iterator[Segment], visual: Backbone, audio: Backbone, seconds: int) -> tuple[Tensor, Tensor] | None:
    """Maps [T, H, W, D_v] and vectors [T, D_a] of the next T <= ``seconds`` segments; None when there are no more."""
    maps: list[Tensor] = []
    vectors: list[Tensor] = []
    batch_seconds = _batch_seconds(visual)
    while seconds > 0 and (batch := list(islice(source, min(batch_seconds, seconds)))):
        seconds -= len(batch)
        maps.append(_visual(batch, visual))
        vectors.append(_audio(batch, audio))
    return (torch.cat(maps), torch.cat(vectors)) if maps else None


@torch.no_grad()
def _visual(batch: Sequence[Segment], backbone: Backbone) -> Tensor:
    """Mean map of each segment's frames: float16 [N, H, W, D_v]."""
    frames = torch.from_numpy(np.concatenate([segment.frames for segment in batch]))  # [N * F, height, width, 3]
    maps: Tensor = backbone(frames.to(_device(backbone)))  # [N * F, H, W, D_v]
    return maps.reshape(len(batch), -1, *maps.shape[1:]).float().mean(1).to(torch.float16).cpu()


@torch.no_grad()
def _audio(batch: Sequence[Segment], backbone: Backbone) -> Tensor:
    """One vector a segment: float32 [N, D_a]."""
    waveforms = torch.from_numpy(np.stack([segment.waveform for segment in batch]))  # [N, S]
    vectors: Tensor = backbone(waveforms.to(_device(backbone)))  # [N, D_a]
    return vectors.float().cpu()


def _device(backbone: Backbone) -> torch.device:
    return next((parameter.device for parameter in backbone.parameters()), torch.device("cpu"))
