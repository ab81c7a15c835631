"""From a video to its events: `Localizer`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from dmin.checks import check_within_unit
from dmin.errors import DminError
from dmin.features import ClipFeatures, stream_features
from dmin.features.stream import MissingAudio
from dmin.inference.labels import AUDIO, VISUAL, Prompts, network_of
from dmin.inference.loading import Trained, faster
from dmin.inference.many import answers_of
from dmin.inference.options import OnWindow, Options
from dmin.inference.windows import Average, Stretch, noting, windows
from dmin.media import Arrays, Source, recording_of
from dmin.models import LocalizationModel
from dmin.models.settings import LocalizerSettings
from dmin.progress import Progress, silent
from dmin.results.events import Decided, Events, Second
from dmin.results.merging import Merger
from dmin.tasks.decoding import event_scores

_CHUNK_SECONDS = 4
"""Seconds of features that are computed at a time: the fewer, the earlier `Localizer.stream` gives its first answer."""


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
        cls,
        name_or_path: str | Path = "starter",
        device: str = "auto",
        revision: str | None = None,
        *,
        fast: bool = False,
    ) -> Localizer:
        """Load a model.

        Args:
            name_or_path: "starter", a folder that `dmin train` wrote, or a repository id of the Hugging Face hub.
            device: Where to run: auto (a GPU where there is one), cpu, cuda, cuda:1 or mps.
            revision: Branch, tag or commit of a model of the hub; its main branch by default.
            fast: Let the backbones compute in bfloat16, though the model was trained on exact features. The starter's
                relevance differs by up to a tenth then; measure other models before you trust them so.

        Raises:
            ModelError: There is no such model, it is not one of this task, or this machine is not fast at bfloat16.
        """
        return cls._load(name_or_path, device, revision, fast)

    @classmethod
    def from_labels(
        cls,
        labels: Sequence[str],
        *,
        visual: str = VISUAL,
        audio: str = AUDIO,
        rule: str = "agreement",
        distractors: Sequence[str] | None = None,
        prompts: Prompts | None = None,
        device: str = "auto",
        fast: bool = False,
        progress: Progress = silent,
    ) -> Localizer:
        """Make a localizer of labels in words; nothing is trained.

        Args:
            labels: Names of the categories, as "dog barking".
            visual: A backbone that reads: hf:OWNER/NAME of CLIP's or SigLIP's kind, or one of your own.
            audio: The same of CLAP's kind.
            rule: One of `dmin.models.RULES`: "agreement", "product" or "joint".
            distractors: Texts that are compared with the labels and are no event; everyday ones by default.
            prompts: Sentences that each text is put into.
            device: Where to run, as for `from_pretrained`.
            fast: Let the backbones compute in bfloat16.
            progress: Told as weights are downloaded.

        Raises:
            ModelError: A label or a distractor will not do, a backbone does not read, the rule does not fit, or this
                machine is not fast at bfloat16.
        """
        network, settings = network_of(labels, visual, audio, rule, distractors, prompts, progress)
        if fast:
            settings = faster(settings, device)
        return cls(network, settings, f"words by {settings.visual} and {settings.audio}", device)

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
        on_window: OnWindow | None = None,
    ) -> Events:
        """Find the events of one video, of any length; memory does not grow with it, but for the answer's own numbers.

        Args:
            video: The video: its path, a file that is open for reading bytes, a container that PyAV has opened (read
                once, as it comes), or a `Recording`. One that keeps footage gives it to the answer, for its picture.
            threshold: Relevance from which a second counts as event; the model's own by default.
            min_seconds: Shorter events are dropped.
            missing_audio: "error", or "silence" to take a video without sound as silent.
            progress: Told as seconds are done.
            on_window: Called after each window that the network has seen, in order; the windows overlap by half. It
                is given the window (`start`, its first second, and `features`, the visual maps [T, H, W, D_v] and audio
                features [T, D_a]) and the network's output for it, a batch of one whose `attention` holds all maps.

        Raises:
            MediaError: The video cannot be read.
        """
        recording = recording_of(video)
        parts = list(
            self.stream(
                recording,
                threshold=threshold,
                min_seconds=min_seconds,
                missing_audio=missing_audio,
                progress=progress,
                on_window=on_window,
            )
        )
        maps = [part.attention for part in parts if part.attention is not None]
        return Events(
            video=recording.name,
            duration_seconds=parts[-1].end_seconds,
            model=self.name,
            threshold=self.settings.threshold if threshold is None else threshold,
            seconds=tuple(second for part in parts for second in part.seconds),
            events=tuple(event for part in parts for event in part.events),
            attention=np.concatenate(maps) if maps else None,
            frames_per_second=recording.info.picture_rate,
            footage=recording.footage,
        )

    def stream(
        self,
        video: Source,
        *,
        threshold: float | None = None,
        min_seconds: float = 1.0,
        missing_audio: MissingAudio = "error",
        progress: Progress = silent,
        on_window: OnWindow | None = None,
    ) -> Generator[Decided]:
        """Find the events of a long video or of a live source, and give them as they are decided.

        Nothing but a window is held. All parts together are what a call answers.

        Args:
            video: As in a call; ``av.open("rtsp://camera/stream")`` gives a live source.
            threshold: As in a call, like all that follow.
            min_seconds: Shorter events are dropped.
            missing_audio: "error", or "silence".
            progress: Told as seconds are done.
            on_window: Called after each window.

        Yields:
            After each window, the seconds that no later window sees, and the events that ended within them.

        Raises:
            MediaError: The video cannot be read.

        Example::

            for part in localizer.stream("long.mp4"):
                for event in part.events:
                    print(event.start_seconds, event.category)
        """
        check_within_unit(threshold=threshold)
        backbones = self.visual, self.audio  # first: without them no video helps
        recording = recording_of(video)
        chunks = stream_features(recording, *backbones, chunk_seconds=_CHUNK_SECONDS, missing_audio=missing_audio)
        if self.settings.pooled:
            chunks = (chunk.pooled() for chunk in chunks)
        merger = Merger(self.settings.threshold if threshold is None else threshold, min_seconds)
        return self._decide(chunks, merger, progress, on_window)

    def arrays(
        self,
        frames: NDArray[np.uint8],
        frames_per_second: float,
        waveform: NDArray[Any] | None,
        rate_hz: int,
        **options: Unpack[Options],
    ) -> Events:
        """Find the events of pictures and sound that are in memory: the same as of a video of them.

        Args:
            frames: [N, H, W, 3] RGB, uint8.
            frames_per_second: Their rate.
            waveform: [samples] or [channels, samples]: float in -1..1, or int16; None without sound.
            rate_hz: Its rate.
            options: As a call takes them: threshold, min_seconds, missing_audio, progress, on_window.

        Raises:
            MediaError: A shape, type or rate is not as said, or there is less than half a second.
        """
        return self(Arrays(frames, frames_per_second, waveform, rate_hz), **options)

    def many(
        self,
        videos: Iterable[str | Path],
        *,
        workers: int = 1,
        video_seconds: float = 3600.0,
        **options: Unpack[Options],
    ) -> Generator[tuple[str | Path, Events | DminError]]:
        """Find the events of many videos; a bad one never stops the rest.

        Args:
            videos: Their paths.
            workers: Number of processes, among which the cores are divided; 1 does the work here. A script that asks
                for several must protect its own work by ``if __name__ == "__main__":``.
            video_seconds: Longest time that one video may take, if other processes do it.
            options: As a call takes them: threshold, min_seconds, missing_audio; progress and on_window with one
                worker alone, unless they can be pickled.

        Yields:
            Each path with its answer or, if it has none, with the error, as they are finished.

        Example::

            for video, events in localizer.many(Path("videos").glob("*.mp4"), workers=4):
                if isinstance(events, DminError):
                    print(events)
                else:
                    events.save(f"{video}.vtt")
        """
        yield from answers_of(self, videos, workers, video_seconds, options)

    def _decide(
        self, chunks: Iterable[ClipFeatures], merger: Merger, progress: Progress, on_window: OnWindow | None
    ) -> Generator[Decided]:
        """Windows of the trained length, half overlapping; what several windows say of a second is averaged."""
        average = Average()
        durations: list[float] = []
        start = 0
        for window in windows(noting(chunks, durations), self.settings.window_seconds):
            rows, shape = self._answer(window, on_window)
            average.add(window.start, rows)
            table = average.take(window.settled)  # [T, N]
            seconds = tuple(self._second(t, row) for t, row in enumerate(table, start))
            events = [merger.add(second) for second in seconds]
            start, end = start + len(seconds), float(start + len(seconds))
            if window.settled is None:
                end = sum(durations)
                events.append(merger.close(end))
            progress("localize", window.start + len(window), None)
            maps = table[:, 1 + len(self.categories) :].astype(np.float32)
            yield Decided(
                start_seconds=float(start - len(seconds)),
                end_seconds=end,
                seconds=seconds,
                events=tuple(event for event in events if event is not None),
                attention=None if shape is None else maps.reshape(-1, *shape),
            )

    def _second(self, t: int, row: NDArray[np.float64]) -> Second:
        """The answer for second ``t`` from its averages, as `_answer` has them in a row."""
        scores = row[1 : 1 + len(self.categories)]
        named = {name: round(float(score), 6) for name, score in zip(self.categories, scores, strict=True)}
        return Second(float(t), float(row[0]), self.categories[int(scores.argmax())], named)

    @torch.inference_mode()
    def _answer(
        self, window: Stretch, on_window: OnWindow | None
    ) -> tuple[NDArray[np.float64], tuple[int, int] | None]:
        """One row a second (relevance, category scores, attention of every region), and the shape of the regions."""
        visual, audio = (features.float()[None].to(self.device) for features in window.features)
        output = self.model(visual, audio, return_attention=True)
        if on_window is not None:
            on_window(window, output)
        scores = event_scores(output, len(self.categories))
        parts = [scores.relevance[0][:, None], scores.categories[0]]  # [T, 1], [T, C]
        spatial = None if output.attention is None else output.attention.spatial
        shape = None
        if spatial is not None:
            parts.append(spatial[0].flatten(1))  # [T, H W]
            shape = (spatial.shape[2], spatial.shape[3])
        return torch.cat(parts, 1).double().cpu().numpy(), shape
