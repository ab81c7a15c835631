"""Sources that are no file: open files, what is read once as it comes, and arrays."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest
from media_makers import Clip

from dmin.errors import MediaError
from dmin.media import Arrays, Live, Recording, Segment, decode, keep_footage, recording_of, watch

OPTIONS = {"frames_per_second": 10, "rate_hz": 16_000, "frame_size": 32}


def check_same(one: list[Segment], other: list[Segment]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert (a.index, a.start_seconds) == (b.index, b.start_seconds)
        assert np.array_equal(a.frames, b.frames)
        assert np.array_equal(a.waveform, b.waveform)


@contextmanager
def piped(path: Path) -> Iterator[Any]:
    """A file that comes through a pipe."""
    reader, writer = os.pipe()

    def feed() -> None:
        with path.open("rb") as file, os.fdopen(writer, "wb") as pipe:
            shutil.copyfileobj(file, pipe)

    thread = Thread(target=feed)
    thread.start()
    with os.fdopen(reader, "rb") as file:
        yield file
    thread.join()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_an_open_file_is_the_file(name: str, made: Callable[..., Path]) -> None:
    path = made(name)
    whole = list(decode(path, **OPTIONS))
    with path.open("rb") as file:
        file.seek(100)  # wherever it stands
        check_same(list(decode(file, **OPTIONS)), whole)
        assert recording_of(file).name == str(path)
    check_same(list(decode(io.BytesIO(path.read_bytes()), **OPTIONS)), whole)


def test_an_open_file_keeps_its_footage(made: Callable[..., Path]) -> None:
    recording = recording_of(io.BytesIO(made("a.mp4").read_bytes()))
    list(keep_footage(decode(recording), recording))
    assert recording.name == "<BytesIO>"
    assert len(recording.footage.frames) == len(watch(made("a.mp4")).frames)


def test_what_is_no_video_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video at all")
    with (tmp_path / "text.mp4").open("rb") as file, pytest.raises(MediaError, match=r"text\.mp4 is not a video or"):
        decode(file)
    with pytest.raises(MediaError, match="<BytesIO> is not a video or sound"):
        decode(io.BytesIO(b"nothing"))
    with (tmp_path / "text.mp4").open() as file, pytest.raises(MediaError, match=r"was opened as text: .* 'rb'"):
        decode(file)


@pytest.mark.parametrize(
    "clip",
    [
        Clip("a.mp4", seconds=2.7),
        Clip("a.mkv", audio="flac", audio_seconds=4.2),
        Clip("late.mkv", audio_start_seconds=1.25),
        Clip("a.ts", video="mpeg2video", b_frames=2),
        Clip("silent.mp4", audio_seconds=0),
        Clip("varied.mkv", picture_seconds=(0.0, 0.3, 1.1, 1.15, 2.6), seconds=3.0),
    ],
    ids=lambda clip: clip.name,
)
def test_what_is_read_once_gives_the_same_segments(clip: Clip, tmp_path: Path) -> None:
    path = clip.make(tmp_path)
    options = OPTIONS | {"missing_audio": "silence"}
    whole = decode(path, **options)
    with av.open(str(path)) as container:
        live = decode(container, **options)
        check_same(list(live), list(whole))
        assert live.duration_seconds == pytest.approx(whole.duration_seconds, abs=1e-6)
        assert len(live) == len(whole)


@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_a_pipe_is_read_as_it_comes(name: str, made: Callable[..., Path]) -> None:
    path = made(name)
    with piped(path) as file:
        recording = recording_of(file)
        assert isinstance(recording, Live)
        check_same(list(decode(recording, **OPTIONS)), list(decode(path, **OPTIONS)))


class Endless:
    """A container whose packets never end, and which says how many of them were taken."""

    def __init__(self, container: Any, most: int) -> None:
        self._container = container
        self._most = most
        self.taken = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def demux(self, streams: Any) -> Iterator[Any]:
        for packet in self._container.demux(streams):
            self.taken += 1
            assert self.taken < self._most
            yield packet


def test_a_segment_of_a_live_source_is_there_before_the_next_seconds_have_come(made: Callable[..., Path]) -> None:
    path = made("long.ts", seconds=8)
    with av.open(str(path)) as container:
        total = sum(bool(packet.size) for packet in container.demux())
    with av.open(str(path)) as container:
        endless = Endless(container, most=total)
        segments = iter(decode(Live(endless), **OPTIONS))
        for second in range(1, 6):
            next(segments)
            assert endless.taken < total * (second + 1) / 8 + 10


def test_a_stream_that_stays_away_counts_as_over(made: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dmin.media.live._MOST_WAITING", 100)  # five seconds of pictures, two of sound
    path = made("short sound.mkv", seconds=20, audio_seconds=1)
    with av.open(str(path)) as container:
        endless = Endless(container, most=10_000)
        segments = iter(decode(Live(endless), **OPTIONS))
        first = [next(segments) for _ in range(3)]
        assert endless.taken < 220
        check_same([*first, *segments], list(decode(path, **OPTIONS)))


def test_a_live_source_has_no_length_and_no_picture_yet(made: Callable[..., Path]) -> None:
    with av.open(str(made("a.mkv"))) as container:
        segments = decode(container)
        with pytest.raises(TypeError, match="nobody knows how long it is"):
            len(segments)
    with av.open(str(made("a.mkv"))) as container, pytest.raises(MediaError, match="no picture of all of it"):
        watch(container)
    with av.open(str(made("a.mkv"))) as container, pytest.raises(MediaError, match="can only be taken together"):
        decode(container, streams="sound")


def test_a_live_source_that_is_short_or_empty_is_refused(made: Callable[..., Path], tmp_path: Path) -> None:
    with av.open(str(made("short.mkv", seconds=0.3))) as container, pytest.raises(MediaError, match=r"lasts 0\.3"):
        list(decode(container))
    with piped(made("a.ts")) as file:
        file.read()
        with pytest.raises(MediaError, match="is not a video or sound that FFmpeg can read"):
            decode(file)


def test_the_password_of_a_camera_is_not_told(made: Callable[..., Path]) -> None:
    with av.open(str(made("a.mkv"))) as container:
        camera = Endless(container, most=10_000)
        camera.name = "rtsp://me:secret@camera/stream"
        assert Live(camera).name == "rtsp://camera/stream"


def pictures(count: int = 25) -> np.ndarray:
    small = np.random.default_rng(0).integers(0, 256, (count, 6, 8, 3), np.uint8)
    return small.repeat(10, 1).repeat(8, 2)


def waves(channels: int, seconds: float = 2.4, rate_hz: int = 22_050) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.9, 0.9, (channels, round(seconds * rate_hz))).astype(np.float32)


def write_lossless(path: Path, frames: np.ndarray, rate: int, waveform: np.ndarray, rate_hz: int) -> Path:
    """Write arrays to a file that loses nothing: FFV1, and PCM of the waveform's type."""
    form = "s16" if waveform.dtype == np.int16 else "flt"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=rate)
        video.height, video.width, video.pix_fmt = *frames.shape[1:3], "bgr0"
        layout = "mono" if len(waveform) == 1 else "stereo"
        audio = container.add_stream({"s16": "pcm_s16le", "flt": "pcm_f32le"}[form], rate=rate_hz, layout=layout)
        packets = [
            packet
            for frame in [*frames, None]
            for packet in video.encode(None if frame is None else av.VideoFrame.from_ndarray(frame, format="rgb24"))
        ]
        sound = av.AudioFrame.from_ndarray(waveform.T.reshape(1, -1).copy(), format=form, layout=layout)
        sound.sample_rate = rate_hz
        for packet in [*packets, *audio.encode(sound), *audio.encode(None)]:
            container.mux(packet)
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_arrays_give_the_segments_of_a_video_of_them(channels: int, dtype: type, tmp_path: Path) -> None:
    waveform = waves(channels)
    if dtype == np.int16:
        waveform = (waveform * 2**15).astype(np.int16)
    path = write_lossless(tmp_path / "a.mkv", pictures(), 10, waveform, 22_050)
    given = waveform.astype(dtype)
    arrays = Arrays(pictures(), 10, given[0] if channels == 1 else given, 22_050)
    segments = decode(arrays, **OPTIONS)
    whole = decode(path, **OPTIONS)
    assert segments.duration_seconds == pytest.approx(whole.duration_seconds, abs=2e-3)
    for a, b in zip(segments, whole, strict=True):
        assert np.array_equal(a.frames, b.frames)
        assert np.allclose(a.waveform, b.waveform, atol=1e-7)


