from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import MediaError
from dmin.media import Recording, decode, keep_footage, watch
from dmin.media.footage import columns_per_second, spectrogram, thumbnail_instants


@given(st.floats(0.5, 100_000))
def test_thumbnails_are_few_and_evenly_spaced(duration: float) -> None:
    instants = thumbnail_instants(duration)
    assert 7 <= len(instants) <= 14
    assert 0 < instants[0] < instants[-1] < duration
    np.testing.assert_allclose(np.diff(instants), duration / len(instants), rtol=1e-6)


@given(st.integers(1, 10_000))
def test_spectrograms_stay_small(seconds: int) -> None:
    columns = columns_per_second(seconds)
    assert 100 % columns == 0
    assert columns == 1 or columns * seconds <= 1600


def test_watch_takes_frames_and_sound_at_their_times(video: Path) -> None:
    footage = watch(video)
    assert footage.instants_seconds == thumbnail_instants(footage.duration_seconds)
    assert footage.duration_seconds == pytest.approx(3.0, abs=0.1)
    assert footage.frames[0].shape == (200, 267, 3)
    brightness = [float(frame.mean()) for frame in footage.frames]
    assert brightness == pytest.approx([40] * 3 + [120] * 3 + [200] * 3, abs=8)
    assert footage.spectrogram_db is not None
    assert footage.spectrogram_db.shape == (64, 300)
    band = footage.spectrogram_db.max(1).argmax()
    assert band == pytest.approx(64 * 1000 / 2840, abs=2)  # 1000 Hz are 1000 mel of 2840 up to 8 kHz
    loud = footage.spectrogram_db[band]
    assert loud[130:170].min() > loud[:80].max() + 30
    assert loud[130:170].min() > loud[220:].max() + 30


def test_watch_takes_open_segments_of_any_setting(video: Path) -> None:
    footage = watch(decode(video, frames_per_second=2, frame_size=(24, 32), rate_hz=44_100))
    assert len(footage.frames) == 9
    assert footage.frames[0].shape == (24, 32, 3)
    assert [float(frame.mean()) // 40 for frame in footage.frames[::3]] == pytest.approx([1, 3, 5], abs=1)


def test_watch_without_the_video(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        watch(tmp_path / "gone.mp4")


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_a_full_scale_tone_is_found_at_its_height(rate_hz: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    decibels = spectrogram(tone, rate_hz, 4)
    assert decibels.shape == (64, 4)
    mel = 2595 * math.log10(1 + 440 / 700)
    assert decibels.mean(1).argmax() == pytest.approx(65 * mel / 2840 - 1, abs=2.5)
    assert -15 < decibels.max() <= 0.1


def test_a_recording_keeps_the_footage_of_a_whole_pass_and_is_not_decoded_again(video: Path, monkeypatch) -> None:
    recording = Recording(video, keeps_footage=True)
    assert recording.footage is None
    segments = decode(recording, frames_per_second=8, frame_size=224, rate_hz=44_100)
    for _ in keep_footage(segments, recording):
        assert recording.footage is None
    kept, fresh = recording.footage, watch(video)
    assert kept is not None
    monkeypatch.setattr("av.open", None)
    assert watch(recording) is kept
    assert kept.instants_seconds == fresh.instants_seconds
    assert kept.duration_seconds == fresh.duration_seconds
    for ours, theirs in zip(kept.frames, fresh.frames, strict=True):  # not squashed any more
        assert ours.shape == theirs.shape
        assert ours.mean() == pytest.approx(theirs.mean(), abs=2)
    assert kept.spectrogram_db is not None
    assert fresh.spectrogram_db is not None
    assert kept.spectrogram_db.shape == fresh.spectrogram_db.shape
    assert kept.spectrogram_db.max() == pytest.approx(fresh.spectrogram_db.max(), abs=1)


@pytest.mark.parametrize("options", [{"streams": "picture"}, {"streams": "sound"}, {"start_seconds": 1.0}])
def test_of_a_part_of_it_no_footage_is_kept(video: Path, options: dict[str, object]) -> None:
    recording = Recording(video, keeps_footage=True)
    list(decode(recording, **options))
    assert recording.footage is None
    list(keep_footage(decode(recording), recording))
    kept = recording.footage
    assert watch(recording, **options) is not kept
    assert recording.footage is kept
