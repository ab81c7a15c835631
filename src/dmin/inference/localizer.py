"""From a video to its events: `Localizer`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dmin.checks import check_within_unit
from dmin.errors import DataError, DminError
from dmin.features import ClipFeatures, stream_features
from dmin.features.stream import MissingAudio
from dmin.features.workers import in_processes
from dmin.inference.loading import Trained
from dmin.inference.windows import Average, Stretch, windows
from dmin.media import Recording, Source
from dmin.models import LocalizationModel
from dmin.models.settings import LocalizerSettings
from dmin.progress import Progress, silent
from dmin.results.events import Events, Second, merge_seconds
from dmin.tasks.decoding import event_scores


@dataclass(frozen=True)
class _Seconds:
    """Averages over all windows that saw a second."""

    relevance: NDArray[np.float64]
    """[T]"""
    categories: NDArray[np.float64]
    """[T, C], each row summing to 1."""
    attention: NDArray[np.float32] | None
    """[T, H, W]; None if the network looks nowhere in particular."""


class Localizer(Trained[LocalizationModel, LocalizerSettings]):
    """Finds the events of videos: decoding, backbones, network and threshold in one.

    Example (``localizer(path)`` takes any video that FFmpeg reads)::

        localizer = Localizer.from_pretrained()
        for event in localizer("video.mp4"):
            print(event.start_seconds, event.end_seconds, event.category, event.score)
    """

    network = LocalizationModel
    settings_type = LocalizerSettings

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path = "starter", device: str = "auto", revision: str | None = None
    ) -> Localizer:
        """Load a model.

        Args:
            name_or_path: "starter", a folder that `dmin train` wrote, or a repository id of the Hugging Face hub.
            device: Where to run: auto (a GPU where there is one), cpu, cuda, cuda:1 or mps.
            revision: Branch, tag or commit of a model of the hub; its main branch by default.

        Raises:
            ModelError: There is no such model, or it is not one of this task.
        """
        return cls._load(name_or_path, device, revision)

    @property
    def about(self) -> str:
        """One line: what the model knows, and how to teach one's own."""
        advice = "; train your own with `dmin train`" if self.name == "starter" else ""
        return f"model {self.name} knows {', '.join(sorted(self.categories))}{advice}"

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories that the model knows."""
        return tuple(self.model.config.category_names)

    def __call__(
        self,
        video: Source,
        *,
        threshold: float | None = None,
        min_seconds: float = 1.0,
        missing_audio: MissingAudio = "error",
        progress: Progress = silent,
    ) -> Events:
        """Find the events of one video, of any length; memory does not grow with it, but for the answer's own numbers.

        Args:
            video: The video, or its path. A `Recording` that keeps footage gives it to the answer, for its picture.
            threshold: Relevance from which a second counts as event; the model's own by default.
            min_seconds: Shorter events are dropped.
            missing_audio: "error", or "silence" to take a video without sound as silent.
            progress: Told as seconds are done.

        Raises:
            MediaError: The video cannot be read.
        """
        check_within_unit(threshold=threshold)
        visual, audio = self.visual, self.audio  # first: without backbones no video helps
        recording = video if isinstance(video, Recording) else Recording(video)
        chunks = stream_features(recording, visual, audio, missing_audio=missing_audio)
        durations: list[float] = []
        answer = self._average(_noting(chunks, durations), progress)
        seconds = tuple(
            Second(float(t), float(answer.relevance[t]), self.categories[int(row.argmax())], self._scores(row))
            for t, row in enumerate(answer.categories)
        )
        used = self.settings.threshold if threshold is None else threshold
        duration = sum(durations)
        events = merge_seconds(seconds, used, duration, min_seconds)
        return Events(
            video=str(recording.path if recording is video else video),
            duration_seconds=duration,
            model=self.name,
            threshold=used,
            seconds=seconds,
            events=events,
            attention=answer.attention,
            frames_per_second=recording.info.picture_rate,
            footage=recording.footage,
        )

    def many(
        self, videos: Iterable[str | Path], *, workers: int = 1, video_seconds: float = 3600.0, **options: Any
    ) -> Generator[tuple[str | Path, Events | DminError]]:
        """Find the events of many videos; a bad one never stops the rest.

        Args:
            videos: Their paths.
            workers: Number of processes, among which the cores are divided; 1 does the work here. A script that asks
                for several must protect its own work by ``if __name__ == "__main__":``.
            video_seconds: Longest time that one video may take, if other processes do it.
            options: As a call takes them: threshold, min_seconds, missing_audio.

        Yields:
            Each path with its answer or, if it has none, with the error, as they are finished.

        Example::

            for video, events in localizer.many(Path("videos").glob("*.mp4"), workers=4):
                if isinstance(events, DminError):
                    print(events)
                else:
                    events.save(f"{video}.vtt")
        """
        if workers < 1:
            raise DataError(f"workers is {workers}: must be at least 1")
        answer = partial(_answer, self, options)
        if workers == 1:
            for video in videos:
                yield video, answer(video)
            return
        with closing(in_processes(partial(_ready, answer), videos, workers, video_seconds)) as answers:
            yield from answers

    def _scores(self, row: NDArray[np.float64]) -> dict[str, float]:
        return {name: round(float(score), 6) for name, score in zip(self.categories, row, strict=True)}

    def _average(self, chunks: Iterable[tuple[Tensor, ...]], progress: Progress) -> _Seconds:
        """Windows of the trained length, half overlapping; what several windows say of a second is averaged."""
        average = Average()
        shape: tuple[int, int] | None = None
        for window in windows(chunks, self.settings.window_seconds):
            rows, shape = self._answer(window)
            average.add(window.start, rows)
            progress("localize", window.start + len(window), None)
        table = average.table()
        count = len(self.categories)
        attention = None if shape is None else table[:, 1 + count :].astype(np.float32).reshape(-1, *shape)
        return _Seconds(table[:, 0], table[:, 1 : 1 + count], attention)

    @torch.inference_mode()
    def _answer(self, window: Stretch) -> tuple[NDArray[np.float64], tuple[int, int] | None]:
        """One row a second (relevance, category scores, attention of every region), and the shape of the regions."""
        visual, audio = (features.float()[None].to(self.device) for features in window.features)
        output = self.model(visual, audio, return_attention=True)
        scores = event_scores(output, len(self.categories))
        parts = [scores.relevance[0][:, None], scores.categories[0]]  # [T, 1], [T, C]
        spatial = None if output.attention is None else output.attention.spatial
        shape = None
        if spatial is not None:
            parts.append(spatial[0].flatten(1))  # [T, H W]
            shape = (spatial.shape[2], spatial.shape[3])
        return torch.cat(parts, 1).double().cpu().numpy(), shape


def _noting(chunks: Iterable[ClipFeatures], durations: list[float]) -> Iterator[tuple[Tensor, ...]]:
    """Visual maps and audio features of chunks; how long each of them lasts is noted on the way."""
    for chunk in chunks:
        durations.append(chunk.duration_seconds)
        yield chunk.visual, chunk.audio


def _answer(localizer: Localizer, options: Mapping[str, Any], video: str | Path) -> Events | DminError:
    try:
        return localizer(video, **options)
    except DminError as error:
        return error
    except Exception as error:  # a video may break a decoder in ways that nobody has foreseen
        return DminError(f"{video}: {type(error).__name__}: {error}")


def _ready(answer: Callable[[str | Path], Any]) -> Callable[[str | Path], Any]:
    """Give a worker its function; nothing is left to load."""
    return answer
