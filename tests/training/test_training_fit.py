import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import lightning
import pytest
import torch
import yaml
from torch import nn

from dmin.data.clips import collate
from dmin.errors import DataError
from dmin.models import DMIN
from dmin.training import fit as training
from dmin.training.clock import StepClock
from dmin.training.fit import TrainingModule, _KeepBest, fit
from dmin.training.prepare import job_of


@pytest.mark.slow
def test_a_run_learns_and_leaves_everything_that_inference_needs(tiny_run):
    for name in ("model.safetensors", "config.json", "localizer.json", "train.yaml", "metrics.csv"):
        assert (tiny_run / name).is_file(), name
    assert json.loads((tiny_run / "localizer.json").read_text())["threshold"] == 0.5
    rows = (tiny_run / "metrics.csv").read_text().splitlines()
    assert len(rows) == 41
    best = max(float(row.split(",")[rows[0].split(",").index("val_accuracy")]) for row in rows[1:])
    assert best >= 0.9
    assert DMIN.from_pretrained(tiny_run).config.category_names == ("Bell", "Dog", "Rain")


@pytest.mark.slow
def test_a_stopped_run_goes_on_where_it_was(tiny_store, tiny_recipe, tmp_path):
    first = fit(tiny_store, tmp_path / "run", replace(tiny_recipe, epochs=2))
    epochs = []
    second = fit(
        tiny_store,
        tmp_path / "run",
        replace(tiny_recipe, epochs=4),
        progress=lambda step, done, total: epochs.append(done) if step.startswith("training") else None,
    )
    assert (first.epochs, second.epochs, epochs) == (2, 4, [3, 4])


def test_a_run_of_another_recipe_is_not_mixed_in(tiny_store, tiny_recipe, tmp_path):
    (tmp_path / "train.yaml").write_text(yaml.safe_dump({"batch_size": 99}))
    with pytest.raises(DataError, match="holds a run of another recipe"):
        fit(tiny_store, tmp_path, tiny_recipe)


def test_without_validation_split_the_last_epoch_is_kept_with_a_warning(tiny_store, tiny_recipe, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(tiny_store, store)
    (store / "splits" / "val.txt").unlink()
    with pytest.warns(UserWarning, match="no validation split: the last epoch is kept, unchecked"):
        report = fit(store, tmp_path / "run", replace(tiny_recipe, epochs=2, threshold=0.7))
    assert (report.best_epoch, report.validation_accuracy, report.threshold) == (2, None, 0.7)
    with pytest.raises(DataError, match="no threshold can be calibrated: add splits/val.txt"):
        fit(store, tmp_path / "other", replace(tiny_recipe, epochs=1, false_event_share=0.05))


class Recorder(lightning.Callback):
    """Notes the rate of each epoch and the gradient's norm at each step, after clipping."""

    def __init__(self):
        self.rates, self.norms = [], []

    def on_train_epoch_start(self, trainer, pl_module):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(self, trainer, pl_module, *of_lightning):
        gradients = [weight.grad for weight in pl_module.parameters() if weight.grad is not None]
        self.norms.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))


@pytest.fixture
def recorder(monkeypatch):
    """Sits beside the callbacks of `fit`."""
    recorder, made = Recorder(), training._trainer
    monkeypatch.setattr(training, "_trainer", lambda run, recipe, callbacks: made(run, recipe, [*callbacks, recorder]))
    return recorder


def test_the_rate_falls_at_the_milestones_and_gradients_are_clipped(tiny_store, tiny_recipe, tmp_path, recorder):
    recipe = replace(
        tiny_recipe, epochs=5, learning_rate=0.008, milestones=(1, 3), rate_factor=0.25, gradient_clip=1e-3
    )
    report = fit(tiny_store, tmp_path / "run", recipe)
    assert recorder.rates == pytest.approx([0.008, 0.002, 0.002, 0.0005, 0.0005])
    assert recorder.norms == pytest.approx([1e-3] * 10, rel=1e-2)
    kept = DMIN.from_pretrained(tmp_path / "run").eval()
    job = job_of(tiny_store, recipe)
    metric = job.task.metric()
    with torch.inference_mode():
        batch = collate([job.val[index] for index in range(len(job.val))])
        job.task.count(metric, job.task.answer(kept, batch), batch)
    assert report.validation_accuracy == pytest.approx(float(metric.compute()))


def test_clipping_can_be_switched_off(tiny_store, tiny_recipe, tmp_path, recorder):
    fit(tiny_store, tmp_path / "run", replace(tiny_recipe, epochs=1, gradient_clip=0.0))
    assert min(recorder.norms) > 0.1


