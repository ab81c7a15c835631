"""Training: a thin LightningModule around (network, task), and `fit`, which leaves a run folder.

```
RUN/model.safetensors, recipe.json   the best epoch by validation accuracy: `from_pretrained(RUN)` of its class
RUN/localizer.json, matcher.json     one of them: what `Localizer` or `Matcher` needs beside the weights
RUN/train.yaml                       the recipe of this run, as `dmin train --config` reads it
RUN/metrics.csv                      one row per epoch; `dmin.report.figures.save_curves` draws it
RUN/times.csv                        seconds of each epoch, and how many of them were spent waiting for data
RUN/checkpoints/last.ckpt            where a killed run goes on; it ends with the weights of one that was not killed
```
"""

from __future__ import annotations

import csv
import io
import logging
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from dmin.data.clips import Batch
from dmin.device import device_of
from dmin.errors import DataError
from dmin.files import write_atomically
from dmin.models import PretrainedModel
from dmin.models.settings import LocalizerSettings
from dmin.progress import Progress, silent
from dmin.tasks.task import Task
from dmin.training.clock import StepClock
from dmin.training.loading import hold_clips
from dmin.training.order import EpochOrder
from dmin.training.prepare import job_of
from dmin.training.recipe import Recipe, write_recipe
from dmin.training.resuming import RandomState, WholeCheckpoints, alone_in, is_first, remove_remains

_log = logging.getLogger("dmin")


@dataclass(frozen=True)
class FitReport:
    """Outcome of a training run."""

    run: Path
    best_epoch: int
    """Counted from 1."""
    validation_accuracy: float | None
    """Of the best epoch on the validation split; None without one: the last epoch was kept then."""
    epochs: int
    parameters: int
    """Trainable numbers of the network."""
    seconds_a_step: float
    """Median time of a step of training: forward, backward, update; without reading features or validation."""
    threshold: float | None
    """Relevance threshold stored with the model; None for matching, which has none."""
    waiting_share: float
    """Share of the time of training, without validation, that was spent waiting for data."""


class TrainingModule(lightning.LightningModule):
    """Loss and accuracy of a task around a network."""

    def __init__(self, model: PretrainedModel, task: Task, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.task = task
        self.recipe = recipe
        self.train_accuracy = task.metric()
        self.val_accuracy = task.metric()

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Move a batch as it is stored, in half the bytes, and make it float32 there."""
        return batch.to(device, non_blocking=True).float()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """One step: the task's loss."""
        output = self.task.answer(self.model, batch)
        losses = self.task.losses(output, batch)
        self.task.count(self.train_accuracy, output, batch)
        log: dict[str, Any] = {f"train_{name}": value for name, value in losses.items()}
        log["train_accuracy"] = self.train_accuracy
        self._log(log, batch)
        return losses["loss"]

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Loss and accuracy on the split that chooses the epoch."""
        output = self.task.answer(self.model, batch)
        loss = self.task.losses(output, batch)["loss"]
        self.task.count(self.val_accuracy, output, batch)
        self._log({"val_loss": loss, "val_accuracy": self.val_accuracy}, batch)

    def _log(self, values: Mapping[str, Any], batch: Batch) -> None:
        """Note values, of which the epoch's row has the mean over all clips of all processes."""
        weight = cast(int, float(len(batch.labels)))  # of whole numbers Lightning rounds the mean over processes
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=weight, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam, its rate multiplied at milestones (section VI-B of the paper)."""
        recipe = self.recipe
        optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=recipe.precision != "16-mixed",  # there it would scale gradients itself, too late to clip them
        )
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(recipe.milestones), recipe.rate_factor)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


class _KeepBest(Callback):
    """Writes the model whenever an epoch is better on the validation split, and a row per epoch of metrics.csv."""

    def __init__(self, run: Path, progress: Progress, clock: StepClock) -> None:
        self.run = run
        self.progress = progress
        self.clock = clock
        self.best_epoch = 0
        self.best_accuracy: float | None = None
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """State that a resumed run needs."""
        return {"best_epoch": self.best_epoch, "best_accuracy": self.best_accuracy, "rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best_epoch, self.best_accuracy = state_dict["best_epoch"], state_dict["best_accuracy"]
        self.rows = state_dict["rows"]

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Note the epoch; keep it if it is the best."""
        if not trainer.is_global_zero or not isinstance(pl_module, TrainingModule):
            return
        epoch = trainer.current_epoch + 1
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": epoch, **metrics})
        accuracy = metrics.get("val_accuracy")  # None without a validation split: then every epoch beats the one before
        if accuracy is None or self.best_accuracy is None or accuracy > self.best_accuracy:
            self.best_epoch, self.best_accuracy = epoch, accuracy
            pl_module.model.save_pretrained(self.run)
        self._write_csv()
        best = "" if self.best_accuracy is None else f"best {self.best_accuracy:.3f}, "
        self.progress(f"training ({best}{_waiting(self.clock.waiting_share)})", epoch, trainer.max_epochs)

    def _write_csv(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=sorted(self.rows[0], key=lambda name: (name != "epoch", name)))
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.run / "metrics.csv", text.getvalue().encode())


