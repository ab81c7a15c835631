"""Trained systems with their answers to all test clips; clips chosen by rules, and drawn as the paper's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dmin.data.clips import ClipDataset
from dmin.data.queries import MatchingClips
from dmin.errors import DataError
from dmin.evaluation import predict
from dmin.evaluation.matching import predict_starts
from dmin.inference import Localizer
from dmin.lab.paper.drawing.clips import Attention, Clip, Label
from dmin.lab.paper.drawing.second_attention import attended_figure, grids_figure
from dmin.lab.paper.drawing.system_rows import SystemAnswers, regions_figure, systems_figure
from dmin.media import decode
from dmin.models import AttentionMaps, LocalizationModel, MatchingModel
from dmin.models.settings import MatcherSettings
from dmin.models.systems import load_network
from dmin.progress import Progress, silent

CLIPS = 2
"""Number of clips that the rules of Fig. 7, 8 and 10 choose."""
COLUMNS = 3
"""Number of seconds of each kind in Fig. 9."""
SHORTEST_EVENT = 3
_ASKING: dict[str, Literal["picture", "sound"]] = {"a2v": "sound", "v2a": "picture"}
_ONE_ASKS = "the picture of one second asks; mean over heads, products with its own and with the other modality's keys"
_ALL_ASK = "the picture of each second (rows) asks all seconds (columns); mean over heads, each row over its largest"


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

    @torch.inference_mode()
    def attention(self, video_id: str) -> AttentionMaps:
        """Attention maps of one clip.

        Raises:
            DataError: It looks nowhere in particular.
        """
        index = next(i for i, window in enumerate(self.clips.windows) if window.video_id == video_id)
        sample = self.clips[index]
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
        first = slice(localizer.settings.window_seconds)  # of a longer clip, as `AskedSystem.attention` has it
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
    """Answers by id; of clips that were cut into windows the first one."""
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


def where_answers_differ(asked: Sequence[AskedSystem]) -> list[str]:
    """The first clips by id to which the systems' answers differ, whoever is right; the first of all if none do."""
    ids = [answer.video_id for answer in asked[0].answers]
    differing = [video_id for video_id in ids if len({system.answer(video_id).labels for system in asked}) > 1]
    return (differing or ids)[:CLIPS]


def events_and_background(asked: Sequence[AskedSystem]) -> list[str]:
    """The first clips by id with an event, then the next ones with background."""
    answers = asked[0].answers
    events = [answer.video_id for answer in answers if any(answer.truth)][:COLUMNS]
    rest = [answer for answer in answers if answer.video_id not in events]
    return events + [answer.video_id for answer in rest if not all(answer.truth)][:COLUMNS]


def with_room(asked: Sequence[AskedSystem]) -> list[str]:
    """The first clips by id whose event is long enough, and shorter than the clip."""
    return [
        answer.video_id
        for answer in asked[0].answers
        if SHORTEST_EVENT <= sum(label is not None for label in answer.truth) < len(answer.truth)
    ][:CLIPS]


def answers(asked: Sequence[AskedSystem], examples: Sequence[Example]) -> list[Figure]:
    """Draw Fig. 7 and 8: a picture per clip, a lane per system."""
    first, query = asked[0].model, None
    about = "the truth, and what each system says"
    if isinstance(first, MatchingModel):
        query = _ASKING[first.config.direction]
        about = "a query's true place and the windows found"
    return [
        systems_figure(_clip(asked, example, about), [_answers(system, example) for system in asked], query)
        for example in examples
    ]


def _answers(system: AskedSystem, example: Example) -> SystemAnswers:
    answer = system.answer(example.video_id)
    if isinstance(system.model, MatchingModel):
        late = answer.labels.index("query") - answer.truth.index("query")
        score = "exact" if not late else f"{abs(late)} s too\n{'late' if late > 0 else 'early'}"
        return SystemAnswers(system.name, answer.labels, score)
    spatial = None if example.frames is None else system.attention(example.video_id).spatial
    return SystemAnswers(system.name, answer.labels, attention=None if spatial is None else spatial[0].numpy())


def regions(asked: Sequence[AskedSystem], examples: Sequence[Example]) -> list[Figure]:
    """Draw Fig. 9: columns are seconds of several clips, rows are systems.

    Raises:
        DataError: No frames are at hand, or a system does not look at regions.
    """
    events = sum(any(asked[0].answer(example.video_id).truth) for example in examples[:COLUMNS])
    frames, truth, seconds = [], [], []
    for number, example in enumerate(examples):
        if example.frames is None:
            raise DataError(f"no video of {example.video_id} is at hand: give their folder with --videos")
        answer = asked[0].answer(example.video_id)
        seconds.append(_middle(answer, event=number < events))
        frames.append(example.frames[seconds[-1]])
        truth.append(answer.truth[seconds[-1]])
    maps = []
    for system in asked:
        spatial = [system.attention(example.video_id).spatial for example in examples]
        rows = [one[0, second].numpy() for one, second in zip(spatial, seconds, strict=True) if one is not None]
        if len(rows) < len(examples):
            raise DataError(f"{system.name} does not look at regions: choose other --rows")
        maps.append(Attention(system.name, np.stack(rows)))
    about = "where each attention looks: event seconds, then background seconds"
    clip = Clip("Spatial attention", about, tuple(truth), np.stack(frames), categories=_categories(asked))
    columns = [f"{example.video_id}, {second} s" for example, second in zip(examples, seconds, strict=True)]
    return [regions_figure(clip, maps, columns)]


def attended(asked: Sequence[AskedSystem], examples: Sequence[Example]) -> list[Figure]:
    """Draw Fig. 10: two pictures per clip. In (a) one picture asks, of the event's middle second; in (b, c) all.

    Raises:
        DataError: A system has no attention across modalities.
    """
    figures = []
    for example in examples:
        attentions = []
        for system in asked:
            weights = system.attention(example.video_id).inter_modality_visual  # [1, heads, T, 2 T]
            if weights is None:
                raise DataError(f"{system.name} has no attention across modalities: choose other --rows")
            attentions.append(Attention(system.name, weights[0].mean(0).numpy()))
        answer = asked[0].answer(example.video_id)
        second = _middle(answer, event=any(answer.truth))
        figures.append(attended_figure(_clip(asked, example, _ONE_ASKS), second, attentions))
        figures.append(grids_figure(_clip(asked, example, _ALL_ASK), attentions))
    return figures


def _clip(asked: Sequence[AskedSystem], example: Example, about: str) -> Clip:
    truth = asked[0].answer(example.video_id).truth
    return Clip(example.video_id, about, truth, example.frames, example.waveform, _categories(asked))


def _categories(asked: Sequence[AskedSystem]) -> tuple[str, ...]:
    """Categories of the first system, which choose the colours; none in matching."""
    first = asked[0].model
    return tuple(first.config.category_names) if isinstance(first, LocalizationModel) else ()


def _middle(answer: Answer, event: bool) -> int:
    """The middle one of a clip's event seconds, or of its background seconds."""
    seconds = [t for t, label in enumerate(answer.truth) if (label is not None) == event]
    return seconds[len(seconds) // 2]
