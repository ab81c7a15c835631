"""Cross-modality localization: exact windows and offsets, beside answers that need no content and a linear one."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from dmin.data.clips import collate
from dmin.data.queries import MatchingClips
from dmin.errors import DataError
from dmin.evaluation.cca import DEFAULT, CcaChoice, fit_matcher, read_seconds
from dmin.evaluation.features import require_same_features
from dmin.evaluation.intervals import Interval, mean
from dmin.evaluation.priors import MatchingPriors, chances, priors, queries_of
from dmin.models import MatchingModel
from dmin.models.settings import MatcherSettings
from dmin.progress import Progress, silent
from dmin.results.events import dumps
from dmin.tasks.objectives import matching_task


@dataclass(frozen=True)
class LengthRow:
    """One line of the per-length table."""

    seconds: int
    """L, length of the queries."""
    clips: int
    exact: float
    """Share of clips with the exact window."""
    uniform: float
    """Expected score of a window drawn uniformly."""


@dataclass(frozen=True)
class CcaFigures:
    """Scores of linear CCA on the features alone."""

    exact: Interval
    """Share of clips with the exact window."""
    mean_absolute_offset_seconds: Interval
    choice: CcaChoice
    """Settings, chosen on the validation split."""


@dataclass(frozen=True)
class MatchingResult:
    """One clip's truth and answers; seconds count from the start of its window."""

    video_id: str
    window_start: int
    """Start of the window in its clip; 0 unless the clip is longer than those of training."""
    seconds: int
    """T, seconds of the window."""
    start: int
    """First second of the query."""
    length: int
    """L, its seconds."""
    predicted_start: int
    window_scores: tuple[float, ...] = field(repr=False)
    """Sum of the logits of each window that the query could fill [T - L + 1]."""
    cca_start: int | None = None
    """The linear answer, where there is one."""

    @property
    def offset_seconds(self) -> int:
        """Seconds by which the answer is late."""
        return self.predicted_start - self.start


