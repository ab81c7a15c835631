"""Which picture and which sound belong to which second."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_makers import Clip, see

from dmin.media import decode, probe

CONTAINERS = {
    "a.mp4": {},
    "a.mov": {"audio": "pcm_s16le"},
    "a.mkv": {"audio": "flac"},
    "a.webm": {"video": "libvpx", "audio": "libopus"},
    "a.avi": {"video": "mjpeg", "pixels": "yuvj420p", "audio": "pcm_s16le"},
    "a.ts": {"video": "libx264", "frames_per_second": 25, "b_frames": 2},
    "a.mpg": {"video": "mpeg2video", "frames_per_second": 25, "audio": "mp2"},
    "a.flv": {"video": "libx264", "rate_hz": 44_100},
    "b-frames.mp4": {"video": "libx264", "b_frames": 3},
    "b-frames.mkv": {"video": "libx264", "b_frames": 3, "audio": "libopus"},
    "3-fps.mp4": {"frames_per_second": 3, "flash_seconds": (4 / 3, 5 / 3)},
    "120-fps.mp4": {"frames_per_second": 120, "video": "libx264"},
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_flash_and_a_beep_are_where_they_were_put(made, name):
    clip = Clip(name, **CONTAINERS[name])
    seen = see(made(name, **CONTAINERS[name]))
    assert len(seen.segments) == 3
    # The picture shown at the middle of each 20th, so half a 20th of tolerance beside the picture's own length.
    assert seen.flash_seconds == pytest.approx(clip.flash_seconds, abs=0.051)
    assert seen.beep_seconds == pytest.approx(clip.beep_seconds, abs=0.002)  # lossy codecs blur the edges
    assert np.abs(seen.segments[1].waveform).max() == pytest.approx(0.5, abs=0.06)
    assert np.abs(seen.segments[2].waveform).max() < 0.02


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_sound_is_placed_to_the_sample_at_any_rate(made, rate_hz):
    seen = see(made("a.mkv", **CONTAINERS["a.mkv"]), rate_hz=rate_hz)
    assert [len(segment.waveform) for segment in seen.segments] == [rate_hz] * 3
    times = np.arange(3 * rate_hz) / rate_hz
    expected = 0.5 * np.sin(2 * np.pi * 1000 * times) * ((times >= 1.5) & (times < 1.7))
    inside = (times > 1.51) & (times < 1.69)  # the edges ring
    np.testing.assert_allclose(seen.waveform[inside], expected[inside], atol=0.01)


def test_timestamps_need_not_start_at_zero(made):
    path = made("a.ts", **CONTAINERS["a.ts"])
    info = probe(path)
    assert info.start_seconds > 0
    assert info.duration_seconds == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("name", ["varying.mp4", "varying.mkv"])
def test_a_varying_frame_rate_goes_by_timestamps(made, name):
    # One picture for 1.3 s, then many, then one for long: counting frames would put the flash elsewhere.
    early = tuple(np.round(1.3 + np.arange(8) * 0.02, 3))
    path = made(name, picture_seconds=(0.0, *early, 1.5, 1.7, 2.9), video="libx264")
    assert see(path).flash_seconds == pytest.approx((1.5, 1.7))


def test_pictures_of_an_avi_with_b_frames_are_in_order(made):
    # Such a file stamps its pictures in the order of decoding: believed, the flash would stay for three pictures.
    # A picture is shown when the decoder gives it, two pictures later than it was put in: FFmpeg does the same.
    facts = {"video": "libx264", "b_frames": 3, "audio": "pcm_s16le", "frames_per_second": 10}
    assert see(made("b.avi", **facts, flash_seconds=(1.5, 1.6))).flash_seconds == pytest.approx((1.7, 1.8))


@pytest.mark.parametrize(
    ("seconds", "count"), [(0.5, 1), (1.0, 1), (1.4, 1), (1.5, 2), (9.4, 9), (9.5, 10), (9.6, 10), (10.0, 10)]
)
def test_half_a_second_at_the_end_is_a_segment(made, seconds, count):
    path = made("a.mp4", seconds=seconds, flash_seconds=(seconds - 0.1, seconds), frames_per_second=10)
    segments = decode(path)
    assert segments.duration_seconds == pytest.approx(seconds, abs=0.001)
    assert len(segments) == count
    assert [(s.index, s.start_seconds) for s in segments] == [(i, float(i)) for i in range(count)]


def test_the_last_segment_is_filled_with_silence_and_the_last_picture(made):
    seen = see(made("a.mkv", seconds=2.6, flash_seconds=(2.5, 2.6), beep_seconds=(0.0, 2.6), audio="flac"))
    assert len(seen.segments) == 3
    assert (seen.brightness[-9:] > 0.9).all()  # the flash is the last picture
    assert seen.beep_seconds == pytest.approx((0, 2.6), abs=0.002)
    assert not seen.waveform[int(2.601 * 48_000) :].any()


@settings(max_examples=20, deadline=None)
@given(tenths=st.integers(5, 40), rate=st.sampled_from([3, 10, 24, 25, 30]), form=st.sampled_from(["mp4", "mkv"]))
def test_any_length_at_any_frame_rate(tenths, rate, form, tmp_path_factory):
    seconds = max(0.5, round(tenths / 10 * rate) / rate)  # a whole number of pictures
    if round(seconds * rate) / rate < 0.5:
        seconds = (round(seconds * rate) + 1) / rate
    path = Clip(f"a.{form}", seconds, frames_per_second=rate, audio="flac").make(tmp_path_factory.mktemp("any"))
    segments = decode(path, frames_per_second=2, rate_hz=800, frame_size=8)
    frames = round(seconds * rate)
    assert segments.duration_seconds == pytest.approx(frames / rate, abs=0.03)
    assert abs(len(segments) - frames / rate) <= 0.53
    shapes = {(segment.frames.shape, segment.waveform.shape) for segment in segments}
    assert shapes == {((2, 8, 8, 3), (800,))}
    assert sum(1 for _ in segments) == len(segments)


def test_a_last_packet_of_a_few_samples_is_no_longer_than_that(made):
    segments = decode(made("a.mkv", seconds=53 / 24, frames_per_second=24, audio="flac"), rate_hz=800)
    assert segments.duration_seconds == pytest.approx(53 / 24, abs=0.002)  # 16 samples, which Matroska rounds to 0 ms


class TestSoundAndPictureOfDifferentLength:
    @pytest.mark.parametrize("name", ["late.mp4", "late.mkv"])
    @pytest.mark.parametrize("start", [0.04, 1.0])
    def test_sound_that_starts_late(self, made, name, start):
        seen = see(made(name, audio_start_seconds=start, audio_seconds=3 - start))
        assert seen.beep_seconds == pytest.approx((1.5, 1.7), abs=0.002)
        assert not seen.waveform[: int((start - 0.005) * 48_000)].any()

    def test_pictures_that_start_late(self, made):
        times = tuple(np.round(1 + np.arange(20) * 0.1, 3))
        seen = see(made("late-video.mkv", picture_seconds=times, audio="flac", video="libx264"))
        assert len(seen.segments) == 3
        assert seen.flash_seconds == pytest.approx((1.5, 1.7))
        assert seen.beep_seconds == pytest.approx((1.5, 1.7), abs=0.002)

    def test_sound_that_ends_early(self, made):
        seen = see(made("early.mp4", audio_seconds=1.6))
        assert len(seen.segments) == 3
        assert seen.beep_seconds == pytest.approx((1.5, 1.6), abs=0.03)
        assert not seen.segments[2].waveform.any()

    def test_sound_that_goes_on_for_five_seconds(self, made):
        seen = see(made("sound.mp4", seconds=2, audio_seconds=7, flash_seconds=(1.9, 2), beep_seconds=(6, 6.5)))
        assert len(seen.segments) == 7
        assert (seen.brightness[-5 * 20 :] > 0.9).all()  # the last picture stays
        assert seen.beep_seconds == pytest.approx((6, 6.5), abs=0.002)

    def test_pictures_that_go_on_for_five_seconds(self, made):
        seen = see(made("pictures.mp4", seconds=7, audio_seconds=2, flash_seconds=(6, 6.5)))
        assert len(seen.segments) == 7
        assert seen.flash_seconds == pytest.approx((6, 6.5))
        assert not np.concatenate([segment.waveform for segment in seen.segments[3:]]).any()


def test_what_an_edit_cut_off_is_not_shown(made, tmp_path):
    """Phones trim a video by a note in its header: the pictures before stay in the file, not to be shown."""
    path = made("whole.mp4", seconds=5, flash_seconds=(3.5, 3.7), beep_seconds=(3.5, 3.7), video="libx264", b_frames=2)
    trimmed = tmp_path / "trimmed.mp4"
    trimmed.write_bytes(_without_first_seconds(path.read_bytes(), 2))
    assert probe(path).duration_seconds == pytest.approx(5, abs=0.05)
    assert probe(trimmed).duration_seconds == pytest.approx(3, abs=0.05)
    seen = see(trimmed)
    assert seen.flash_seconds == pytest.approx((1.5, 1.7))
    assert seen.beep_seconds == pytest.approx((1.5, 1.7), abs=0.03)


def _without_first_seconds(content: bytes, seconds: int) -> bytes:
    """Move the beginning in both edit lists of an MP4 file."""
    content = bytearray(content)
    clock = edit = 0
    for _ in range(2):
        clock = content.index(b"mdhd", clock + 1)
        edit = content.index(b"elst", edit + 1)
        (units_per_second,) = struct.unpack_from(">I", content, clock + 16)
        duration, start = struct.unpack_from(">Ii", content, edit + 12)  # duration in milliseconds
        struct.pack_into(">Ii", content, edit + 12, duration - 1000 * seconds, start + seconds * units_per_second)
    return bytes(content)


@pytest.mark.parametrize("clip", ["3qesirWAGt4_20000_30000", "53UdZyM9MyE_252000_262000", "dog_video_02677"])
def test_real_clips_are_read_whole(shared, clip):
    path = Path(shared) / "clips" / f"{clip}.mp4"
    info = probe(path)
    assert info.duration_seconds == pytest.approx(info.declared_seconds, abs=0.1)
    segments = decode(path, frames_per_second=1, rate_hz=8000, frame_size=32)
    waveforms = [segment.waveform for segment in segments]
    assert len(waveforms) == len(segments) == round(info.duration_seconds)
    assert 0.001 < np.abs(waveforms).max() <= 1
