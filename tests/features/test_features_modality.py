"""Features of one modality alone are those that come with the other one."""

from __future__ import annotations

import pytest
import torch
from features_fakes import TinyEar, TinyEye, make_video

from dmin.errors import MediaError
from dmin.features import features_of, open_modality, stream_modality

COLOURS = [(0, 0, 0), (200, 200, 200), (0, 90, 200), (90, 0, 0)]


def alone(path, backbone, **piece):
    return torch.cat(list(stream_modality(open_modality(path, backbone, **piece), backbone)))


def test_they_are_the_same_as_together(tmp_path):
    video, silent = make_video(tmp_path / "a.mp4", COLOURS), make_video(tmp_path / "b.mp4", COLOURS, sound=False)
    both = features_of(video, TinyEye(), TinyEar())
    assert torch.equal(alone(video, TinyEye()), both.visual)
    assert torch.equal(alone(silent, TinyEye()), both.visual)
    assert torch.equal(alone(video, TinyEar()), both.audio)
    assert torch.equal(alone(video, TinyEye(), start_seconds=1, end_seconds=3), both.visual[1:3])
    assert torch.equal(alone(video, TinyEar(), start_seconds=2), both.audio[2:])
    with pytest.raises(MediaError, match="b.mp4 has no audio stream: give a file with sound"):
        open_modality(silent, TinyEar())


def test_few_seconds_are_held_at_once(tmp_path):
    video = make_video(tmp_path / "a.mp4", [(0, 0, 0)] * 40)
    eye = TinyEye()
    assert [len(part) for part in stream_modality(open_modality(video, eye), eye)] == [4] * 10  # 8 frames each
    assert eye.largest_batch == 8
    assert [len(part) for part in stream_modality(open_modality(video, TinyEar()), TinyEar())] == [8] * 5
