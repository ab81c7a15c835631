import pytest
import torch

from dmin.data.matching import MatchingClips
from dmin.data.splice import SplicedClips
from dmin.errors import DataError


def test_only_clips_with_a_query_are_kept(tiny_store):
    clips = MatchingClips(tiny_store, "train")
    assert (len(clips), clips.left_out) == (12, 4)  # every fourth clip has no event
    for index, (start, seconds) in enumerate(clips.queries):
        event = clips[index].labels < 3
        assert event.nonzero().flatten().tolist() == list(range(start, start + seconds))


def test_a_splice_leaves_the_query_and_the_asking_modality(tiny_store):
    clips = MatchingClips(tiny_store, "train")
    spliced = SplicedClips(clips, 1.0, "visual")
    changed = 0
    for index, (start, seconds) in enumerate(clips.queries):
        before, after = clips[index], spliced[index]
        part = slice(start, start + seconds)
        assert torch.equal(after.visual[part], before.visual[part])
        assert torch.equal(after.audio, before.audio)
        assert torch.equal(after.labels, before.labels)
        changed += not torch.equal(after.visual, before.visual)
    assert changed >= 10
    assert torch.equal(SplicedClips(clips, 0.0, "audio")[0].audio, clips[0].audio)
    with pytest.raises(DataError, match="splice is 2: must be within 0 and 1"):
        SplicedClips(clips, 2, "visual")
