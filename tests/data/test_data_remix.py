"""Recombined training clips: labels follow from what is seen and heard, in whatever combination."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from dmin.data.annotations import Annotation, write_annotations
from dmin.data.clips import ClipDataset
from dmin.data.remix import RemixedClips, Tracks, read_tracks
from dmin.errors import DataError
from dmin.features import ClipFeatures, FeatureStore, Settings

NAMES = ("Cat", "Dog", "Background")
CLIPS = {
    "cat": Tracks(("Cat",) * 4, ("Background", "Cat", "Cat", "Cat")),
    "dog": Tracks(("Dog",) * 3 + ("Background",), ("Dog",) * 4),
    "mixed": Tracks(("Cat", "Cat", "Dog", "Dog"), ("Dog", "Cat", "Dog", "Cat")),
    "nothing": Tracks(("Background",) * 4, ("Background",) * 4),
}


def features_of(names: tuple[str, ...]) -> torch.Tensor:
    """[T, 1] whose value says which category a second is of."""
    return torch.tensor([[float(NAMES.index(name))] for name in names])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Features that tell by their value what each second shows and sounds like."""
    made = FeatureStore.create(tmp_path, Settings("v", "1", "a", "1", 1.0, 1))
    for name, tracks in CLIPS.items():
        made.write(name, ClipFeatures(features_of(tracks.seen)[:, None, None], features_of(tracks.heard), 4.0))
    lines = [Annotation("Cat", "cat", "good", 1, 4), Annotation("Dog", "dog", "good", 0, 3)]
    lines += [Annotation("Cat", "mixed", "good", 1, 2), Annotation("Background", "nothing", "good", 0, 0)]
    write_annotations(tmp_path / "Annotations.txt", lines)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "train.txt").write_text("".join(f"{name}\n" for name in CLIPS))
    return tmp_path


def test_every_second_is_an_event_where_what_is_seen_is_heard(store: Path) -> None:
    remixed = RemixedClips(ClipDataset(store, "train"), CLIPS, share=1.0)
    combinations = set()
    torch.manual_seed(0)
    for _ in range(60):
        for index in range(len(remixed)):
            sample = remixed[index]
            seen, heard = sample.visual[:, 0, 0, 0].long(), sample.audio[:, 0].long()
            assert sample.labels.tolist() == torch.where(seen == heard, seen, 2).tolist()
            combinations.add((index, tuple(heard.tolist())))
    assert len(combinations) > 4 * len(CLIPS)  # many sounds under every picture, moved in time too


def test_half_of_the_seconds_stay_events(store: Path) -> None:
    remixed = RemixedClips(ClipDataset(store, "train"), CLIPS, share=1.0)
    torch.manual_seed(0)
    labels = torch.stack([remixed[index].labels for _ in range(100) for index in range(2)])
    assert 0.3 < (labels < 2).float().mean() < 0.7


def test_without_a_share_clips_stay_what_they_are(store: Path) -> None:
    clips = ClipDataset(store, "train")
    remixed = RemixedClips(clips, CLIPS, share=0.0)
    for index in range(len(clips)):
        assert remixed[index].audio.equal(clips[index].audio)
        assert remixed[index].labels.equal(clips[index].labels)


def test_tracks_are_read_from_what_compose_wrote(store: Path) -> None:
    take = {"start": 0, "end": 2, "category": "Cat"}, {"start": 2, "end": 3, "category": "Background"}
    script = {"id": "a", "pictures": take, "sounds": take[:1]}
    (store / "composition.json").write_text(json.dumps({"scripts": [script]}))
    assert read_tracks(store) == {"a": Tracks(("Cat", "Cat", "Background"), ("Cat", "Cat"))}


def test_clips_that_were_not_composed_cannot_be_remixed(store: Path) -> None:
    with pytest.raises(DataError, match="only clips that `dmin compose` made can be remixed"):
        read_tracks(store)
    (store / "composition.json").write_text('{"scripts": [{}]}')
    with pytest.raises(DataError, match="composition.json is damaged"):
        read_tracks(store)
    with pytest.raises(DataError, match="clip mixed cannot be remixed"):
        RemixedClips(ClipDataset(store, "train"), {k: v for k, v in CLIPS.items() if k != "mixed"}, 0.5)
    with pytest.raises(DataError, match=r"its window 0 to 2 is not what composition.json describes"):
        RemixedClips(ClipDataset(store, "train", window_seconds=2), CLIPS, 0.5)