def fit(store: str | Path, run: str | Path, recipe: Recipe, *, progress: Progress = silent) -> FitReport:
    """Train a network on a feature store and leave a run folder; a run that was killed goes on where it stopped.

    Args:
        store: Folder that `dmin extract` made of a data set (with its annotations and splits).
        run: Where the run goes. If it holds a stopped run of the same recipe, that one goes on.
        recipe: Network, task and schedule; sizes and category names are taken from the data.
        progress: Told after every epoch.

    Raises:
        DminError: This machine has no such device.
        DataError: The store lacks annotations, a split, or features; or ``run`` holds a run of another recipe, one with
            more epochs, or one that another process is just training.
    """
    run = Path(run)
    device_of(recipe.device)
    lightning.seed_everything(recipe.seed, verbose=False)
    job = job_of(store, recipe)
    run.mkdir(parents=True, exist_ok=True)
    if recipe.compile:
        job.model.compile()
    module = TrainingModule(job.model, job.task, job.recipe)
    clock = StepClock(run)
    keeper = _KeepBest(run, progress, clock)
    with alone_in(run):
        if is_first():  # alone: what another process is just writing would look like remains
            _check_epochs(run, recipe.epochs)
            write_recipe(run, job.recipe)
            remove_remains(run)
        with _quiet(), _interruptible():
            trainer = _trainer(run, job.recipe, [clock, keeper, RandomState()])
            device, processes = trainer.strategy.root_device, trainer.num_devices
            loading = hold_clips(job.clips, recipe.cache, device, processes, progress)
            _log.info("%s", loading.reason)
            trainer.fit(
                module,
                loading.loader(job.train, recipe.batch_size, EpochOrder(cast(Sized, job.train), recipe.seed)),
                None if job.val is None else loading.loader(job.val, recipe.batch_size),
                ckpt_path=_last_checkpoint(run),
            )
        settings = job.settings_of(run)
        if is_first():
            settings.save(run)
    _log.info("%s", _waiting(clock.waiting_share))
    threshold = settings.threshold if isinstance(settings, LocalizerSettings) else None
    return FitReport(
        run=run,
        best_epoch=keeper.best_epoch,
        validation_accuracy=keeper.best_accuracy,
        epochs=len(keeper.rows),
        parameters=job.model.parameter_count,
        seconds_a_step=clock.median_seconds,
        threshold=threshold,
        waiting_share=clock.waiting_share,
    )


def _waiting(share: float) -> str:
    return f"{share:.0%} of the time waiting for data"


def _check_epochs(run: Path, epochs: int) -> None:
    """Refuse to shorten a run.

    Raises:
        DataError: It has more epochs already.
    """
    path = run / "metrics.csv"
    done = len(path.read_text("utf-8").splitlines()) - 1 if path.is_file() else 0
    if done > epochs:
        raise DataError(f"{run} has {done} epochs already, got epochs {epochs}: ask for more, or choose another --out")


def _trainer(run: Path, recipe: Recipe, callbacks: Sequence[Callback]) -> lightning.Trainer:
    last = ModelCheckpoint(run / "checkpoints", filename="last", save_top_k=1, enable_version_counter=False)
    kind, _, index = recipe.device.partition(":")
    return lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator={"cuda": "gpu"}.get(kind, kind),
        devices=[int(index)] if index else recipe.devices,
        num_nodes=recipe.nodes,
        precision=cast(Any, recipe.precision),
        gradient_clip_val=recipe.gradient_clip or None,
        logger=TensorBoardLogger(run, name="tensorboard", version="") if find_spec("tensorboard") else False,
        callbacks=[*callbacks, last],
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # `dmin.training.order` shares clips among processes
        plugins=[WholeCheckpoints()],
    )


def _last_checkpoint(run: Path) -> Path | None:
    path = run / "checkpoints" / "last.ckpt"
    return path if path.is_file() else None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise a KeyboardInterrupt as Python does.

    Lightning makes an exit of it, or fails to tidy up if loaders were just starting, and ignores Ctrl-C from then on.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except BaseException as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's notes about loader workers and the like out of people's terminals."""
    loggers = [logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning.*")
            warnings.filterwarnings("ignore", module="torch.*", category=UserWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
