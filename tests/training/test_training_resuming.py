import json
import multiprocessing
import os
import random
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from filelock import FileLock
from lightning.pytorch.utilities import rank_zero_only

from dmin.errors import DataError
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DCMRConfig
from dmin.training.fit import TrainingModule, fit
from dmin.training.recipe import MatchingRecipe
from dmin.training.resuming import RandomState, alone_in, is_first


@dataclass(frozen=True)
class Moment:
    """When a run kills itself: at a step of training, or as a file is moved to its place."""

    step: int = 0
    """Counted from 1, of all steps of the process."""
    file: str = ""
    time: int = 1
    """How often the file was written by then."""
    after: bool = False
    """As soon as it is in its place, rather than just before."""


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(moment):
    steps, files = [], []
    train, move = TrainingModule.training_step, Path.replace

    def counted_step(module, *batch):
        steps.append(1)
        if len(steps) == moment.step:
            kill()
        return train(module, *batch)

    def counted_move(source, target):
        files.append(Path(target).name)
        due = files[-1] == moment.file and files.count(moment.file) == moment.time
        if due and not moment.after:
            kill()
        moved = move(source, target)
        if due:
            kill()
        return moved

    TrainingModule.training_step, Path.replace = counted_step, counted_move


def train(store, run, recipe, moment):
    torch.set_num_threads(1)
    if moment is not None:
        die_at(moment)
    fit(store, run, recipe)


def in_a_process(store, run, recipe, moment=None):
    """Exit status of a process of its own that trains, and dies at that moment."""
    context = multiprocessing.get_context("forkserver")  # it has imported all that takes long
    context.set_forkserver_preload(["dmin.training.fit", "dmin.training.prepare", "matplotlib.figure"])
    process = context.Process(target=train, args=(store, run, recipe, moment))
    process.start()
    process.join()
    return process.exitcode


def contents(run):
    """All files of a run but those that hold times: Lightning's log and checkpoint, and times.csv."""
    files = [path for path in run.rglob("*") if path.is_file() and "tensorboard" not in path.parts]
    return {
        str(path.relative_to(run)): path.read_bytes() for path in files if path.name not in ("last.ckpt", "times.csv")
    }


@pytest.fixture
def composed_store(tiny_store, tmp_path):
    """The tiny store, described as composed: of a clip without event, nothing is seen or heard."""
    store = tmp_path / "store"
    shutil.copytree(tiny_store, store)
    scripts = []
    for line in (store / "Annotations.txt").read_text().splitlines():
        category, video_id, _, start, end = line.split("&")
        takes = [("Background", 0, int(float(start))), (category, int(float(start)), int(float(end)))]
        takes.append(("Background", takes[-1][2], 6))
        sounds = [{"category": name, "start": begin, "end": stop} for name, begin, stop in takes]
        scripts.append({"id": video_id, "pictures": [{"category": category, "start": 0, "end": 6}], "sounds": sounds})
    (store / "composition.json").write_text(json.dumps({"scripts": scripts}))
    return store


KILLS = [
    Moment(file="train.yaml"),
    Moment(step=2),  # before any checkpoint
    Moment(file="model.safetensors", after=True),
    Moment(file="last.ckpt"),
    Moment(step=4),  # within the second epoch of this process
    Moment(file="metrics.csv"),
    Moment(file="localizer.json"),
]


@pytest.mark.slow
def test_localization_killed_at_many_moments_leaves_what_an_undisturbed_run_leaves(
    composed_store, tiny_recipe, tmp_path
):
    parts = ("encoder", "inter_modality", "visual_attention", "fusion")
    dropouts = {name: replace(getattr(tiny_recipe.model, name), dropout=0.2) for name in parts}
    network = replace(tiny_recipe.model, visual_dropout=0.2, **dropouts)
    recipe = replace(tiny_recipe, model=network, epochs=4, milestones=(1, 3), remix=0.5, false_event_share=0.2)
    assert in_a_process(composed_store, tmp_path / "undisturbed", recipe) == 0
    for moment in KILLS:
        assert in_a_process(composed_store, tmp_path / "killed", recipe, moment) == -signal.SIGKILL, moment
    assert in_a_process(composed_store, tmp_path / "killed", recipe) == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "undisturbed")