@dataclass(frozen=True)
class MatchingReport:
    """All figures of one evaluation."""

    model: str
    data: str
    split: str
    direction: str
    """"a2v": sounds were found in the picture. "v2a": the other way round."""
    matching: str
    """Method of comparing a query with candidates; see `dmin.models.DCMRConfig`."""
    protocol: str
    """Part of the query's clip that the network sees: "context", all of it; "strict", the query alone."""
    clips: int
    left_out: int
    """Clips without one event of 2 s or more that is shorter than the clip."""
    exact: Interval
    """Share of clips with the exact window, which the paper calls accuracy."""
    mean_absolute_offset_seconds: Interval
    lengths: tuple[LengthRow, ...]
    priors: MatchingPriors
    best_prior: str
    """Name of the prior that scores most on these clips."""
    minus_best_prior: Interval
    """The model's exact share minus that prior's, on the same clips."""
    cca: CcaFigures | None
    """None where the training split has nothing to fit on."""
    minus_cca: Interval | None
    """The model's exact share minus the linear one's, on the same clips."""
    results: tuple[MatchingResult, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, as in metrics.json."""
        return asdict(self)

    def save(self, folder: Path) -> None:
        """Write metrics.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(dumps(self.to_dict()), "utf-8")


def evaluate_matching(
    model: MatchingModel,
    settings: MatcherSettings,
    store: str | Path,
    split: str = "test",
    *,
    name: str = "model",
    progress: Progress = silent,
) -> MatchingReport:
    """Score a model on a split of a feature store, under the protocol that it was trained with.

    Args:
        model: The network; it stays as it is, and answers in float32 where it is.
        settings: What lies beside its weights.
        store: Folder that `dmin extract` made of a data set. Its training and validation splits serve the priors and
            the linear answer only.
        split: train, val or test.
        name: What the report calls the model.
        progress: Told as clips are done.

    Raises:
        ModelError: The store's features are not those the model was trained on.
        DataError: No such split, clips of it without features, or none that a query can be taken from.
    """
    require_same_features(store, settings)
    clips = MatchingClips(store, split, window_seconds=settings.window_seconds)
    results = predict_starts(model, clips, progress)
    train = _beside(clips, "train", settings.window_seconds)
    matcher = None
    if train is not None:
        val = _beside(clips, "val", settings.window_seconds)
        matcher = fit_matcher(
            read_seconds(train, progress, "linear CCA: training clips"),
            None if val is None else read_seconds(val, progress, "linear CCA: validation clips"),
            model.config.direction,
        )
        starts = matcher.starts(read_seconds(clips, progress, f"linear CCA: {split} clips"))
        results = [replace(result, cca_start=int(start)) for result, start in zip(results, starts, strict=True)]
    of_clip = [result.video_id for result in results]
    exact = np.array([result.offset_seconds == 0 for result in results], dtype=np.float64)
    chance = chances(queries_of(clips), None if train is None else queries_of(train))
    shares = priors(chance)
    cca = None if matcher is None else _cca_figures(matcher.choice, results)
    return MatchingReport(
        model=name,
        data=str(store),
        split=split,
        direction=model.config.direction,
        matching=model.matching,
        protocol=model.protocol,
        clips=len(results),
        left_out=clips.left_out,
        exact=mean(exact, of_clip),
        mean_absolute_offset_seconds=mean([abs(result.offset_seconds) for result in results], of_clip),
        lengths=_table(results, exact, chance["uniform"]),
        priors=shares,
        best_prior=shares.best,
        minus_best_prior=mean(exact - chance[shares.best], of_clip),
        cca=cca,
        minus_cca=None
        if cca is None
        else mean(exact - [result.cca_start == result.start for result in results], of_clip),
        results=tuple(results),
    )


@torch.inference_mode()
def predict_starts(model: MatchingModel, clips: MatchingClips, progress: Progress = silent) -> list[MatchingResult]:
    """The network's answer to every query of a split."""
    network = copy.deepcopy(model).eval().float()  # converted checkpoints may be double
    device = next(network.parameters()).device
    task = matching_task(network.objective, len(clips.categories))
    results: list[MatchingResult] = []
    for batch in DataLoader(clips, batch_size=16, collate_fn=collate):
        here = batch.to(device)
        scores = task.window_scores(task.answer(network, here), here).cpu()
        for window, row in zip(batch.windows, scores, strict=True):
            start, length = clips.queries[len(results)]
            seconds = window.stop - window.start
            fitting = row[: seconds - length + 1]
            results.append(
                MatchingResult(
                    video_id=window.video_id,
                    window_start=window.start,
                    seconds=seconds,
                    start=start,
                    length=length,
                    predicted_start=int(fitting.argmax()),
                    window_scores=tuple(round(score, 6) for score in fitting.tolist()),
                )
            )
        progress("evaluate", len(results), len(clips))
    return results


def _beside(clips: MatchingClips, split: str, window_seconds: int) -> MatchingClips | None:
    """Another split of the same store; None, with a warning, if it can serve neither priors nor the linear answer."""
    try:
        return MatchingClips(clips.store.folder, split, window_seconds=window_seconds)
    except DataError as error:
        comparison, components, ridge = DEFAULT
        consequence = {
            "train": "the prior of the usual start and linear CCA are left out",
            "val": f"linear CCA compares {comparison} in {components} components with ridge {ridge:g}, unchosen",
        }
        warnings.warn(f"{consequence[split]}: {error}", stacklevel=3)
        return None


def _cca_figures(choice: CcaChoice, results: Sequence[MatchingResult]) -> CcaFigures:
    offsets = np.array([(result.cca_start or 0) - result.start for result in results])
    of_clip = [result.video_id for result in results]
    return CcaFigures(mean(offsets == 0, of_clip), mean(np.abs(offsets), of_clip), choice)


def _table(
    results: Sequence[MatchingResult], exact: NDArray[np.float64], uniform: NDArray[np.float64]
) -> tuple[LengthRow, ...]:
    lengths = np.array([result.length for result in results])
    rows = []
    for length in np.unique(lengths):
        of_it = lengths == length
        shares = float(exact[of_it].mean()), float(uniform[of_it].mean())
        rows.append(LengthRow(int(length), int(of_it.sum()), *shares))
    return tuple(rows)
