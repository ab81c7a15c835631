"""Seconds heard in their surroundings: every window and every block, compared with what is cut from the whole sound."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from features_fakes import TinyEar, TinyEye, card, make_video
from torch import Tensor

from dmin.backbones import Backbone
from dmin.features import features_of, open_modality, stream_features, stream_modality
from dmin.features.hearing import Hearing

RATE_HZ = 6


def whole(seconds: int) -> np.ndarray:
    return np.random.default_rng(seconds).normal(size=seconds * RATE_HZ).astype(np.float32)


def heard(ear: Backbone, sound: np.ndarray, batch: int) -> Tensor:
    """What the ear makes of a sound that arrives in batches of seconds."""
    hearing = Hearing(ear)
    pieces = iter(sound.reshape(-1, RATE_HZ))
    rows = []
    while some := list(islice(pieces, batch)):
        rows.append(hearing.hear(some))
    return torch.cat([*rows, hearing.end()])


def window_ear(context_seconds: float) -> Backbone:
    """Gives back the very samples that it is fed."""

    class WindowEar(Backbone):
        def forward(self, waveforms: Tensor) -> Tensor:
            return waveforms

    ear = WindowEar()
    samples = round(context_seconds * RATE_HZ)
    ear.card = card("window-ear", "audio", (samples,), rate_hz=RATE_HZ, context_seconds=context_seconds)
    return ear


def frame_ear(context_seconds: float) -> Backbone:
    """Each second's own samples, and the sum of all that it is fed with them; notes the lengths of its inputs."""

    class FrameEar(Backbone):
        def forward(self, waveforms: Tensor) -> Tensor:
            self.lengths.append(waveforms.shape[1])
            seconds = waveforms.reshape(len(waveforms), -1, RATE_HZ)
            return torch.cat([seconds, seconds.sum((1, 2), keepdim=True).expand(-1, seconds.shape[1], 1)], 2)

    ear = FrameEar()
    ear.lengths = []
    options = {"rate_hz": RATE_HZ, "context_seconds": context_seconds, "frame_wise": True}
    ear.card = card("frame-ear", "audio", (RATE_HZ + 1,), **options)
    return ear


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("context_seconds", [1.0, 2.0, 3.0, 4.5, 10.0])
@pytest.mark.parametrize("seconds", [1, 2, 5, 14])
def test_a_window_is_centred_on_its_second_with_silence_outside_the_recording(seconds, context_seconds, batch):
    sound = whole(seconds)
    around = round(20 * RATE_HZ)
    padded = np.pad(sound, around)
    samples = round(context_seconds * RATE_HZ)
    rows = heard(window_ear(context_seconds), sound, batch)
    assert len(rows) == seconds
    for second, row in enumerate(rows):
        middle = (second + 0.5) * RATE_HZ + around
        start = int(middle - samples / 2)
        np.testing.assert_array_equal(row.numpy(), padded[start : start + samples])


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize(
    ("seconds", "context_seconds", "lengths"),
    [(1, 4.0, [1]), (3, 4.0, [3]), (4, 4.0, [4]), (5, 4.9, [4, 4]), (11, 4.0, [4, 4, 4]), (3, 1.0, [1, 1, 1])],
)
def test_a_frame_wise_network_gives_each_second_its_own_frames(seconds, context_seconds, lengths, batch):
    sound = whole(seconds)
    ear = frame_ear(context_seconds)
    rows = heard(ear, sound, batch)
    np.testing.assert_array_equal(rows[:, :RATE_HZ].numpy(), sound.reshape(-1, RATE_HZ))
    assert ear.lengths == [length * RATE_HZ for length in lengths]
    block = lengths[-1] * RATE_HZ
    torch.testing.assert_close(rows[-1, -1].item(), float(sound[-block:].sum()), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(rows[0, -1].item(), float(sound[: lengths[0] * RATE_HZ].sum()), rtol=1e-4, atol=1e-5)


class WideEar(TinyEar):
    """Loudness, peak and mean of four seconds around a second."""

    card = card("wide-ear", "audio", (3,), rate_hz=8000, context_seconds=4.0)


@pytest.mark.parametrize("chunk_seconds", [1, 2, 5, 100])
def test_surroundings_reach_over_chunks_and_streams(tmp_path, chunk_seconds):
    colours = [(255, 255, 255), (0, 0, 0), (0, 0, 0), (255, 255, 255), (0, 0, 0), (0, 0, 0), (250, 250, 250)]
    path = make_video(tmp_path / "a.mp4", colours)
    features = features_of(path, TinyEye(), WideEar())
    sound = np.concatenate([s.waveform for s in open_modality(path, TinyEar())])
    padded = torch.from_numpy(np.pad(sound, 16_000))
    windows = torch.stack([padded[t * 8000 + 4000 : t * 8000 + 36_000] for t in range(7)])
    torch.testing.assert_close(features.audio, TinyEar()(windows))
    chunks = list(stream_features(path, TinyEye(), WideEar(), chunk_seconds=chunk_seconds))
    assert [len(chunk.audio) for chunk in chunks[:-1]] == [chunk_seconds] * (len(chunks) - 1)
    torch.testing.assert_close(torch.cat([chunk.audio for chunk in chunks]), features.audio)
    alone = torch.cat(list(stream_modality(open_modality(path, WideEar()), WideEar())))
    torch.testing.assert_close(alone, features.audio)
