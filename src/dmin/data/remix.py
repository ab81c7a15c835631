"""Training clips recombined: one clip's picture with another one's sound, labelled by the seconds in which both agree.

Only composed clips can be recombined: for them it is known what is seen and what is heard in every second, not just
where both are. A network that meets every picture with many sounds cannot learn which recording came with which
photograph, and learns to compare instead.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from dmin.data.annotations import BACKGROUND
from dmin.data.clips import ClipDataset, Sample
from dmin.errors import DataError
from dmin.features.extract import COMPOSITION_FILE

SAME_CATEGORY = 0.65
"""Share of recombined clips whose sound is of the picture's category, so that about half of their seconds are event."""
ROLLED = 0.5
"""Share of recombined clips whose sound is moved in time, its end coming round to the beginning."""


@dataclass(frozen=True)
class Tracks:
    """The categories seen and heard in each second of a composed clip; "Background" for none of them."""

    seen: tuple[str, ...]
    heard: tuple[str, ...]


def read_tracks(store: str | Path) -> dict[str, Tracks]:
    """Read what was composed, by video id, from a store of composed clips.

    Raises:
        DataError: The store is not of composed clips, or its composition is damaged.
    """
    path = Path(store) / COMPOSITION_FILE
    try:
        scripts = json.loads(path.read_text("utf-8"))["scripts"]
        return {script["id"]: Tracks(_seconds(script["pictures"]), _seconds(script["sounds"])) for script in scripts}
    except FileNotFoundError as error:
        raise DataError(
            f"{store} has no {COMPOSITION_FILE}: only clips that `dmin compose` made can be remixed; "
            "extract such a data set again, or set remix to 0"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}): extract the composed data set again") from error


class RemixedClips(Dataset[Sample]):
    """A split whose clips get another clip's sound at times, drawn anew in every epoch.

    Args:
        clips: Composed clips, each in one window.
        tracks: What they show and sound like, by video id.
        share: How often a clip is recombined, in 0..1.

    Raises:
        DataError: A clip has no tracks, or is cut into several windows.
    """

    def __init__(self, clips: ClipDataset, tracks: Mapping[str, Tracks], share: float) -> None:
        self.clips = clips
        self.share = share
        names = (*clips.categories, BACKGROUND)
        self.seen: list[Tensor] = []
        self.heard: list[Tensor] = []
        self.with_sound_of: dict[int, list[int]] = defaultdict(list)
        for index, window in enumerate(clips.windows):
            track = tracks.get(window.video_id)
            if track is None or len(track.seen) != window.stop - window.start or window.start:
                raise DataError(
                    f"clip {window.video_id} cannot be remixed: its window {window.start} to {window.stop} is not what "
                    f"{COMPOSITION_FILE} describes; extract the data set again, or set remix to 0"
                )
            seen, heard = (torch.tensor([names.index(name) for name in part]) for part in (track.seen, track.heard))
            self.seen.append(seen)
            self.heard.append(heard)
            self.with_sound_of[_main(heard, len(clips.categories))].append(index)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Sample:
        sample = self.clips[index]
        if torch.rand(()) >= self.share:
            return sample
        background = len(self.clips.categories)
        category = _main(self.seen[index], background)
        if torch.rand(()) >= SAME_CATEGORY or category not in self.with_sound_of:
            category = _one_of(list(self.with_sound_of))
        other = _one_of(self.with_sound_of[category])
        audio, heard = self.clips.features(self.clips.windows[other].video_id).audio, self.heard[other]
        if torch.rand(()) < ROLLED:
            shift = int(torch.randint(len(heard), ()))
            audio, heard = audio.roll(shift, 0), heard.roll(shift, 0)
        seconds = min(len(heard), len(sample.labels))
        labels = torch.where(self.seen[index][:seconds] == heard[:seconds], heard[:seconds], background)
        return replace(sample, visual=sample.visual[:seconds], audio=audio[:seconds], labels=labels)


def _seconds(takes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(take["category"] for take in takes for _ in range(take["start"], take["end"]))


def _main(seconds: Tensor, background: int) -> int:
    """The category of most seconds; background if there is none."""
    counts = Counter(seconds[seconds != background].tolist())
    return int(counts.most_common(1)[0][0]) if counts else background


def _one_of(choices: Sequence[int]) -> int:
    return choices[int(torch.randint(len(choices), ()))]
