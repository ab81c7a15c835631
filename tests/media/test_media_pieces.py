"""One stream of a file alone, and pieces of files."""

from __future__ import annotations

import numpy as np
import pytest
from media_makers import see

from dmin.errors import MediaError
from dmin.media import decode


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv"])
@pytest.mark.parametrize("start", [0.0, 0.5, 1.0, 1.25])
def test_times_count_from_the_start_of_a_piece(made, name, start):
    seen = see(made(name), start_seconds=start)
    assert seen.flash_seconds == pytest.approx((1.5 - start, 1.7 - start), abs=0.051)
    assert seen.beep_seconds == pytest.approx((1.5 - start, 1.7 - start), abs=0.03)
    assert seen.segments[0].start_seconds == start


def test_a_piece_has_the_very_samples_and_pictures_of_the_whole(made):
    whole, piece = see(made("a.mp4")), see(made("a.mp4"), start_seconds=1.0, end_seconds=2.0)
    assert len(piece.segments) == 1
    assert np.array_equal(piece.segments[0].frames, whole.segments[1].frames)
    assert np.array_equal(piece.segments[0].waveform, whole.segments[1].waveform)


@pytest.mark.parametrize(
    ("start", "end", "count"), [(0, None, 3), (0, 3, 3), (0.5, None, 3), (0.6, None, 2), (1, 1.5, 1), (1, 2.4, 1)]
)
def test_a_piece_has_whole_seconds(made, start, end, count):
    assert len(decode(made("a.mkv"), start_seconds=start, end_seconds=end)) == count


def test_the_end_of_a_file_may_be_rounded_up(made):
    video = made("uneven.mp4", seconds=2.9, audio_seconds=2.9)
    assert decode(video, end_seconds=3).duration_seconds == pytest.approx(2.9, abs=0.05)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (2, 5, "a piece from 2 to 5 s does not lie within it, or ends before it starts"),
        (2, 2, "a piece from 2 to 2 s does not"),
        (-1, 2, "a piece from -1 to 2 s does not"),
        (1, 1.2, "was cut to 0.20 s, from 1 to 1.2 s: at least 0.5 s are needed"),
    ],
)
def test_pieces_that_are_not(made, start, end, words):
    with pytest.raises(MediaError, match=words):
        decode(made("a.mp4"), start_seconds=start, end_seconds=end)


def test_sound_alone_needs_no_picture(made):
    both = list(decode(made("a.mp4"), rate_hz=8000))
    for video in (made("a.mp4"), made("sound.mp4", seconds=0.0, audio_seconds=3.0)):
        segments = decode(video, rate_hz=8000, streams="sound")
        assert (segments.has_pictures, segments.has_audio) == (False, True)
        alone = list(segments)
        assert [segment.frames.shape for segment in alone] == [(0, 0, 0, 3)] * 3
        assert np.allclose([s.waveform for s in alone], [s.waveform for s in both], atol=1e-3)


def test_pictures_alone_need_no_sound(made):
    both = list(decode(made("a.mp4")))
    for video in (made("a.mp4"), made("silent.mp4", audio_seconds=0.0)):
        segments = decode(video, streams="picture")
        assert (segments.has_pictures, segments.has_audio) == (True, False)
        alone = list(segments)
        assert [segment.waveform.shape for segment in alone] == [(0,)] * 3
        assert all(np.array_equal(a.frames, b.frames) for a, b in zip(alone, both, strict=True))


def test_what_is_asked_for_must_be_there(made):
    with pytest.raises(MediaError, match="has no video stream: give a file with pictures"):
        decode(made("sound.mp4", seconds=0.0, audio_seconds=3.0), streams="picture")
    with pytest.raises(MediaError, match="has no audio stream: give a file with sound"):
        decode(made("silent.mp4", audio_seconds=0.0), streams="sound")
