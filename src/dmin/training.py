"""Training: a thin LightningModule around (network, task), and `fit`, which leaves a run folder.

```
RUN/model.safetensors, config.json   the best epoch by validation accuracy: `DMIN.from_pretrained(RUN)`
RUN/localizer.json                   what inference needs beside the weights: `Localizer.from_pretrained(RUN)`
RUN/train.yaml                       the recipe of this run, as `dmin train --config` reads it
RUN/metrics.csv, curves.png          one row an epoch, and their picture
RUN/checkpoints/last.ckpt            where a killed run goes on
```
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dmin.calibration import calibrate_threshold
from dmin.data.batches import Batch, ClipDataset, Sample, collate
from dmin.data.remix import RemixedClips, read_tracks
from dmin.errors import DataError
from dmin.models import DMIN
from dmin.progress import Progress, silent
from dmin.recipe import LocalizerSettings, TrainConfig, write_recipe
from dmin.tasks.localization import decode, localization_loss
from dmin.tasks.metrics import SegmentAccuracy


@dataclass(frozen=True)
class FitReport:
    """What a training run came to."""

    run: Path
    best_epoch: int
    """Counted from 1."""
    validation_accuracy: float | None
    """Segment accuracy of the best epoch on the validation split; None without one: the last epoch was kept then."""
    epochs: int
    threshold: float
    """Relevance threshold stored with the model."""


class LocalizationModule(lightning.LightningModule):
    """Loss and metrics of full supervision around any network with the localization outputs."""

    model: DMIN

    def __init__(self, model: DMIN, config: TrainConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.train_accuracy = SegmentAccuracy()
        self.val_accuracy = SegmentAccuracy()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """One step: the loss of eq. 17."""
        output = self.model(batch.visual, batch.audio, batch.mask)
        loss = localization_loss(output, batch.labels, batch.mask, self.config.unimodal_weight)
        self.train_accuracy.update(decode(output), batch.labels, batch.mask)
        log: dict[str, Any] = {"train_loss": loss.total, "train_relevance_loss": loss.relevance}
        log |= {"train_category_loss": loss.category, "train_unimodal_loss": loss.unimodal_category}
        log |= {"train_accuracy": self.train_accuracy}
        self.log_dict(log, on_step=False, on_epoch=True, batch_size=len(batch.labels))
        return loss.total

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Loss and accuracy on the split that chooses the epoch."""
        output = self.model(batch.visual, batch.audio, batch.mask)
        loss = localization_loss(output, batch.labels, batch.mask, self.config.unimodal_weight)
        self.val_accuracy.update(decode(output), batch.labels, batch.mask)
        self.log_dict({"val_loss": loss.total, "val_accuracy": self.val_accuracy}, batch_size=len(batch.labels))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam, its rate multiplied at milestones (section VI-B of the paper)."""
        config = self.config
        optimizer = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(config.milestones), config.rate_factor)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


class _KeepBest(Callback):
    """Writes the model whenever an epoch is better on the validation split, and a row a epoch of metrics.csv."""

    def __init__(self, run: Path, progress: Progress) -> None:
        self.run = run
        self.progress = progress
        self.best_epoch = 0
        self.best_accuracy: float | None = None
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {"best_epoch": self.best_epoch, "best_accuracy": self.best_accuracy, "rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best_epoch, self.best_accuracy = state_dict["best_epoch"], state_dict["best_accuracy"]
        self.rows = state_dict["rows"]

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Note the epoch; keep it if it is the best."""
        if not trainer.is_global_zero or not isinstance(pl_module, LocalizationModule):
            return
        epoch = trainer.current_epoch + 1
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": epoch, **metrics})
        accuracy = metrics.get("val_accuracy")  # None without a validation split: then every epoch beats the one before
        if accuracy is None or self.best_accuracy is None or accuracy > self.best_accuracy:
            self.best_epoch, self.best_accuracy = epoch, accuracy
            pl_module.model.save_pretrained(self.run)
        self._write_csv()
        best = "" if self.best_accuracy is None else f" (best {self.best_accuracy:.3f})"
        self.progress(f"training{best}", epoch, trainer.max_epochs)

    def _write_csv(self) -> None:
        with (self.run / "metrics.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=sorted(self.rows[0], key=lambda name: (name != "epoch", name)))
            writer.writeheader()
            writer.writerows(self.rows)


def fit(store: str | Path, run: str | Path, config: TrainConfig, *, progress: Progress = silent) -> FitReport:
    """Train a network on a feature store and leave a run folder; a run that was killed goes on where it stopped.

    Args:
        store: Folder that `dmin extract` made of a data set (with its annotations and splits).
        run: Where the run goes. If it holds a stopped run of the same recipe, that one goes on.
        config: The recipe; sizes and category names are taken from the data.
        progress: Told after every epoch.

    Raises:
        DataError: The store lacks annotations, a split, or features; or ``run`` holds a run of another recipe.
    """
    run = Path(run)
    train = ClipDataset(store, "train", window_seconds=config.window_seconds)
    val = _validation_clips(train, config)
    sample = train[0]
    model_config = replace(
        config.model,
        visual_size=sample.visual.shape[-1],
        audio_size=sample.audio.shape[-1],
        category_names=train.categories,
    )
    config = replace(config, model=model_config)
    run.mkdir(parents=True, exist_ok=True)
    write_recipe(run, config)
    lightning.seed_everything(config.seed, verbose=False)
    module = LocalizationModule(DMIN(model_config), config)
    keeper = _KeepBest(run, progress)
    with _quiet():
        _trainer(run, config, keeper).fit(
            module,
            DataLoader(_training_clips(train, config), config.batch_size, shuffle=True, collate_fn=collate),
            None if val is None else DataLoader(val, config.batch_size, collate_fn=collate),
            ckpt_path=_last_checkpoint(run),
        )
    threshold = config.threshold
    if config.false_event_share is not None and val is not None:
        threshold = calibrate_threshold(DMIN.from_pretrained(run), val, config.false_event_share)
    LocalizerSettings.of(train.store.settings, config.window_seconds, threshold).save(run)
    _draw_curves(run)
    return FitReport(run, keeper.best_epoch, keeper.best_accuracy, len(keeper.rows), threshold)


def _training_clips(train: ClipDataset, config: TrainConfig) -> Dataset[Sample]:
    if not 0 <= config.remix <= 1:
        raise DataError(f"remix is {config.remix}: must be within 0 and 1")
    return RemixedClips(train, read_tracks(train.store.folder), config.remix) if config.remix else train


def _validation_clips(train: ClipDataset, config: TrainConfig) -> ClipDataset | None:
    """The clips that choose the epoch; none, with a warning, if the data have splits but none for validation."""
    if "val" in train.folder.splits:
        return ClipDataset(train.folder.folder, "val", window_seconds=config.window_seconds)
    if config.false_event_share is not None:
        raise DataError(
            f"{train.folder.folder} has no validation split, so no threshold can be calibrated: add splits/val.txt, "
            "or set false_event_share to null and give a threshold"
        )
    warnings.warn(
        f"{train.folder.folder} has no validation split: the last epoch is kept, unchecked; for data of your own, "
        "add splits/val.txt",
        stacklevel=3,
    )
    return None


def _trainer(run: Path, config: TrainConfig, keeper: _KeepBest) -> lightning.Trainer:
    last = ModelCheckpoint(run / "checkpoints", filename="last", save_top_k=1, enable_version_counter=False)
    return lightning.Trainer(
        max_epochs=config.epochs,
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.nodes,
        precision=cast(Any, config.precision),
        gradient_clip_val=config.gradient_clip or None,
        logger=TensorBoardLogger(run, name="tensorboard", version=""),
        callbacks=[keeper, last],
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
    )


def _last_checkpoint(run: Path) -> Path | None:
    path = run / "checkpoints" / "last.ckpt"
    return path if path.is_file() else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's notes about loader workers and the like out of people's terminals."""
    import logging

    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning.*")
            warnings.filterwarnings("ignore", module="torch.*", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)


def _draw_curves(run: Path) -> None:
    from matplotlib.figure import Figure

    from dmin.report.figures import plot_curves

    figure = Figure(figsize=(9, 4), layout="constrained")
    plot_curves(run / "metrics.csv", figure.add_subplot())
    figure.savefig(run / "curves.png", dpi=120)
