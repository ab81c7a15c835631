"""From a video to its events: `Localizer`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dmin import backbones
from dmin.backbones import Backbone
from dmin.errors import ModelError
from dmin.events import Events, Second, merge_seconds
from dmin.features import ClipFeatures, stream_features
from dmin.features.stream import MissingAudio
from dmin.models import DMIN
from dmin.progress import Progress, silent
from dmin.settings import LocalizerSettings

_log = logging.getLogger("dmin")
STARTER = Path(__file__).parent / "starter"


@dataclass(frozen=True)
class _Seconds:
    """Averages over all windows that saw a second."""

    relevance: NDArray[np.float64]
    """[T]"""
    categories: NDArray[np.float64]
    """[T, C], each row summing to 1."""
    attention: NDArray[np.float32]
    """[T, H, W]"""


class Localizer:
    """Finds the events of videos: decoding, backbones, network and threshold in one.

    Example (``localizer(path)`` takes any video that FFmpeg reads)::

        localizer = Localizer.from_pretrained()
        for event in localizer("video.mp4"):
            print(event.start_seconds, event.end_seconds, event.category, event.score)
    """

    def __init__(self, model: DMIN, settings: LocalizerSettings, name: str, device: str = "cpu") -> None:
        self.model = model.eval().to(device)
        self.settings = settings
        self.name = name
        self.device = device
        for kind, wanted in (("visual", settings.visual), ("audio", settings.audio)):
            card = backbones.cards().get(wanted)
            version = getattr(settings, f"{kind}_version")
            if card is None:
                continue  # e.g. AVE's released features: such a model can score a store, but hear and see no video
            if card.version != version:
                raise ModelError(
                    f"model {name!r} was trained on features of {wanted} {version}, here is {card.version}: "
                    "install the dmin it was trained with, or train it again"
                )
            getattr(self, kind)  # loaded now, so that weights that cannot be had are no surprise later

    @cached_property
    def visual(self) -> Backbone:
        """The visual backbone.

        Raises:
            ModelError: dmin has none of this name, or its weights cannot be had.
        """
        return backbones.create(self.settings.visual).to(self.device)

    @cached_property
    def audio(self) -> Backbone:
        """The audio backbone.

        Raises:
            ModelError: dmin has none of this name, or its weights cannot be had.
        """
        return backbones.create(self.settings.audio).to(self.device)

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path = "starter", device: str = "cpu") -> Localizer:
        """Load a model.

        Args:
            name_or_path: "starter", a folder that `dmin train` wrote, or a repository id of the Hugging Face hub.
            device: Where to run: cpu, cuda, mps.

        Raises:
            ModelError: There is no such model, or it is not one of this task.
        """
        folder = _folder_of(str(name_or_path))
        name = "starter" if folder == STARTER else str(name_or_path)
        localizer = cls(DMIN.from_pretrained(folder), LocalizerSettings.load(folder), name, device)
        _log.info("%s", localizer.about)
        return localizer

    def __repr__(self) -> str:
        return f"Localizer({self.about})"

    @property
    def about(self) -> str:
        """One line: what the model knows, and how to teach one's own."""
        advice = "; train your own with `dmin train`" if self.name == "starter" else ""
        return f"model {self.name} knows {', '.join(sorted(self.categories))}{advice}"

    @property
    def categories(self) -> tuple[str, ...]:
        """What the model knows."""
        return tuple(self.model.config.category_names)

    def __call__(
        self,
        video: str | Path,
        *,
        threshold: float | None = None,
        min_seconds: float = 1.0,
        missing_audio: MissingAudio = "error",
        progress: Progress = silent,
    ) -> Events:
        """Find the events of one video, of any length; memory does not grow with it, but for the answer's own numbers.

        Args:
            video: Path of the video.
            threshold: Relevance from which a second counts as event; the model's own by default.
            min_seconds: Shorter events are dropped.
            missing_audio: "error", or "silence" to take a video without sound as silent.
            progress: Told as seconds are done.

        Raises:
            MediaError: The video cannot be read.
        """
        if threshold is not None and not 0 <= threshold <= 1:
            raise ModelError(f"threshold is {threshold}: must be within 0 and 1")
        chunks = stream_features(video, self.visual, self.audio, missing_audio=missing_audio)
        durations: list[float] = []
        answer = self._average(_note(chunks, durations), progress)
        seconds = tuple(
            Second(float(t), float(answer.relevance[t]), self.categories[int(row.argmax())], self._scores(row))
            for t, row in enumerate(answer.categories)
        )
        used = self.settings.threshold if threshold is None else threshold
        duration = durations[-1]
        events = merge_seconds(seconds, used, duration, min_seconds)
        return Events(str(video), duration, self.name, used, seconds, events, answer.attention)

    def _scores(self, row: NDArray[np.float64]) -> dict[str, float]:
        return {name: round(float(score), 6) for name, score in zip(self.categories, row, strict=True)}

    def _average(self, chunks: Iterable[ClipFeatures], progress: Progress) -> _Seconds:
        """Windows of the trained length, half overlapping; what several windows say of a second is averaged."""
        sums: list[NDArray[np.float64]] = []  # a row a second: relevance, categories, attention, count
        shape = (7, 7)
        for start, window in _windows(chunks, self.settings.window_seconds):
            rows, shape = self._window(window)
            while len(sums) < start + len(rows):
                sums.append(np.zeros(rows.shape[1]))
            for offset, row in enumerate(rows):
                sums[start + offset] += row
            progress("localize", start + len(rows), None)
        table = np.stack(sums)
        table = table[:, :-1] / table[:, -1:]
        count = len(self.categories)
        attention = table[:, 1 + count :].astype(np.float32).reshape(-1, *shape)
        return _Seconds(table[:, 0], table[:, 1 : 1 + count], attention)

    @torch.inference_mode()
    def _window(self, features: ClipFeatures) -> tuple[NDArray[np.float64], tuple[int, int]]:
        """One row a second: relevance, category scores, attention of every region, and a 1 that counts the window."""
        visual = features.visual.float()[None].to(self.device)
        audio = features.audio.float()[None].to(self.device)
        output = self.model(visual, audio, return_attention=True)
        relevance = output.relevance_logits[0].sigmoid()[:, None]  # [T, 1]
        logits = output.category_logits  # [1, C], or [1, C + 1] with background last under weak supervision
        if int(logits.argmax()) == len(self.categories):
            relevance = torch.zeros_like(relevance)  # background is the best of them: nothing here is an event
        categories = logits[:, : len(self.categories)].softmax(-1).expand(len(relevance), -1)  # [T, C]
        assert output.attention is not None  # it was asked for
        spatial = output.attention.spatial[0]  # [T, H, W]
        rows = torch.cat([relevance, categories, spatial.flatten(1), torch.ones_like(relevance)], 1)
        return rows.double().cpu().numpy(), (spatial.shape[1], spatial.shape[2])