def test_the_longer_of_both_arrays_decides() -> None:
    assert Arrays(pictures(30), 10, waves(1, 5.0), 22_050).duration_seconds == 5.0
    assert len(decode(Arrays(pictures(70), 10, waves(1, 5.0), 22_050))) == 7


def test_arrays_may_lack_sound_and_have_many_channels() -> None:
    with pytest.raises(MediaError, match="<arrays> has no audio stream"):
        decode(Arrays(pictures(), 10, None, 22_050))
    assert not any(s.waveform.any() for s in decode(Arrays(pictures(), 10, None, 22_050), missing_audio="silence"))
    for channels in range(1, 9):
        assert next(iter(decode(Arrays(pictures(), 10, waves(channels), 22_050)))).waveform.any()


GOOD = {"frames": pictures(), "frames_per_second": 10.0, "waveform": waves(1), "rate_hz": 22_050}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": pictures() / 255}, r"frames are float64: must be uint8, RGB in 0\.\.255"),
        ({"frames": pictures()[0]}, r"frames are \[60, 64, 3\]: must be \[N, height, width, 3\]"),
        ({"frames": pictures()[..., :1]}, r"frames are \[25, 60, 64, 1\]"),
        ({"frames": pictures()[:0]}, r"frames are \[0, 60, 64, 3\]: .* at least one"),
        ({"frames_per_second": 0}, "frames_per_second is 0: must be more than 0"),
        ({"frames_per_second": float("nan")}, "frames_per_second is nan"),
        ({"rate_hz": -1}, "rate_hz is -1: must be more than 0"),
        ({"rate_hz": 0.5}, "rate_hz is 0.5: must be a whole number"),
        ({"waveform": waves(1).astype(np.int32)}, r"the waveform is int32: must be float in -1\.\.1, or int16"),
        ({"waveform": waves(2).T}, "52920 channels: .* is it the wrong way round"),
        ({"waveform": waves(1)[:, :0]}, r"the waveform is \[1, 0\]"),
        (
            {"waveform": waves(1)[None]},
            r"the waveform is \[1, 1, 52920\]: must be \[samples\] or \[ch",
        ),
        ({"waveform": waves(1) * 32767}, r"the waveform reaches 29489.8: must lie in -1\.\.1"),
        ({"waveform": waves(1) * np.nan}, "the waveform reaches nan"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(MediaError, match=message):
        Arrays(**GOOD | wrong)


def test_arrays_of_too_few_seconds_or_pixels_are_refused_as_videos_are() -> None:
    with pytest.raises(MediaError, match=r"<arrays> lasts 0\.40 s: at least 0\.5 s"):
        decode(Arrays(pictures(4), 10, waves(1, 0.4), 22_050))
    with pytest.raises(MediaError, match="<arrays> is 8x8 pixels"):
        decode(Arrays(pictures()[:, :8, :8], 10, waves(1), 22_050))


def test_a_recording_is_passed_on(made: Callable[..., Path]) -> None:
    recording = Recording(made("a.mp4"))
    assert recording_of(recording) is recording


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(MediaError, match="a video cannot be int: give a path, a file open"):
        decode(3)