@pytest.mark.slow
def test_matching_without_validation_killed_at_many_moments_leaves_what_an_undisturbed_run_leaves(tiny_store, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(tiny_store, store)
    (store / "splits" / "val.txt").unlink()
    network = DCMRConfig(
        width=16,
        encoder=EncoderConfig(layers=1, heads=2, hidden=32, dropout=0.2),
        inter_modality=InterModalityConfig(heads=2, hidden=32, dropout=0.2),
    )
    recipe = MatchingRecipe(model=network, splice=0.5, epochs=4, batch_size=4, milestones=(2,), device="cpu")
    assert in_a_process(store, tmp_path / "undisturbed", recipe) == 0
    for moment in [Moment(step=2), Moment(file="last.ckpt", time=2), Moment(file="model.safetensors", after=True)]:
        assert in_a_process(store, tmp_path / "killed", recipe, moment) == -signal.SIGKILL, moment
    assert in_a_process(store, tmp_path / "killed", recipe) == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "undisturbed")


@pytest.mark.parametrize("kept", [0, 1000])
def test_a_damaged_checkpoint_is_named_in_one_sentence(tiny_store, tiny_recipe, tmp_path, kept):
    fit(tiny_store, tmp_path, replace(tiny_recipe, epochs=1))
    checkpoint = tmp_path / "checkpoints" / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"last.ckpt is damaged, so the run cannot go on: restore the file, or remove"):
        fit(tiny_store, tmp_path, replace(tiny_recipe, epochs=2))


def test_processes_that_train_together_draw_other_numbers_and_the_same_again():
    kept, drawn = RandomState().state_dict(), []
    for rank in (0, 1, 2, 1):
        state = RandomState()
        state.load_state_dict(kept)
        state.on_train_start(SimpleNamespace(global_rank=rank))
        drawn.append(draws())
    for first, *others in zip(*drawn, strict=True):
        assert len({first, *others}) == 3
    assert drawn[1] == drawn[3]


def draws():
    return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002


def test_all_random_generators_go_on_where_they_were():
    kept = RandomState().state_dict()
    expected = draws()
    state = RandomState()
    state.load_state_dict(kept)
    assert draws() != expected
    state.on_train_start(SimpleNamespace(global_rank=0))
    assert draws() == expected
    state.on_train_start(SimpleNamespace(global_rank=0))  # a second run of the same process is left alone
    assert draws() != expected


def test_a_second_run_in_a_folder_is_refused_until_the_first_has_ended(tiny_store, tiny_recipe, tmp_path):
    recipe, run = replace(tiny_recipe, epochs=1), tmp_path / "run"
    run.mkdir()
    with FileLock(run / ".lock"), pytest.raises(DataError, match=f"^another process trains in {run}: wait until it"):
        fit(tiny_store, run, recipe)
    assert [path.name for path in run.iterdir() if path.name != ".lock"] == []
    seen = []

    def again(*step):
        with pytest.raises(DataError, match="another process trains in"), alone_in(run):
            pass
        seen.append(step)

    fit(tiny_store, run, recipe, progress=again)
    assert seen
    with alone_in(run):
        pass


def test_only_the_first_process_of_a_run_holds_its_folder(tmp_path, monkeypatch):
    with alone_in(tmp_path):
        monkeypatch.setattr(rank_zero_only, "rank", 1)
        with alone_in(tmp_path):
            pass


def test_the_first_process_of_another_machine_is_not_the_first(monkeypatch):
    assert is_first()
    monkeypatch.setenv("NODE_RANK", "1")
    assert not is_first()
