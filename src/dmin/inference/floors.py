"""Floors of labels in words, chosen on a few labelled clips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import log
from pathlib import Path

import torch
from torch import Tensor

from dmin.data.folder import DataFolder, few
from dmin.errors import DataError, ModelError
from dmin.features import features_of
from dmin.inference.localizer import Localizer
from dmin.models import Words
from dmin.models.word_rules import Evidence
from dmin.progress import Progress, silent
from dmin.tasks.decoding import decode

FLOORS = (0.01, 0.02, *(step / 20 for step in range(1, 20)), 0.98, 0.99)
"""Floors that are tried."""


@dataclass(frozen=True)
class Calibration:
    """Floors, and what they are worth on the clips that they were chosen on."""

    visual_floor: float
    audio_floor: float
    clips: int
    seconds: int
    right: float
    """Share of seconds with the right one of C + 1 labels."""
    right_before: float
    """The same with the floors as they were."""
    others: tuple[str, ...]
    """Categories of the clips that are no labels; their seconds count as background."""

    def __str__(self) -> str:
        clips = f"{self.clips} clip{'s' * (self.clips != 1)} ({self.seconds} seconds)"
        others = f"; no labels, so background: {', '.join(self.others)}" if self.others else ""
        return (
            f"floors are {self.visual_floor:g} (picture) and {self.audio_floor:g} (sound), chosen on {clips}: "
            f"{100 * self.right:.1f} % of their seconds are right, {100 * self.right_before:.1f} % before; expect less "
            f"of other videos{others}"
        )


def calibrate_floors(localizer: Localizer, folder: str | Path, progress: Progress = silent) -> Calibration:
    """Set the floors of a localizer of labels to those with which most seconds of labelled clips come out right.

    Of floors that do equally well, the nearest to those before are taken: a few clips should move them no farther than
    they must.

    Args:
        localizer: Made by `Localizer.from_labels`; its floors are changed.
        folder: A data set: videos, and annotations whose categories are labels. Others count as background.
        progress: Told as clips are done.

    Raises:
        ModelError: The localizer was trained: it has no floors.
        DataError: No data set, no category of it is a label, or a clip has no video.
        MediaError: A video cannot be read.
    """
    network = localizer.model
    if not isinstance(network, Words):
        raise ModelError(f"{localizer.name} was trained, and has no floors: `dmin train` sets its threshold")
    data = DataFolder.open(folder)
    others = tuple(name for name in data.categories if name not in localizer.categories)
    if len(others) == len(data.categories):
        raise DataError(
            f"{folder} has no category that is a label, but {', '.join(others) or 'background alone'}: labels are "
            f"{', '.join(localizer.categories)}, and must be spelt alike, with 'and' for &"
        )
    if missing := sorted(set(data.lines) - set(data.videos)):
        raise DataError(f"{few(missing)} in {data.source / 'Annotations.txt'} without a video in {folder}: add it")
    evidence, truth = _judged(localizer, network, data, progress)
    labels, threshold = len(localizer.categories), localizer.settings.threshold

    def right(floors: tuple[float, float]) -> float:
        output = network.judge(replace(evidence, visual_floor=floors[0], audio_floor=floors[1]))
        return float((decode(output, labels, threshold)[0].cpu() == truth).double().mean())

    before = (network.config.visual_floor, network.config.audio_floor)
    best = max(product(FLOORS, FLOORS), key=lambda floors: (right(floors), -_distance(floors, before)))
    network.config = replace(network.config, visual_floor=best[0], audio_floor=best[1])
    vars(localizer).pop("digest", None)  # it was that of the floors before
    return Calibration(*best, len(data.lines), len(truth), right(best), right(before), others)


@torch.inference_mode()
def _judged(localizer: Localizer, network: Words, data: DataFolder, progress: Progress) -> tuple[Evidence, Tensor]:
    """Evidence of all seconds of all clips, a batch of one, and the labels [N] that are true, C for background."""
    names, clips, truth = localizer.categories, [], []
    index = {place: names.index(name) for place, name in enumerate(data.categories) if name in names}
    for done, video_id in enumerate(data.lines, start=1):
        clips.append(features_of(data.videos[video_id], localizer.visual, localizer.audio, "silence"))
        truth += [index.get(int(label), len(names)) for label in data.labels(video_id, len(clips[-1]))]
        progress("calibrate", done, len(data.lines))
    visual = torch.cat([clip.visual for clip in clips])[None].float().to(localizer.device)
    audio = torch.cat([clip.audio for clip in clips])[None].to(localizer.device)
    return network.evidence(visual, audio), torch.tensor(truth)


def _distance(floors: tuple[float, float], before: tuple[float, float]) -> float:
    """Distance that floors have moved, in logits."""
    return sum(abs(log(new / (1 - new)) - log(old / (1 - old))) for new, old in zip(floors, before, strict=True))
