"""Files that are not videos, or only in part: one clear sentence each, and what can be read is read."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from media_makers import see
from PIL import Image

from dmin.errors import MediaError
from dmin.media import decode, decode_audio, probe

FAST = (("movflags", "faststart"),)
FRAGMENTED = (("movflags", "frag_keyframe+empty_moov"),)


def refuses(path: Path | str, message: str) -> None:
    with pytest.raises(MediaError, match=f"^{re.escape(str(path))} {message}$"):
        decode(path)


def cut(path: Path, folder: Path, share: float) -> Path:
    """The first part of a file."""
    content = path.read_bytes()
    shorter = folder / f"cut-{path.name}"
    shorter.write_bytes(content[: int(len(content) * share)])
    return shorter


class TestRefused:
    def test_an_empty_file(self, tmp_path):
        (tmp_path / "a.mp4").touch()
        refuses(tmp_path / "a.mp4", "is empty: give a video file")

    @pytest.mark.parametrize("content", [b"no video at all\n" * 50, bytes(5000), b"{}"])
    def test_something_else_of_a_videos_name(self, tmp_path, content):
        (tmp_path / "a.mp4").write_bytes(content)
        refuses(tmp_path / "a.mp4", "is not a video or sound that FFmpeg can read, or it is cut off")

    def test_a_text_file_that_ffmpeg_would_draw(self, tmp_path):
        (tmp_path / "notes.txt").write_text("hello world\n" * 50)
        refuses(tmp_path / "notes.txt", "is a text file: give a video file")

    def test_subtitles(self, tmp_path):
        (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nhi\n")
        refuses(tmp_path / "a.srt", "holds neither video nor sound that FFmpeg can decode: give a video file")

    def test_a_folder(self, tmp_path):
        refuses(tmp_path, "is a folder: give a video file")

    def test_what_is_not_there(self, tmp_path):
        refuses(tmp_path / "gone.mp4", "does not exist: check the name")
        (tmp_path / "file").touch()
        refuses(tmp_path / "file" / "a.mp4", "does not exist: check the name")

    def test_a_name_that_no_file_can_have(self, tmp_path):
        refuses(tmp_path / ("a" * 300), "cannot be read: File name too long")
        refuses("a\0b.mp4", "is not a video or sound that FFmpeg can read, or it is cut off")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_what_may_not_be_read(self, made, tmp_path):
        path = Path(shutil.copy(made("a.mp4"), tmp_path))
        path.chmod(0)
        refuses(path, "may not be read: check its permissions")

    def test_what_the_system_will_not_open(self, made, monkeypatch):
        def refuse(*args, **options):
            raise PermissionError(13, "Permission denied")

        path = made("a.mp4")
        monkeypatch.setattr("av.open", refuse)
        refuses(path, "may not be read: check its permissions")

    def test_no_pictures(self, made):
        message = "has no video stream: an event must be seen, so give a file with pictures"
        refuses(made("sound.mp4", seconds=0, audio_seconds=1), message)

    def test_a_cover_is_no_video(self, tmp_path):
        path = tmp_path / "song.mp3"
        _write_song(path)
        refuses(path, "has no video stream: an event must be seen, so give a file with pictures")
        assert len(decode_audio(path, 8000)) == pytest.approx(8000, abs=1000)

    def test_no_sound(self, made):
        path = made("silent.mp4", audio_seconds=0)
        refuses(
            path,
            "has no audio stream: to take it as silent, use --missing-audio silence "
            + re.escape('(in Python missing_audio="silence")'),
        )
        seen = see(path, missing_audio="silence")
        assert seen.flash_seconds == pytest.approx((1.5, 1.7))
        assert not seen.waveform.any()
        with pytest.raises(MediaError, match=r"silent\.mp4 has no audio stream"):
            decode_audio(path, 8000)

    def test_an_animation_has_no_sound(self, made):
        path = made("a.gif", video="gif", pixels="rgb8", audio_seconds=0)
        refuses(path, "has no audio stream: .*")
        assert see(path, missing_audio="silence").flash_seconds == pytest.approx((1.5, 1.7), abs=0.051)

    @pytest.mark.parametrize("name", ["a.jpg", "a.png", "jpeg.mp4"])
    def test_a_still_picture(self, tmp_path, name):
        Image.new("RGB", (64, 48), "red").save(tmp_path / name, "png" if name == "a.png" else "jpeg")
        refuses(tmp_path / name, r"lasts 0\.04 s: at least 0\.5 s are needed")

    def test_too_short(self, made):
        refuses(made("short.mp4", seconds=0.4), r"lasts 0\.40 s: at least 0\.5 s are needed")

    @pytest.mark.parametrize(("width", "height"), [(1, 1), (15, 48), (64, 15)])
    def test_too_small(self, made, width, height):
        path = made("small.mkv", width=width, height=height, video="ffv1", pixels="yuv444p")
        refuses(path, f"is {width}x{height} pixels: at least 16x16 are needed")

    @pytest.mark.parametrize("stream", ["video", "audio"])
    def test_a_codec_that_nobody_knows(self, made, tmp_path, stream):
        known = {"video": b"V_MPEG4/ISO/AVC", "audio": b"A_FLAC"}[stream]
        content = made("a.mkv", video="libx264", audio="flac").read_bytes()
        path = tmp_path / "a.mkv"
        path.write_bytes(content.replace(known, known[:2] + b"X" * (len(known) - 2)))
        refuses(path, f"has no {stream} stream: .*")


class TestCutOff:
    def test_with_its_index_at_the_end(self, made, tmp_path):
        path = cut(made("a.mp4", video="libx264"), tmp_path, 0.5)
        refuses(path, "(is not a video or sound that FFmpeg can read, or it is|holds no .*: it is damaged or) cut off")

    @pytest.mark.parametrize(("name", "options"), [("fast.mp4", FAST), ("a.mkv", ())])
    def test_with_its_index_in_front(self, made, tmp_path, name, options):
        facts = {"seconds": 6, "video": "libx264", "flash_seconds": (0.5, 0.7), "options": options}
        path = cut(made(name, **facts), tmp_path, 0.6)
        with pytest.warns(UserWarning, match="is cut short") as caught:
            segments = decode(path, frames_per_second=20, rate_hz=8000)
        message = rf"{re.escape(str(path))} is cut short: (.*) of 6\.0 s could be read"
        words = re.fullmatch(message, str(caught[0].message))
        assert float(words[1]) == pytest.approx(segments.duration_seconds, abs=0.051)
        assert 1 <= len(list(segments)) == len(segments) <= 4
        with pytest.warns(UserWarning, match="is cut short"):
            assert see(path).flash_seconds == pytest.approx((0.5, 0.7))

    def test_in_fragments(self, made, tmp_path):
        path = made("f.mp4", seconds=6, video="libx264", options=FRAGMENTED, frames_per_second=10)
        with pytest.warns(UserWarning, match=r"is cut short: .* of 6\.0 s could be read"):
            seen = see(cut(path, tmp_path, 0.8))
        assert 2 <= len(seen.segments) <= 5
        assert seen.flash_seconds == pytest.approx((1.5, 1.7), abs=0.051)

    def test_a_stretch_of_zeros_costs_only_itself(self, made, tmp_path):
        content = bytearray(made("a.ts", seconds=6, frames_per_second=25, video="mpeg2video", audio="mp2").read_bytes())
        middle = len(content) // 2 // 188 * 188
        content[middle : middle + 188 * 10] = bytes(188 * 10)
        (tmp_path / "a.ts").write_bytes(content)
        seen = see(tmp_path / "a.ts")
        assert len(seen.segments) == 6
        assert seen.flash_seconds == pytest.approx((1.5, 1.7), abs=0.051)

    def test_one_damaged_timestamp_does_not_make_days(self, made, tmp_path):
        path = made("a.flv", video="flv1", rate_hz=44_100)
        content = bytearray(path.read_bytes())
        tag = content.index(b"\x08", len(content) // 2)  # somewhere in the middle: an audio tag
        while content[tag : tag + 1] != b"\x08" or content[tag + 8 : tag + 11] != bytes(3):
            tag = content.index(b"\x08", tag + 1)
        content[tag + 7] = 0x10  # the highest byte of its milliseconds: three days
        (tmp_path / "a.flv").write_bytes(content)
        seen = see(tmp_path / "a.flv")
        assert len(seen.segments) == 3
        assert seen.beep_seconds == pytest.approx((1.5, 1.7), abs=0.06)

    @pytest.mark.parametrize("name", ["fuzz.mp4", "fuzz.mkv", "fuzz.avi", "fuzz.ts"])
    def test_random_damage_is_read_or_refused(self, made, tmp_path, name):
        content = made(name, video="libx264", frames_per_second=10, audio="libmp3lame").read_bytes()
        random = np.random.default_rng(0)
        for damages in (1, 5, 50, 500) * 5:
            damaged = np.frombuffer(content, np.uint8).copy()
            damaged[random.integers(len(damaged), size=damages)] = random.integers(256, size=damages)
            (tmp_path / name).write_bytes(damaged.tobytes())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    segments = decode(tmp_path / name, rate_hz=800, frame_size=16, missing_audio="silence")
                    assert len(segments) < 1500
                    assert sum(1 for _ in segments) == len(segments)
                except MediaError:
                    continue


def _write_song(path: Path) -> None:
    """A second of sound with a cover picture."""
    import av

    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=44_100, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 32
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 200, np.uint8), format="rgb24")
        for packet in [*cover.encode(picture), *cover.encode(None)]:
            container.mux(packet)
        for start in range(0, 44_100, 1152):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), format="fltp", layout="mono")
            frame.rate, frame.pts = 44_100, start
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def test_nothing_is_held_open(made):
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    before = len(list(Path("/proc/self/fd").iterdir()))
    path = made("a.mp4")
    for _ in range(5):
        probe(path)
        next(iter(decode(path)))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
