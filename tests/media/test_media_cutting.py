"""Pieces of videos: the right pictures at the right times, sound beside them, and names for clips."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from media_makers import Clip, see

from dmin.errors import DataError, MediaError
from dmin.media import cut, cut_events, probe
from dmin.media.clips import _clip_name
from dmin.results.events import Event

RATE = 20
SYNC_SECONDS = 0.02


def write_numbered(
    path: Path, times: Sequence[float], *, codec: str = "libx264", b_frames: int = 2, size: tuple[int, int] = (64, 48)
) -> Path:
    """Write pictures that show their numbers, in base 16, as the brightness of their two halves."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options={"g": "40", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = clock = Fraction(1, 1000 if codec == "libx264" else RATE)
        stream.codec_context.max_b_frames = b_frames
        stream.bit_rate = 4_000_000
        for number, time in enumerate(times):
            picture = np.empty((size[1], size[0], 3), np.uint8)
            picture[:, : size[0] // 2], picture[:, size[0] // 2 :] = 8 + 15 * (number // 16), 8 + 15 * (number % 16)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time / clock), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def numbers(path: Path) -> tuple[list[int], list[float]]:
    """Number and time of each picture."""
    shown, times = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture = frame.to_ndarray(format="rgb24").astype(float)
            half = picture.shape[1] // 2
            digits = [round((part.mean() - 8) / 15) for part in (picture[:, : half - 2], picture[:, half + 2 :])]
            shown.append(16 * digits[0] + digits[1])
            times.append(float(frame.time))
    return shown, times


def steady(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE)) / RATE


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Twelve seconds in containers of all kinds."""
    folder = tmp_path_factory.mktemp("long")
    plain: dict[str, Any] = {"codec": "mpeg4", "b_frames": 0}
    return {
        suffix: write_numbered(folder / f"long{suffix}", steady(12.5), **(plain if suffix == ".avi" else {}))
        for suffix in (".mp4", ".mkv", ".mov", ".ts", ".avi")
    }


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (2.0, 3.0), (3.49, 4.21), (11.0, 12.0), (11.33, 12.5)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_a_piece_has_the_very_pictures_at_their_times(suffix: str, start: float, end: float, long, tmp_path) -> None:
    cut(long[suffix], tmp_path / "a.mp4", start, end)
    shown, times = numbers(tmp_path / "a.mp4")
    first = int(start * RATE + 1e-6)
    assert shown == list(range(first, first + len(shown)))
    assert len(shown) == np.ceil(end * RATE - 1e-6) - first
    expected = [max(number / RATE - start, 0) for number in shown]
    assert np.allclose(times, expected, atol=0.0015)  # Matroska and MPEG round
    assert probe(tmp_path / "a.mp4").duration_seconds == pytest.approx(end - start, abs=0.002)


def test_pictures_may_come_at_any_time(tmp_path) -> None:
    given = [0.0, 0.31, 0.5, 1.7, 1.75, 3.0, 10.9, 11.2, 11.25, 14.0]
    path = write_numbered(tmp_path / "varied.mkv", given, b_frames=0)
    for start, end, expected, times in [
        (0.4, 2.0, [1, 2, 3, 4], [0, 0.1, 1.3, 1.35]),
        (11.0, 13.0, [6, 7, 8], [0, 0.2, 0.25]),
        (5.0, 6.5, [5], [0]),  # one picture all the time
    ]:
        cut(path, tmp_path / "a.mp4", start, end)
        shown, seconds = numbers(tmp_path / "a.mp4")
        assert shown == expected
        assert np.allclose(seconds, times, atol=0.001)
        assert probe(tmp_path / "a.mp4").duration_seconds == pytest.approx(end - start, abs=0.001)


def test_where_seeking_fails_the_file_is_read_from_its_start(long, tmp_path, monkeypatch) -> None:
    def too_far(container: Any, stream: Any, seconds: float | None) -> None:
        if seconds is not None:
            container.seek(int(12 / stream.time_base), stream=stream)

    monkeypatch.setattr("dmin.media.pictures.seek", too_far)
    cut(long[".mp4"], tmp_path / "a.mp4", 11.3, 11.6)
    assert numbers(tmp_path / "a.mp4")[0] == [226, 227, 228, 229, 230, 231]


def test_a_late_piece_is_sought_not_decoded_from_the_start(long, tmp_path, monkeypatch) -> None:
    decoded = []
    from dmin.media import pictures

    original = pictures.decoded
    monkeypatch.setattr(pictures, "decoded", lambda *a, **k: (decoded.append(f.pts) or f for f in original(*a, **k)))
    cut(long[".mp4"], tmp_path / "a.mp4", 12.0, 12.2)
    assert len(decoded) < 3 * RATE + 10


CLIPS = [
    Clip("a.mp4", seconds=13, flash_seconds=(11.5, 11.7), beep_seconds=(11.5, 11.7)),
    Clip("a.mkv", seconds=13, flash_seconds=(11.5, 11.7), beep_seconds=(11.5, 11.7), audio="flac"),
    Clip("a.ts", seconds=13, flash_seconds=(11.5, 11.7), beep_seconds=(11.5, 11.7), video="mpeg2video", b_frames=2),
    Clip("late.mkv", seconds=13, flash_seconds=(11.5, 11.7), beep_seconds=(11.5, 11.7), audio_start_seconds=11.1),
    Clip("rates.mp4", flash_seconds=(1.5, 1.7), layout="5.1", rate_hz=44_100),
    Clip("fast.mkv", flash_seconds=(1.5, 1.7), audio="pcm_s16le", rate_hz=96_000, layout="stereo"),
    Clip("odd.mkv", flash_seconds=(1.5, 1.7), audio="pcm_s16le", rate_hz=10_000, width=71, height=47, video="ffv1"),
]


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_sound_stays_beside_the_picture(clip: Clip, copy: bool, made: Callable[..., Path], tmp_path) -> None:
    path = clip.make(tmp_path)
    middle = clip.flash_seconds[0]
    cut(path, tmp_path / f"piece{'.mkv' if copy else '.mp4'}", middle - 0.43, middle + 1.02, copy=copy)
    piece = next(tmp_path.glob("piece.*"))
    seen = see(piece, frames_each=100)
    flash, beep = seen.flash_seconds, seen.beep_seconds
    assert flash[1] - flash[0] == pytest.approx(0.2, abs=0.011)
    assert beep == pytest.approx(flash, abs=SYNC_SECONDS)
    info = probe(piece)
    if copy:
        assert flash[0] >= 0.43 - 0.01
        assert 1.45 - 0.01 <= info.duration_seconds < 1.45 + 13 / 20 + 0.2  # from the key frame before
    else:
        assert flash[0] == pytest.approx(0.43, abs=0.011)
        assert info.duration_seconds == pytest.approx(1.45, abs=0.025)
        assert (info.width, info.height) == (clip.width // 2 * 2, clip.height // 2 * 2)


def test_a_piece_is_upright_and_keeps_its_proportions(made, tmp_path) -> None:
    cut(made("turned.mp4", rotation=90), tmp_path / "a.mp4", 0, 1)
    with av.open(str(tmp_path / "a.mp4")) as container, av.open(str(made("plain.mp4"))) as plain:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert frame.shape == (64, 48, 3)
        assert sorted((half.mean() > 100) for half in (frame[:20, :15, 0], frame[-20:, :15, 0])) == [False, True]
        assert next(plain.decode(video=0)).width == 64
    path = tmp_path / "wide.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)
        for _ in range(RATE):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    cut(path, tmp_path / "b.mp4", 0, 1)
    assert probe(tmp_path / "b.mp4").pixel_aspect == 1.5


def test_a_video_without_sound_and_sound_that_ends_early(made, tmp_path) -> None:
    cut(made("silent.mp4", audio_seconds=0), tmp_path / "a.mp4", 1, 2)
    assert not probe(tmp_path / "a.mp4").has_audio
    cut(made("early.mkv", audio_seconds=1.4, seconds=3, audio="flac"), tmp_path / "b.mp4", 1, 2.5)
    assert probe(tmp_path / "b.mp4").duration_seconds == pytest.approx(1.5, abs=0.01)
    cut(made("early.mkv", audio_seconds=1.4, seconds=3, audio="flac"), tmp_path / "c.mp4", 2, 3)
    assert probe(tmp_path / "c.mp4").duration_seconds == pytest.approx(1, abs=0.01)


def test_a_picture_that_ends_before_the_sound_stays(made, tmp_path) -> None:
    cut(made("heard.mkv", seconds=1, audio_seconds=3, audio="flac"), tmp_path / "a.mp4", 1.5, 2.5)
    info = probe(tmp_path / "a.mp4")
    assert (info.has_video, info.has_audio) == (True, True)
    assert info.duration_seconds == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts"])
@pytest.mark.parametrize(("start", "key"), [(0.0, 0), (2.9, 40), (4.0, 80), (11.99, 200)])
def test_a_copy_starts_at_the_key_frame_before(suffix: str, start: float, key: int, long, tmp_path) -> None:
    end = start + 0.5
    piece = tmp_path / ("a.mkv" if suffix == ".ts" else f"a{suffix}")
    cut(long[suffix], piece, start, end, copy=True)
    shown, times = numbers(piece)
    last = int(np.ceil(end * RATE - 1e-6))
    assert [number for number in shown if number < last] == list(range(key, last))
    assert len(shown) <= last - key + 3  # pictures that lean on later ones bring them along
    assert np.allclose(times, (np.array(shown) - key) / RATE, atol=0.0015)


def test_what_cannot_be_copied_is_told(made, long, tmp_path) -> None:
    disordered = made("b.avi", video="libx264", b_frames=3, audio="pcm_s16le", frames_per_second=10)
    with pytest.raises(MediaError, match=r"b\.avi has timestamps that jump or lack: cut it exactly"):
        cut(disordered, tmp_path / "a.mkv", 1, 2, copy=True)
    with pytest.raises(MediaError, match=r"'\.gif' is no ending of files that packets are copied to: \.mp4"):
        cut(long[".mp4"], tmp_path / "a.gif", 1, 2, copy=True)
    assert not list(tmp_path.iterdir())


def test_a_piece_that_is_not_there_is_told(made, tmp_path) -> None:
    for start, end in ((5, 6), (2, 2), (-1, 1), (float("nan"), 1)):
        with pytest.raises(MediaError, match="does not lie within it, or ends before it starts"):
            cut(made("a.mp4"), tmp_path / "a.mp4", start, end)
    with pytest.raises(MediaError, match="has no video stream"):
        cut(made("sound.mp4", seconds=0.0, audio_seconds=3.0), tmp_path / "a.mp4", 0, 1)
    with pytest.raises(MediaError, match="does not exist"):
        cut(tmp_path / "gone.mp4", tmp_path / "a.mp4", 0, 1)
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_is_left_and_the_video_stays(made, tmp_path, monkeypatch) -> None:
    path = Clip("a.mp4").make(tmp_path)
    before = path.read_bytes()
    with pytest.raises(DataError, match="is the video itself: write the piece to another file"):
        cut(path, path, 0, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dmin.media.cutting._mux", full)
    with pytest.raises(DataError, match=r"cannot write .*b\.mp4: No space left on device"):
        cut(path, tmp_path / "b.mp4", 0, 1)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_events_become_clips_with_margins_within_the_video(made, tmp_path) -> None:
    path = made("three.mp4")
    told = []
    events = [Event(0, 1, "Dog", 0.9), Event(1, 2, "Church bell", 0.8), Event(2, 4, "Dog", 0.7)]
    clips = cut_events(path, events, tmp_path / "new", margin_seconds=0.25, progress=lambda *w: told.append(w))
    assert [clip.name for clip in clips] == [
        "three_000.0-001.0_Dog.mp4",
        "three_001.0-002.0_Church-bell.mp4",
        "three_002.0-004.0_Dog.mp4",
    ]
    assert sorted((tmp_path / "new").iterdir()) == clips
    lengths = [probe(clip).duration_seconds for clip in clips]
    rest = probe(path).duration_seconds - 1.75
    assert lengths == pytest.approx([1.25, 1.5, rest], abs=1 / RATE)
    assert told == [("cut", 1, 3), ("cut", 2, 3), ("cut", 3, 3)]
    with pytest.raises(DataError, match="margin_seconds is -1: must be 0 or more"):
        cut_events(path, events, tmp_path, margin_seconds=-1)


def test_clips_go_to_a_container_that_holds_what_is_copied(made, long, tmp_path) -> None:
    for path, suffix in ((made("three.mp4"), ".mp4"), (long[".ts"], ".mkv"), (long[".mkv"], ".mkv")):
        (clip,) = cut_events(path, [Event(1, 2, "Dog", 0.9)], tmp_path, copy=True)
        assert clip.suffix == suffix
        assert probe(clip).duration_seconds > 0.9


def test_names_never_leave_the_folder_nor_meet(made, tmp_path) -> None:
    path = made("three.mp4")
    names = ["../../evil", "/etc/passwd", "a/b", "a b", "A:b", "..", "", "nul\0", "Ä" * 300, os.fsdecode(b"caf\xe9")]
    taken = {"three_000.0-000.5_a-b.mp4"}
    clips = cut_events(path, [Event(0, 0.5, name, 0.9) for name in names], tmp_path / "out", taken=taken)
    assert {clip.parent for clip in clips} == {tmp_path / "out"}
    assert len({clip.name.casefold() for clip in clips}) == len(names) == len(list((tmp_path / "out").iterdir()))
    assert [clip.name.removeprefix("three_000.0-000.5_") for clip in clips[:5]] == [
        "evil.mp4", "etc-passwd.mp4", "a-b-2.mp4", "a-b-3.mp4", "A-b-4.mp4",
    ]  # fmt: skip
    assert {*(clip.name.casefold() for clip in clips)} < taken


def test_names_of_one_video_are_in_the_order_of_time() -> None:
    events = [Event(t, t + 1, "Dog", 0.9) for t in (0.0, 9.5, 12.0, 99.0, 100.0, 999.0)]
    names = [_clip_name(Path("a.mp4"), event) for event in events]
    assert names == sorted(names)
