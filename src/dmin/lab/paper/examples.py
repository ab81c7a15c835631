"""Material of the paper's figures: trained systems with their answers to all test clips, and the clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dmin.data.clips import ClipDataset, Sample
from dmin.data.queries import MatchingClips
from dmin.errors import DataError
from dmin.evaluation.localization import predict
from dmin.evaluation.matching import predict_starts
from dmin.inference import Localizer
from dmin.lab.paper.drawing.clips import Label
from dmin.media import decode
from dmin.models import AttentionMaps, LocalizationModel, MatchingModel
from dmin.models.settings import MatcherSettings
from dmin.models.systems import load_network
from dmin.progress import Progress, silent


@dataclass(frozen=True)
class Answer:
    """A system's answer to one test clip."""

    video_id: str
    truth: tuple[Label, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class AskedSystem:
    """One trained system, with its answers."""

    name: str
    model: LocalizationModel | MatchingModel
    clips: ClipDataset = field(repr=False)
    """The test split."""
    answers: tuple[Answer, ...] = field(repr=False)
    """Of all test clips that are no longer than the trained windows, ordered by id."""

    def answer(self, video_id: str) -> Answer:
        """The answer to one clip."""
        return next(answer for answer in self.answers if answer.video_id == video_id)

    def sample(self, video_id: str) -> Sample:
        """The features of one clip."""
        index = next(i for i, window in enumerate(self.clips.windows) if window.video_id == video_id)
        return self.clips[index]

    @torch.inference_mode()
    def attention(self, video_id: str) -> AttentionMaps:
        """Attention maps of one clip.

        Raises:
            DataError: It looks nowhere in particular.
        """
        sample = self.sample(video_id)
        output = self.model(sample.visual.float()[None], sample.audio.float()[None], return_attention=True)
        if output.attention is None:
            raise DataError(f"{self.name} has no attention to draw: choose other --rows")
        maps: AttentionMaps = output.attention
        return maps


@dataclass(frozen=True)
class Example:
    """A clip, as people see and hear it."""

    video_id: str
    frames: NDArray[np.uint8] | None = field(default=None, repr=False)
    """[T, H, W, 3], the middle one of each second; None where no video is at hand."""
    waveform: NDArray[np.float32] | None = field(default=None, repr=False)
    """[T, S]."""


def ask(name: str, run: Path, store: Path, progress: Progress = silent) -> AskedSystem:
    """A system from its run folder, asked about the whole test split.

    Args:
        name: What pictures call it.
        run: The run folder.
        store: Features of the clips.
        progress: Told as clips are done.
    """
    if (run / MatcherSettings.FILE).is_file():
        return _ask_matching(name, run, store, progress)
    localizer = Localizer.from_pretrained(run)
    clips = ClipDataset(store, "test", localizer.categories, localizer.settings.window_seconds)
    names: list[Label] = [*localizer.categories, None]
    answers = []
    for result in predict(localizer, clips, lambda _, done, total: progress(f"answers of {name}", done, total)):
        first = slice(localizer.settings.window_seconds)  # of a longer clip, as `AskedSystem.sample` has it
        lanes = [tuple(names[label] for label in lane[first]) for lane in (result.labels, result.predicted)]
        answers.append(Answer(result.video_id, *lanes))
    return AskedSystem(name, localizer.model, clips, _ordered(answers))


def _ask_matching(name: str, run: Path, store: Path, progress: Progress) -> AskedSystem:
    model, settings = load_network(run, MatchingModel), MatcherSettings.load(run)
    clips = MatchingClips(store, "test", window_seconds=settings.window_seconds)
    answers = []
    for result in predict_starts(model, clips, progress):
        lanes = [
            tuple("query" if start <= t < start + result.length else None for t in range(result.seconds))
            for start in (result.start, result.predicted_start)
        ]
        answers.append(Answer(result.video_id, *lanes))
    return AskedSystem(name, model, clips, _ordered(answers))


def _ordered(answers: list[Answer]) -> tuple[Answer, ...]:
    """By id; of clips that were cut into windows the first one."""
    first: dict[str, Answer] = {}
    for answer in answers:
        first.setdefault(answer.video_id, answer)
    return tuple(first[video_id] for video_id in sorted(first))


def watched(asked: AskedSystem, video_id: str, videos: Mapping[str, Path]) -> Example:
    """A clip with a frame and the sound of each second, where its video is at hand."""
    if video_id not in videos:
        return Example(video_id)
    seconds = len(asked.answer(video_id).truth)
    frames, sounds = [], []
    for segment in decode(videos[video_id]):
        if segment.index < seconds:
            frames.append(segment.frames[len(segment.frames) // 2])
            sounds.append(segment.waveform)
    if len(frames) < seconds:
        return Example(video_id)
    shortest = min(map(len, sounds))
    return Example(video_id, np.stack(frames), np.stack([sound[:shortest] for sound in sounds]))