def test_adam_gets_the_rate_and_the_decay_of_the_recipe(tiny_store, tiny_recipe):
    job = job_of(tiny_store, replace(tiny_recipe, learning_rate=0.07, weight_decay=0.03))
    module = TrainingModule(job.model, job.task, job.recipe)
    optimizer = module.configure_optimizers()["optimizer"]
    assert isinstance(optimizer, torch.optim.Adam)
    assert (optimizer.defaults["lr"], optimizer.defaults["weight_decay"]) == (0.07, 0.03)


@pytest.mark.parametrize(("precision", "fused"), [("32-true", True), ("bf16-mixed", True), ("16-mixed", False)])
def test_adam_is_fused_where_gradients_can_be_clipped_before_it(precision, fused, tiny_store, tiny_recipe):
    job = job_of(tiny_store, replace(tiny_recipe, precision=precision))
    optimizer = TrainingModule(job.model, job.task, job.recipe).configure_optimizers()["optimizer"]
    assert optimizer.defaults["fused"] is fused


def test_a_compiled_network_learns_the_same_and_is_kept_as_ever(tiny_store, tiny_recipe, tmp_path, monkeypatch):
    compiled = []

    def compile_by_tracing(network):
        compiled.append(network)
        network._compiled_call_impl = torch.compile(network._call_impl, backend="eager")  # needs no C++ compiler

    monkeypatch.setattr(nn.Module, "compile", compile_by_tracing)
    once = replace(tiny_recipe, epochs=1)
    reports = [fit(tiny_store, tmp_path / name, replace(once, compile=name == "yes")) for name in ("no", "yes")]
    assert len(compiled) == 1
    plain, traced = (DMIN.from_pretrained(report.run).state_dict() for report in reports)
    torch.testing.assert_close(plain, traced, atol=1e-5, rtol=1e-4)


class Saved(nn.Module):
    """Counts how often it is saved."""

    saved = 0

    def save_pretrained(self, run):
        self.saved += 1


def test_the_epoch_is_chosen_by_validation_accuracy(tiny_store, tiny_recipe, tmp_path):
    job = job_of(tiny_store, tiny_recipe)
    module = TrainingModule(job.model, job.task, job.recipe)
    module.model = Saved()
    keeper = _KeepBest(tmp_path, lambda *told: None, StepClock(tmp_path))
    validation, saved = [0.5, 0.7, 0.6, 0.7], []
    for epoch, accuracy in enumerate(validation):
        metrics = {
            "val_accuracy": accuracy,
            "train_accuracy": [0.9, 0.1, 0.2, 1.0][epoch],
            "test_accuracy": [0.1, 0.2, 0.9, 1.0][epoch],
            "val_loss": [0.1, 0.9, 0.8, 0.05][epoch],
            "train_loss": [0.1, 0.9, 0.05, 0.01][epoch],
        }
        trainer = SimpleNamespace(is_global_zero=True, current_epoch=epoch, max_epochs=4, callback_metrics=metrics)
        keeper.on_train_epoch_end(trainer, module)
        saved.append(module.model.saved)
    assert (keeper.best_epoch, keeper.best_accuracy) == (2, 0.7)
    assert saved == [1, 2, 2, 2]


def test_the_epoch_is_chosen_on_the_validation_split(tiny_store, tiny_recipe):
    job = job_of(tiny_store, tiny_recipe)
    names = (tiny_store / "splits" / "val.txt").read_text().split()
    assert [window.video_id for window in job.val.windows] == names


def test_a_run_is_not_shortened(tiny_run, tiny_store, tiny_recipe):
    before = (tiny_run / "train.yaml").read_text()
    with pytest.raises(
        DataError, match=f"^{tiny_run} has 40 epochs already, got epochs 20: ask for more, or choose an"
    ):
        fit(tiny_store, tiny_run, replace(tiny_recipe, epochs=20))
    assert (tiny_run / "train.yaml").read_text() == before


@pytest.mark.parametrize("trouble", [SystemExit(1), RuntimeError("Please call `iter(combined_loader)` first.")])
def test_an_interrupt_stays_one_whatever_lightning_makes_of_it(trouble):
    def interrupted():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise trouble  # noqa: B904  # as Lightning does

    with pytest.raises(KeyboardInterrupt), training._interruptible():
        interrupted()
    with pytest.raises(type(trouble)), training._interruptible():
        raise type(trouble)("of its own")


@pytest.mark.slow
def test_tensorboard_is_written_where_it_is_installed(tiny_store, tiny_recipe, tmp_path, monkeypatch):
    fit(tiny_store, tmp_path / "with", replace(tiny_recipe, epochs=1))
    assert list((tmp_path / "with" / "tensorboard").glob("events*"))
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    fit(tiny_store, tmp_path / "without", replace(tiny_recipe, epochs=1))
    assert not (tmp_path / "without" / "tensorboard").exists()
