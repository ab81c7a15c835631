"""Clocks that restart or jump, and packets that say little about their time."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from media_makers import see

from dmin.errors import MediaError
from dmin.media import decode, probe
from dmin.media.clock import Clock, ClockFinder

FAILING = Path(__file__).parents[3] / "shared" / "failing"
JUMPING, STEADY = 0x0200, 0


def finder(flags: int, declared_end_seconds: float | None = None) -> ClockFinder:
    streams = [SimpleNamespace(index=0), SimpleNamespace(index=1)]
    return ClockFinder(SimpleNamespace(format=SimpleNamespace(flags=flags)), streams, declared_end_seconds)


def starts(clock: ClockFinder, given: list[tuple[int, float]]) -> list[float]:
    """Where packets of a second each are put."""
    numbers = {0: -1, 1: -1}
    put = []
    for index, start in given:
        numbers[index] += 1
        put.append(clock.add(index, numbers[index], start, 1.0))
    return put


class TestClockFinder:
    @pytest.mark.parametrize("second", [0.0, 3.0, 95.0, 1e5])
    def test_streams_leap_together(self, second):
        given = [
            (0, 5.0),
            (1, 5.2),
            (0, 6.0),
            (0, second),
            (1, 6.2),
            (1, second + 0.2),
            (0, second + 1),
            (1, second + 1.2),
        ]
        assert np.allclose(starts(finder(JUMPING), given), [5, 5.2, 6, 7, 6.2, 7.2, 8, 8.2])

    def test_a_damaged_timestamp_leaps_there_and_back(self):
        assert starts(finder(JUMPING), [(0, 0.0), (0, 40_000.0), (0, 2.0)]) == [0, 1, 2]

    def test_a_damaged_first_timestamp_is_put_beside_the_other_stream(self):
        assert starts(finder(JUMPING), [(0, 0.0), (1, 40_000.0), (1, 1.5)]) == [0, 1, 1.5]

    def test_a_picture_after_a_long_pause_is_no_leap_when_the_sound_is_there(self):
        given = [(0, 0.0), *((1, float(second)) for second in range(30)), (0, 29.0)]
        assert starts(finder(JUMPING), given)[-1] == 29

    def test_slides_minutes_apart_are_believed_when_the_header_declares_them(self):
        assert starts(finder(STEADY, 2100.0), [(0, 0.0), (0, 700.0), (0, 1400.0)]) == [0, 700, 1400]
        assert starts(finder(STEADY, 10.0), [(0, 0.0), (0, 700.0)]) == [0, 1]

    def test_a_clock_moves_packets(self):
        clock = Clock([(0, 0.0), (2, 5.0)])
        given = [SimpleNamespace(pts=10, dts=None, time_base=0.5) for _ in range(4)]
        for number, packet in enumerate(given):
            clock.set(packet, number)
        assert [packet.pts for packet in given] == [10, 10, 20, 20]


def test_two_transport_streams_put_together_are_one_video(made, tmp_path):
    path = tmp_path / "both.ts"
    one = made("clock.ts", seconds=2.0, flash_seconds=(1.0, 1.5), beep_seconds=(1.0, 1.5)).read_bytes()
    path.write_bytes(one + one)
    seen = see(path)
    assert len(seen.segments) == 4
    white = np.flatnonzero(seen.brightness > 0.5) / seen.frames_each
    loud = np.flatnonzero(np.abs(seen.waveform) > 0.3) / seen.rate_hz
    assert white[0] == pytest.approx(1.0, abs=0.051)
    assert white[-1] == pytest.approx(3.45, abs=0.101)
    assert loud[0] == pytest.approx(1.0, abs=0.02)
    assert loud[-1] == pytest.approx(3.5, abs=0.12)  # the encoder's delay stands between the two


@pytest.mark.parametrize("lead", [0.03, 0.083, 0.5])
@pytest.mark.parametrize("name", ["lead.mkv", "lead.mov"])
def test_sound_that_leads_is_at_its_timestamps(made, name, lead):
    seen = see(made(name, audio="pcm_s16le", audio_start_seconds=-lead, audio_seconds=3 + lead))
    begin = seen.flash_seconds[0]
    assert seen.beep_seconds[0] == pytest.approx(begin, abs=0.02)


def test_raw_pictures_count_by_their_rate(tmp_path):
    path = tmp_path / "raw.m4v"
    with av.open(str(path), "w", format="m4v") as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index * 4, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe(path).duration_seconds == pytest.approx(3.0, abs=0.06)


def test_a_header_that_ends_early_is_not_about_permissions(made, tmp_path):
    path = tmp_path / "cut.wmv"
    path.write_bytes(made("whole.wmv", video="wmv2", audio="libmp3lame").read_bytes()[:300])
    with pytest.raises(MediaError, match="cut off"):
        probe(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [("#EXT-X-STREAM-INF:BANDWIDTH=900000", "names a file that is missing"), ("#EXTINF:8,", "of which no part can be")],
)
def test_a_playlist_whose_parts_are_missing(tmp_path, line, message):
    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n{line}\ngone.m3u8\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError, match=message):
        probe(path)


def test_an_encrypted_file_is_named_so(made, tmp_path):
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 32, "encryption_kid": "1" * 32}
    path = tmp_path / "secret.mp4"
    with av.open(str(made("plain.mp4"))) as source, av.open(str(path), "w", options=options) as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    with pytest.raises(MediaError, match="is encrypted"):
        probe(path)


@pytest.mark.skipif(not FAILING.is_dir(), reason="needs the shared folder of failing inputs")
@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("sound-44ms-late-lead-83ms.mkv", 8),
        ("eight-pictures-8s-says-7.flv", 8),
        ("mp3-2.48s-says-3-and-138ms-silence.mp3", 2),
        ("raw-h264-refused.h264", 8),
        ("default-sound-is-second.mkv", 8),
        ("starts-at-3600s-said-cut.mkv", 8),
        ("clock-restarts-8s-says-5.ts", 8),
        ("clock-jumps-95s-says-103.ts", 8),
        ("slides-2100s-says-0.mkv", 2100),
    ],
)
@pytest.mark.filterwarnings("error")
def test_the_number_of_seconds(name, seconds, tmp_path):
    path = Path(shutil.copy(FAILING / name, tmp_path))
    info = probe(path)
    segments = decode(path, missing_audio="silence", streams="both" if info.has_video else "sound")
    assert len(segments) == seconds
