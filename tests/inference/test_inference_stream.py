"""A localizer's answers as they are decided, of arrays, of open files, and what it tells on the way."""

from __future__ import annotations

import io
import itertools
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cli.cli_fakes import Ear, Eye, make_model
from dmin.errors import MediaError, ModelError
from dmin.inference import Localizer
from dmin.inference.windows import windows
from dmin.media import Arrays
from dmin.media.footage import thumbnail_instants
from dmin.media.segments import Segments
from dmin.results.events import Decided, Events

RATE_HZ, FRAMES_PER_SECOND = 8000, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def localizer(model: Path, make_known) -> Localizer:
    make_known(Eye, Ear)
    return Localizer.from_pretrained(model, device="cpu")


def scene(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Frames whose colours change with the seconds, and sound whose loudness does."""
    rng = np.random.default_rng(3)
    whole = int(seconds) + 1
    colours = rng.integers(0, 256, (whole, 4, 4, 3), np.uint8).repeat(FRAMES_PER_SECOND, 0).repeat(8, 1).repeat(8, 2)
    loudness = rng.uniform(0, 0.9, whole).repeat(RATE_HZ)
    noise = rng.uniform(-1, 1, len(loudness))
    return colours[: round(seconds * FRAMES_PER_SECOND)], (loudness * noise)[: round(seconds * RATE_HZ)]


def arrays(seconds: float) -> Arrays:
    frames, waveform = scene(seconds)
    return Arrays(frames, FRAMES_PER_SECOND, waveform, RATE_HZ)


def write_scene(path: Path, seconds: float) -> Path:
    """The same as a file that loses nothing."""
    frames, waveform = scene(seconds)
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=FRAMES_PER_SECOND)
        video.height, video.width, video.pix_fmt = *frames.shape[1:3], "bgr0"
        audio = container.add_stream("pcm_f32le", rate=RATE_HZ, layout="mono")
        sound = av.AudioFrame.from_ndarray(waveform.astype(np.float32)[None], format="flt", layout="mono")
        sound.sample_rate = RATE_HZ
        pictures = [av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in frames]
        packets = [video.encode(picture) for picture in [*pictures, None]] + [audio.encode(s) for s in (sound, None)]
        for packet in itertools.chain(*packets):
            container.mux(packet)
    return path


def middle(localizer: Localizer) -> float:
    """A threshold that half of the seconds reach, so that events come and go."""
    return float(np.median([second.relevance for second in localizer(arrays(37)).seconds]))


def check_equal(parts: list[Decided], events: Events) -> None:
    assert tuple(second for part in parts for second in part.seconds) == events.seconds
    assert tuple(event for part in parts for event in part.events) == events.events
    assert np.array_equal(np.concatenate([part.attention for part in parts]), events.attention)
    assert parts[-1].end_seconds == events.duration_seconds
    assert [part.start_seconds for part in parts[1:]] == [part.end_seconds for part in parts[:-1]]
    for part in parts:
        assert [second.start_seconds for second in part.seconds] == list(
            np.arange(part.start_seconds, part.start_seconds + len(part.seconds))
        )


@pytest.mark.parametrize("min_seconds", [0.0, 1.0, 2.0, 60.0])
@pytest.mark.parametrize("seconds", [0.75, 3, 9.75, 10, 11, 14, 15.25, 15.5, 20, 37])
def test_all_parts_of_a_stream_are_the_answer(localizer, seconds, min_seconds):
    options = {"threshold": middle(localizer), "min_seconds": min_seconds}
    check_equal(list(localizer.stream(arrays(seconds), **options)), localizer(arrays(seconds), **options))


def test_the_answer_is_what_its_seconds_say_at_once(localizer):
    threshold = middle(localizer)
    for min_seconds in (0.0, 2.0):
        events = localizer(arrays(37.5), threshold=threshold, min_seconds=min_seconds)
        assert len(events) > 2
        assert events.above(threshold, min_seconds) == events


def test_a_window_after_the_other_is_decided(localizer):
    parts = list(localizer.stream(arrays(23)))
    assert [(part.start_seconds, part.end_seconds) for part in parts] == [(0, 5), (5, 10), (10, 13), (13, 23)]


def test_an_event_comes_once_it_has_ended(localizer):
    for part in localizer.stream(arrays(37), threshold=middle(localizer)):
        assert all(part.start_seconds <= event.end_seconds <= part.end_seconds for event in part.events)
    parts = list(localizer.stream(arrays(37), threshold=0.0))
    assert [len(part.events) for part in parts[:-1]] == [0] * (len(parts) - 1)
    assert parts[-1].events[-1].end_seconds == 37


def test_no_more_than_a_window_is_decoded_ahead(localizer, monkeypatch):
    decoded = []
    segments = Segments.__iter__

    def counted(self):
        for segment in segments(self):
            decoded.append(segment.index)
            yield segment

    monkeypatch.setattr(Segments, "__iter__", counted)
    with closing(localizer.stream(arrays(80))) as stream:
        for part in stream:
            # A window of ten seconds, the step to the next one, two chunks of features, four seconds ahead of them,
            # and the one that is being decoded.
            assert len(decoded) <= part.start_seconds + 15 + 2 * 4 + 4 + 1


def test_a_live_source_is_a_video(localizer, tmp_path):
    path = write_scene(tmp_path / "a.mkv", 17.5)
    with av.open(str(path)) as container:
        parts = list(localizer.stream(container))
    events = localizer(path)
    check_equal(parts, events)
    with av.open(str(path)) as container:
        assert localizer(container) == events


def test_wrong_options_and_sources_are_refused_before_the_first_part(localizer, tmp_path):
    with pytest.raises(ModelError, match="threshold is 2"):
        localizer.stream(arrays(3), threshold=2)
    with pytest.raises(MediaError, match=r"gone\.mp4 does not exist"):
        localizer.stream(tmp_path / "gone.mp4")


def test_progress_is_told_after_each_window(localizer):
    told = []
    localizer(arrays(23), progress=lambda *words: told.append(words))
    assert told == [("localize", seconds, None) for seconds in (10, 15, 20, 23)]


@pytest.mark.parametrize("seconds", [3, 12.5])
def test_arrays_give_the_answer_of_a_video_of_them(localizer, seconds, tmp_path):
    frames, waveform = scene(seconds)
    events = localizer.arrays(frames, FRAMES_PER_SECOND, waveform, RATE_HZ, threshold=0.2)
    other = localizer(write_scene(tmp_path / "a.mkv", seconds), threshold=0.2)
    assert (events.video, events.threshold) == ("<arrays>", 0.2)
    assert events.duration_seconds == pytest.approx(other.duration_seconds, abs=1e-3)
    for a, b in zip(events.seconds, other.seconds, strict=True):
        assert a.relevance == pytest.approx(b.relevance, abs=1e-5)
        assert a.scores == pytest.approx(b.scores, abs=1e-5)
    assert np.allclose(events.attention, other.attention, atol=1e-5)
    assert [event.category for event in events] == [event.category for event in other]
    assert len(events.footage.frames) == len(thumbnail_instants(seconds))


def test_arrays_without_sound_are_refused_or_silent(localizer):
    frames, waveform = scene(3)
    with pytest.raises(MediaError, match="<arrays> has no audio stream"):
        localizer.arrays(frames, FRAMES_PER_SECOND, None, RATE_HZ)
    silent = localizer.arrays(frames, FRAMES_PER_SECOND, None, RATE_HZ, missing_audio="silence")
    assert silent.seconds == localizer.arrays(frames, FRAMES_PER_SECOND, 0 * waveform, RATE_HZ).seconds


def test_open_files_give_the_answer_of_the_path(localizer, tmp_path):
    path = write_scene(tmp_path / "a.mkv", 12.5)
    events = localizer(path)
    with path.open("rb") as file:
        assert localizer(file) == events
    in_memory = localizer(io.BytesIO(path.read_bytes()))
    assert in_memory.video == "<BytesIO>"
    assert (in_memory.seconds, in_memory.events) == (events.seconds, events.events)
    assert in_memory.plot() is not None  # from the footage that it kept


def test_each_window_is_told_with_its_features_and_its_output(localizer):
    told = []
    events = localizer(arrays(23), on_window=lambda *window: told.append(window))
    assert [(window.start, len(window)) for window, _ in told] == [(0, 10), (5, 10), (10, 10), (13, 10)]
    for window, output in told:
        visual, audio = window.features
        assert (visual.shape, audio.shape) == ((10, 2, 2, 8), (10, 6))
        assert output.relevance_logits.shape == (1, 10)
        assert output.attention.temporal_visual.shape[-2:] == (10, 10)
    # The first five seconds are seen by the first window alone.
    first = told[0][1]
    assert [second.relevance for second in events.seconds[:5]] == pytest.approx(
        first.relevance_logits.sigmoid()[0, :5].tolist(), abs=1e-6
    )
    assert np.allclose(events.attention[:5], first.attention.spatial[0, :5], atol=1e-6)
    again = localizer.model(*(features.float()[None] for features in told[1][0].features))
    assert torch.allclose(again.relevance_logits, told[1][1].relevance_logits, atol=1e-5)


@given(st.integers(0, 40), st.integers(1, 12))
def test_windows_settle_all_seconds_once(seconds, length):
    found = list(windows([(torch.zeros(seconds, 1),)] if seconds else [], length))
    for window, following in itertools.pairwise(found):
        assert window.settled == following.start
    assert all(window.settled is None for window in found[-1:])
