"""Which of a file's streams is read, which way up its pictures are, and where its sound ends."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from dmin.errors import MediaError
from dmin.media import decode, probe
from dmin.media.pictures import pictures_in

RATE_HZ = 8000


def write_pictures(path: Path, pictures: list[np.ndarray], setup: Callable[[Any], None] = lambda stream: None) -> Path:
    """A video of the given pictures, 10 a second; `setup` gets its stream."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        setup(stream)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def coded(path: Path) -> np.ndarray:
    """The first picture as it is stored."""
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
        ((1, 0, 0, -1), lambda picture: picture[::-1]),
        ((0, 1, 1, 0), lambda picture: picture.swapaxes(0, 1)),
        ((0, 1, -1, 0), lambda picture: np.rot90(picture, -1)),
        ((0, -1, 1, 0), lambda picture: np.rot90(picture)),
        ((0, -1, -1, 0), lambda picture: np.rot90(picture.swapaxes(0, 1), 2)),
    ],
)
def test_pictures_are_turned_and_mirrored_by_the_whole_matrix(tmp_path, matrix, shown):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :20] = 255, 0, 0
    picture[32:, 40:] = 0, 0, 255
    a, b, c, d = (value << 16 for value in matrix)
    path = write_pictures(
        tmp_path / "turned.mp4",
        [picture] * 5,
        lambda stream: stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30]),
    )
    expected = shown(coded(path))
    info = probe(path)
    assert (info.height, info.width) == expected.shape[:2]
    frame = next(iter(decode(path, missing_audio="silence", frame_size=None))).frames[0]
    np.testing.assert_array_equal(frame, expected)


def test_interlaced_pictures_are_scaled_as_a_whole(tmp_path):
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[::2] = 255  # one field is white, the other one black

    def interlace(stream):
        stream.options = {"x264opts": "tff", "crf": "1"}

    path = write_pictures(tmp_path / "interlaced.mp4", [picture] * 10, interlace)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    frame = next(iter(decode(path, missing_audio="silence", frame_size=64))).frames[0].astype(float)
    assert np.abs(np.diff(frame, axis=0)).mean() < 20  # each field scaled alone, rows would be white and black by turns


def test_pixels_need_not_be_square(tmp_path):
    def widen(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

    assert probe(write_pictures(tmp_path / "wide.mp4", [np.zeros((48, 64, 3), np.uint8)] * 5, widen)).pixel_aspect == 2


@pytest.mark.filterwarnings("ignore:.*cut short")
@pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
def test_pictures_before_a_damaged_end_are_kept(tmp_path, share):
    noise = np.random.default_rng(0).integers(0, 255, (40, 96, 128, 3), np.uint8)
    whole = write_pictures(tmp_path / "whole.mp4", list(noise))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with av.open(str(cut)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        expected = [frame.time for frame in _past_damage(container)]
    assert [time for time, _ in pictures_in(probe(cut))] == expected
    assert len(expected) > 10


def _past_damage(container: Any) -> Iterator[Any]:
    for packet in container.demux(video=0):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


def sound_frame(wave: np.ndarray, form: str = "s16") -> av.AudioFrame:
    """Mono samples, 8000 a second, as one frame."""
    frame = av.AudioFrame.from_ndarray(wave[None], format=form, layout="mono")
    frame.rate, frame.pts = RATE_HZ, 0
    return frame


def test_the_default_sound_is_read(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        silent, loud = (container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono") for _ in range(2))
        loud.disposition = Disposition.default
        for stream, level in ((silent, 0), (loud, 9000)):
            container.mux(stream.encode(sound_frame(np.full(2 * RATE_HZ, level, np.int16))))
    assert all(segment.waveform.mean() > 0.25 for segment in decode(path, streams="sound"))


def test_sound_that_cannot_be_decoded_is_no_sound(made, tmp_path):
    path = tmp_path / "undecodable.mp4"
    with av.open(str(made("sound.mp4"))) as source, av.open(str(path), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size:
                if packet.stream.type == "audio":
                    packet.update(bytes(packet.size))
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    with pytest.raises(MediaError, match="has no audio stream"):
        decode(path)


FORMATS = {
    "a.mp3": "libmp3lame",
    "a.aac": "aac",
    "a.m4a": "aac",
    "a.opus": "libopus",
    "a.flac": "flac",
}
ENCODER_DELAY_SECONDS = {"a.aac": 0.2}
"""At most; a bare AAC stream has no place to say it."""


def write_tone(path: Path, codec: str, seconds: float) -> Path:
    """A tone of 1 kHz from the first sample to the last."""
    wave = (16_000 * np.sin(2 * np.pi * 1000 * np.arange(round(48_000 * seconds)) / 48_000)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        resampler = av.AudioResampler(
            stream.codec_context.format, "mono", 48_000, stream.codec_context.frame_size or 960
        )
        frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        frame.rate, frame.pts = 48_000, 0
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(piece))
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_a_sound_lasts_as_long_as_ffmpeg_decodes(tmp_path, name):
    path = write_tone(tmp_path / name, FORMATS[name], 2.48)
    seconds = probe(path).duration_seconds
    assert 2.47 < seconds < 2.49 + ENCODER_DELAY_SECONDS.get(name, 0.0)
    waveform = np.concatenate([segment.waveform for segment in decode(path, streams="sound", rate_hz=48_000)])
    loud = np.flatnonzero(np.abs(waveform) > 0.2)
    assert loud[0] / 48_000 < 0.002 + ENCODER_DELAY_SECONDS.get(name, 0.0)
    assert loud[-1] / 48_000 == pytest.approx(min(seconds, len(waveform) / 48_000), abs=0.03)
    if shutil.which("ffmpeg"):
        command = ["ffmpeg", "-nostdin", "-i", str(path), "-f", "s16le", "-ar", "48000", "-ac", "1", "-"]
        decoded = subprocess.run(command, capture_output=True, check=True).stdout
        # The last packet of an MP4 file is decoded whole, beyond the end that its header gives.
        assert seconds == pytest.approx(len(decoded) / 2 / 48_000, abs=0.022 if name == "a.m4a" else 0.001)
