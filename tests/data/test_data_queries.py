import numpy as np
import pytest
import torch

from dmin.data.queries import MatchingClips, query_of
from dmin.data.splice import SplicedClips
from dmin.errors import DataError
from dmin.training.prepare import job_of
from dmin.training.presets import recipe_of


def test_only_clips_with_a_query_are_kept(tiny_store):
    clips = MatchingClips(tiny_store, "train")
    assert (len(clips), clips.left_out) == (12, 4)  # every fourth clip has no event
    for index, (start, seconds) in enumerate(clips.queries):
        event = clips[index].labels < 3
        assert event.nonzero().flatten().tolist() == list(range(start, start + seconds))


@pytest.mark.parametrize(("asked", "asking"), [("visual", "audio"), ("audio", "visual")])
def test_a_splice_leaves_the_query_and_the_asking_modality(tiny_store, asked, asking):
    clips = MatchingClips(tiny_store, "train")
    spliced = SplicedClips(clips, 1.0, asked)
    changed = 0
    for index, (start, seconds) in enumerate(clips.queries):
        before, after = clips[index], spliced[index]
        part = slice(start, start + seconds)
        assert torch.equal(getattr(after, asked)[part], getattr(before, asked)[part])
        assert torch.equal(getattr(after, asking), getattr(before, asking))
        assert torch.equal(after.labels, before.labels)
        changed += not torch.equal(getattr(after, asked), getattr(before, asked))
    assert changed >= 10


@pytest.mark.parametrize(("direction", "asked", "asking"), [("a2v", "visual", "audio"), ("v2a", "audio", "visual")])
def test_training_splices_the_modality_that_is_searched(tiny_store, direction, asked, asking):
    job = job_of(tiny_store, recipe_of(f"{direction}-small", splice=1.0))
    clips = MatchingClips(tiny_store, "train")
    pairs = [(clips[index], job.train[index]) for index in range(len(clips))]
    assert all(torch.equal(getattr(before, asking), getattr(after, asking)) for before, after in pairs)
    assert not all(torch.equal(getattr(before, asked), getattr(after, asked)) for before, after in pairs)


def test_a_splice_is_a_share(tiny_store):
    clips = MatchingClips(tiny_store, "train")
    assert torch.equal(SplicedClips(clips, 0.0, "audio")[0].audio, clips[0].audio)
    with pytest.raises(DataError, match="splice is 2: must be within 0 and 1"):
        SplicedClips(clips, 2, "visual")


@pytest.mark.parametrize(("seconds", "kept"), [(0, False), (1, False), (2, True), (9, True), (10, False)])
def test_a_query_lasts_2_to_9_seconds_of_10(seconds, kept):
    event = np.arange(10) < seconds
    assert query_of(event) == ((0, seconds) if kept else None)


def test_an_event_that_two_windows_hold_whole_is_one_query(tiny_store):
    clips = MatchingClips(tiny_store, "train", window_seconds=5)  # windows of seconds 0 to 5 and 1 to 6
    events = [
        (window.video_id, window.start + start, length)
        for window, (start, length) in zip(clips.windows, clips.queries, strict=True)
    ]
    assert events.count(("clip01", 1, 3)) == 1
    assert len(set(events)) == len(events)
    assert len(clips) + clips.left_out == 2 * 16
