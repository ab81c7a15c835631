"""From a piece of sound or picture to where it lies in another recording: `Matcher`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dmin.backbones import Backbone
from dmin.errors import MediaError
from dmin.features import open_modality, stream_modality
from dmin.inference.loading import Trained
from dmin.inference.windows import Average, windows
from dmin.media import Segments
from dmin.models import EmbeddingOutput, MatchingModel
from dmin.models.settings import MatcherSettings
from dmin.progress import Progress, silent
from dmin.results.match import Match, Window

MIN_QUERY_SECONDS = 1.0
"""Shorter queries hold less than the network ever sees at once."""


@dataclass(frozen=True, eq=False)
class Recording:
    """The modality of a recording in which queries are searched, as `Matcher.open` gives it."""

    path: str
    duration_seconds: float
    features: Tensor
    """[T, D] float32; visual maps are averaged over their regions."""


@dataclass(frozen=True, eq=False)
class _Found:
    """Scores of a query, before a window is chosen."""

    means: NDArray[np.float64]
    """Worth of each window [T - K + 1], by which the best is chosen."""
    scores: NDArray[np.float64]
    """The same as scores in 0..1."""
    seconds: NDArray[np.float64]
    """Each second's score [T] in 0..1."""


class Matcher(Trained[MatchingModel, MatcherSettings]):
    """Finds a few seconds of one modality in another recording's other modality.

    Example (a sound file, or the sound of a video, is searched in the picture of a video)::

        matcher = Matcher.from_pretrained("runs/a2v")
        match = matcher("bark.wav", inside="holiday.mp4")
        print(match.start_seconds, match.end_seconds, match.score)
    """

    network = MatchingModel
    settings_type = MatcherSettings

    def __init__(self, model: MatchingModel, settings: MatcherSettings, name: str, device: str = "auto") -> None:
        super().__init__(model, settings, name, device)
        if model.protocol == "context":
            warnings.warn(
                f"model {name} was trained with the whole clip around each query (protocol context), and a query from "
                "elsewhere has none around it: expect worse answers, or train with protocol strict",
                stacklevel=2,
            )

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, device: str = "auto", revision: str | None = None) -> Matcher:
        """Load a model.

        Args:
            name_or_path: A folder that `dmin train` wrote with a preset of the task matching, or a repository id of the
                Hugging Face hub.
            device: Where to run: auto (a GPU where there is one), cpu, cuda, cuda:1 or mps.
            revision: Branch, tag or commit of a model of the hub; its main branch by default.

        Raises:
            ModelError: There is no such model, or it is not one of this task.
        """
        return cls._load(name_or_path, device, revision)

    @property
    def direction(self) -> str:
        """Direction of matching: "a2v" finds a sound in the picture, "v2a" finds a picture in the sound."""
        return str(self.model.config.direction)

    @property
    def most_seconds(self) -> int:
        """The longest query that it was trained to find."""
        return max(1, self.settings.window_seconds - 1)

    @property
    def about(self) -> str:
        """One line: what the model finds in what."""
        words = ("sound", "picture") if self.direction == "a2v" else ("picture", "sound")
        return f"model {self.name} finds up to {self.most_seconds} s of {words[0]} in the {words[1]} ({self.direction})"

    def open(self, inside: str | Path, progress: Progress = silent) -> Recording:
        """Look through a recording once, to search it for several queries.

        Args:
            inside: A video, or (v2a) a sound. An hour of it takes 20 MB at most.
            progress: Told as seconds are done.

        Raises:
            MediaError: It cannot be read, or lacks the modality that is searched.
        """
        backbone = self.visual if self.direction == "a2v" else self.audio
        segments = open_modality(inside, backbone)
        features = self._features(segments, backbone, "search", progress)
        return Recording(str(inside), segments.duration_seconds, features)

    def __call__(
        self,
        query: str | Path,
        *,
        inside: str | Path | Recording,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        progress: Progress = silent,
    ) -> Match:
        """Find a query.

        Args:
            query: Path of a recording: a sound or a video with sound (a2v), or a video with or without sound (v2a).
            inside: The recording to search, of any length, by its path or as `open` gave it.
            start_seconds: Where in its recording the query starts.
            end_seconds: Where it ends, to the nearest whole number of seconds; the recording's end by default.
            progress: Told as seconds are done.

        Raises:
            MediaError: A recording cannot be read or lacks a modality, or the query is too short or too long.
        """
        asking = self.audio if self.direction == "a2v" else self.visual
        segments = open_modality(query, asking, start_seconds=start_seconds, end_seconds=end_seconds)
        self._check_length(segments)
        recording = inside if isinstance(inside, Recording) else self.open(inside, progress)
        if segments.count > len(recording.features):
            raise MediaError(
                f"{recording.path} has {len(recording.features)} s and the query {segments.count} s: search a longer "
                "recording, or choose a shorter piece by its start and end"
            )
        found = self._found(self._features(segments, asking, "query", progress), recording.features)
        return self._match(str(query), segments, recording, found)

    def _check_length(self, query: Segments) -> None:
        if query.duration_seconds < MIN_QUERY_SECONDS:
            raise MediaError(
                f"{query.path} gives a query of {query.duration_seconds:.2f} s: at least {MIN_QUERY_SECONDS:g} s is "
                "needed"
            )
        if query.count > self.most_seconds:
            raise MediaError(
                f"{query.path} gives a query of {query.count} s: model {self.name} finds 1 to {self.most_seconds} s, "
                "so choose a piece by its start and end"
            )

    def _features(self, segments: Segments, backbone: Backbone, step: str, progress: Progress) -> Tensor:
        """[T, D] float32 of one modality; maps are averaged over their regions, as in training."""
        rows: list[Tensor] = []
        done = 0
        for features in stream_modality(segments, backbone):
            rows.append(features.float().mean((1, 2)) if features.ndim == 4 else features.float())
            done += len(features)
            progress(step, done, segments.count)
        return torch.cat(rows)

    @torch.inference_mode()
    def _found(self, query: Tensor, candidates: Tensor) -> _Found:
        """Score every second and every window of a query, over windows of the trained length."""
        average = Average()
        asking = query[None].to(self.device)  # [1, K, D]
        for window in windows([(candidates,)], self.settings.window_seconds):
            output = self.model.find(asking, window.features[0][None].to(self.device))
            in_pairs = isinstance(output, EmbeddingOutput)
            rows = output.similarity[0].T if isinstance(output, EmbeddingOutput) else output.segment_logits[0, :, None]
            average.add(window.start, rows.double().cpu().numpy())
        table = torch.from_numpy(average.take())
        return _by_pairs(table) if in_pairs else _by_seconds(table[:, 0], len(query))

    def _match(self, query: str, segments: Segments, inside: Recording, found: _Found) -> Match:
        k = segments.count
        means, scores = found.means, _rounded(found.scores)
        best = int(means.argmax())
        apart = np.abs(np.arange(len(means)) - best) >= k
        margin = round(float(means[best] - means[apart].max()), 6) if apart.any() else None
        return Match(
            query=query,
            inside=inside.path,
            direction=self.direction,
            model=self.name,
            query_start_seconds=segments.start_seconds,
            query_end_seconds=segments.start_seconds + segments.duration_seconds,
            query_seconds=k,
            duration_seconds=inside.duration_seconds,
            start_seconds=float(best),
            end_seconds=min(float(best + k), inside.duration_seconds),
            score=scores[best],
            margin=margin,
            windows=tuple(Window(float(start), score) for start, score in enumerate(scores)),
            seconds=_rounded(found.seconds),
        )


def _by_seconds(logits: Tensor, length: int) -> _Found:
    """From a logit of each second [T]: a window is worth its seconds' mean."""
    return _Found(_window_means(logits, length), _window_means(logits.sigmoid(), length), logits.sigmoid().numpy())


def _by_pairs(similarity: Tensor) -> _Found:
    """From the likeness of each second with each of the query's [T, K]: a window is worth the mean at equal places.

    Likeness has no scale of its own; its sigmoid is what scores between 0 and 1 are made of.
    """
    means = similarity.unfold(0, similarity.shape[1], 1).diagonal(dim1=1, dim2=2).mean(-1)  # [T - K + 1]
    best = similarity.amax(1)
    return _Found(means.numpy(), means.sigmoid().numpy(), best.sigmoid().numpy())


def _window_means(values: Tensor, length: int) -> NDArray[np.float64]:
    """Mean over each window [T - K + 1] of [T]; `dmin.tasks.matching.window_scores` of an hour would hold T x T."""
    means: NDArray[np.float64] = values.unfold(0, length, 1).mean(-1).numpy()
    return means


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