def _folder_of(name_or_path: str) -> Path:
    if name_or_path == "starter":
        return STARTER
    folder = Path(name_or_path)
    if folder.is_dir():
        return folder
    if name_or_path.count("/") == 1 and not name_or_path.startswith((".", "/")):
        return _hub_snapshot(name_or_path)
    raise ModelError(
        f"no model {name_or_path!r}: give 'starter', a folder that `dmin train` wrote, "
        "or a repository id of the Hugging Face hub (owner/name)"
    )


def _hub_snapshot(repository: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, allow_patterns=["*.json", "*.safetensors", "*.md"]))
    except Exception as error:
        raise ModelError(
            f"{repository!r} is no folder here, and the hub could not give it ({type(error).__name__}): "
            "check the name and the network"
        ) from error


def _note(chunks: Iterable[ClipFeatures], durations: list[float]) -> Iterator[ClipFeatures]:
    """Pass chunks on, adding up how long the video is."""
    total = 0.0
    for chunk in chunks:
        total += chunk.duration_seconds
        durations.append(total)
        yield chunk


def _windows(chunks: Iterable[ClipFeatures], length: int) -> Iterator[tuple[int, ClipFeatures]]:
    """Windows of at most ``length`` seconds with the second they start at, half overlapping, the last at the end."""
    step = max(1, length // 2)
    held: ClipFeatures | None = None
    start = 0
    for chunk in chunks:
        held = chunk if held is None else _join(held, chunk)
        while len(held) >= length + step:
            yield start, _cut(held, 0, length)
            held, start = _cut(held, step, len(held)), start + step
    while held is not None and len(held) > length:
        yield start, _cut(held, 0, length)
        move = min(step, len(held) - length)
        held, start = _cut(held, move, len(held)), start + move
    if held is not None:
        yield start, held


def _join(first: ClipFeatures, second: ClipFeatures) -> ClipFeatures:
    return replace(
        first,
        visual=torch.cat([first.visual, second.visual]),
        audio=torch.cat([first.audio, second.audio]),
        duration_seconds=first.duration_seconds + second.duration_seconds,
    )


def _cut(features: ClipFeatures, start: int, stop: int) -> ClipFeatures:
    part = slice(start, stop)
    return replace(
        features,
        visual=features.visual[part],
        audio=features.audio[part],
        duration_seconds=float(stop - start),
    )
