"""What comes out: shapes, colours, loudness, orientation, names, and memory that does not grow."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from media_makers import see

from dmin.media import FrameSize, decode, decode_audio, pictures, probe


@pytest.mark.parametrize(("frames_per_second", "frames"), [(1, 1), (2, 2), (4, 4), (25, 25), (0.2, 1)])
def test_frames_a_second_are_a_setting(made, frames_per_second, frames):
    segments = decode(made("a.mp4"), frames_per_second=frames_per_second)
    assert [segment.frames.shape for segment in segments] == [(frames, 224, 224, 3)] * 3
    assert {segment.frames.dtype for segment in segments} == {np.dtype("uint8")}


@pytest.mark.parametrize(("frame_size", "shape"), [(32, (32, 32)), ((30, 70), (30, 70)), (None, (57, 33))])
def test_frames_have_the_size_asked_for(made, frame_size, shape):
    path = made("odd.mkv", width=33, height=57, video="ffv1", pixels="yuv444p")
    assert next(iter(decode(path, frame_size=frame_size))).frames.shape[1:3] == shape


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le", "gray", "bgra"])
def test_any_form_of_pixels_gives_rgb(made, pixels):
    seen = see(made("a.mkv", video="ffv1", pixels=pixels, audio="flac"))
    assert seen.flash_seconds == pytest.approx((1.5, 1.7))
    red, green, blue = seen.segments[0].frames[0, 5, 5].astype(int)  # top left is red
    if pixels == "gray":
        assert red == green == blue
    else:
        assert red > 200
        assert max(green, blue) < 60


# A player turns the picture back by what is written, counter-clockwise: where the red corner then is.
CORNERS = {0: ("top", "left"), 90: ("bottom", "left"), 180: ("bottom", "right"), -90: ("top", "right")}


@pytest.mark.parametrize("rotation", CORNERS)
@pytest.mark.parametrize("frame_size", [None, 40])
def test_a_phones_picture_is_turned_upright(made, rotation, frame_size):
    path = made("phone.mp4", rotation=rotation)
    info = probe(path)
    assert (info.width, info.height) == ((64, 48) if rotation in (0, 180) else (48, 64))
    frame = next(iter(decode(path, frame_size=frame_size))).frames[0].astype(int)  # [H, W, 3]
    assert frame.shape[:2] == ((info.height, info.width) if frame_size is None else (40, 40))
    height, width = frame.shape[0] // 4, frame.shape[1] // 4
    rows = {"top": height, "bottom": 3 * height}
    columns = {"left": width, "right": 3 * width}
    redness = {(row, column): frame[rows[row], columns[column], 0] for row in rows for column in columns}
    assert max(redness, key=redness.__getitem__) == CORNERS[rotation]


@pytest.mark.parametrize("audio", ["aac", "pcm_s16le", "flac"])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_many_channels_are_no_louder_than_one(made, audio, layout):
    seen = see(made("a.mkv", audio=audio, layout=layout, b_frames=0))
    assert np.abs(seen.waveform[int(1.55 * 48_000) : int(1.65 * 48_000)]).max() == pytest.approx(0.5, abs=0.02)
    assert np.abs(seen.waveform).max() <= 1
    assert seen.beep_seconds == pytest.approx((1.5, 1.7), abs=0.002)


def test_pictures_and_sound_may_change_their_form_on_the_way(made, tmp_path):
    facts = {"video": "mpeg2video", "audio": "mp2", "frames_per_second": 25}
    first = made("first.ts", **facts)
    second = made("second.ts", **facts, layout="stereo", width=80, height=64, seconds=2)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    seen = see(joined)
    assert {segment.frames.shape[1:3] for segment in seen.segments} == {(48, 64)}
    assert len(decode_audio(joined, 8000)) >= 3 * 8000 - 400


@pytest.mark.parametrize(
    "name",
    ["12:30.mp4", "a b & c.mp4", "-dash.mp4", "50%d.mp4", "[x]*?.mp4", "ünï.mp4", "quo'te\".mp4", "line\n.mp4", "x"],
)
def test_any_name_will_do(made, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)  # a colon matters only at the beginning of a path
    shutil.copy(made("a.mp4"), name)
    assert len(list(decode(name))) == 3


def test_a_name_need_not_be_utf8(made, tmp_path):
    name = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    try:
        shutil.copy(made("a.mp4"), name)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    assert len(list(decode(name))) == 3


def test_segments_print_shapes(made):
    segment = next(iter(decode(made("a.mp4"))))
    assert repr(segment) == "Segment(index=0, frames=[4, 224, 224, 3], waveform=[44100])"


def test_segments_can_be_gone_through_again(made):
    segments = decode(made("a.mp4"), frame_size=16)
    first, second = (np.concatenate([segment.frames for segment in segments]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


class TestStreaming:
    @pytest.fixture
    def long(self, made) -> Path:
        return made("long.mp4", seconds=60, frames_per_second=4, video="libx264")

    def test_seconds_are_decoded_as_they_are_asked_for(self, long, monkeypatch):
        decoded = {"pictures": 0}
        original = pictures.decoded

        def counting(container, stream, clock, **options):
            for frame in original(container, stream, clock, **options):
                decoded["pictures"] += stream.type == "video"
                yield frame

        monkeypatch.setattr(pictures, "decoded", counting)
        segments = iter(decode(long))
        assert isinstance(segments, Iterator)
        before = decoded["pictures"]
        for _ in range(10):
            next(segments)
        assert decoded["pictures"] - before <= 10 * 4 + 12  # a few more are looked at to put them in order
        assert sum(1 for _ in segments) == 50

    def test_memory_is_that_of_a_second(self, long):
        segments = decode(long, frame_size=64)
        second = 4 * 64 * 64 * 3 + 44_100 * 4
        next(iter(segments))  # what is loaded once
        tracemalloc.start()
        try:
            for _ in segments:
                pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8 * second  # all of it would be 60


def test_ffmpegs_threads_do_not_log_through_python():
    """They would wait for Python's lock while the thread that holds it waits for them: decoding hung now and then."""
    import av

    assert av.logging.get_level() is None


@pytest.mark.parametrize(
    ("form", "shape"),
    [
        (FrameSize(32, 32, covers=True), (55, 32)),
        (FrameSize(20, 60, covers=True), (103, 60)),
        (FrameSize(64, 8, covers=True), (64, 37)),
        (FrameSize(20, 60), (20, 60)),
    ],
)
def test_a_size_that_pictures_cover_keeps_their_proportions(made, form, shape):
    assert (
        next(
            iter(decode(made("odd.mkv", width=33, height=57, video="ffv1", pixels="yuv444p"), frame_size=form))
        ).frames.shape[1:3]
        == shape
    )


def test_the_interpolation_asked_for_is_used(made):
    path = made("a.mp4")
    frames = [
        next(iter(decode(path, frame_size=FrameSize(20, 20, interpolation=name)))).frames[0].astype(int)
        for name in ("POINT", "BICUBIC")
    ]
    assert np.abs(frames[0] - frames[1]).max() > 3
