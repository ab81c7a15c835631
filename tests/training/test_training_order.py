"""Shares of clips, and that two processes train as one does."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from dmin.data.folder import write_split
from dmin.training import order as module
from dmin.training.fit import fit
from dmin.training.order import EpochOrder, SharedBatches
from dmin.training.recipe import write_recipe

SCRIPT = """
import os, sys
from pathlib import Path
from dmin.cli import main

move = Path.replace

def noted(source, target):
    with open(os.environ["MOVED"], "a") as log:
        log.write(f"{os.environ.get('LOCAL_RANK', '0')} {Path(target).name}\\n")
    return move(source, target)

Path.replace = noted
main()
"""


def test_the_order_of_clips_differs_by_epoch_and_seed_and_is_drawn_again_alike():
    order = EpochOrder(range(20), seed=1)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert second != list(EpochOrder(range(20), seed=2))  # no seed repeats another one's epochs
    assert first == list(EpochOrder(range(20), seed=1))


def shares(make, processes, monkeypatch):
    """The items that each process takes; as many as it says."""
    taken = []
    for rank in range(processes):
        monkeypatch.setattr(module, "_place", lambda rank=rank: (rank, processes))
        taken.append(list(sampler := make()))
        assert len(sampler) == len(taken[-1])
    return taken


@pytest.mark.parametrize(("clips", "processes"), [(12, 2), (13, 2), (13, 4), (1, 3)])
def test_processes_share_the_order_and_have_equally_many_clips(clips, processes, monkeypatch):
    whole = list(EpochOrder(range(clips), seed=1))
    taken = shares(lambda: EpochOrder(range(clips), seed=1), processes, monkeypatch)
    assert len({len(share) for share in taken}) == 1
    together = [clip for clips_of_all in zip(*taken, strict=True) for clip in clips_of_all]
    assert together[:clips] == whole
    assert together[clips:] == (whole * processes)[: len(together) - clips]


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("batch_size", [1, 2, 8])
@pytest.mark.parametrize("clips", [5, 16, 17, 19, 33])
def test_processes_validate_each_clip_once_in_equally_many_batches(clips, batch_size, processes, monkeypatch):
    taken = shares(lambda: SharedBatches(range(clips), batch_size), processes, monkeypatch)
    assert sorted(clip for batches in taken for batch in batches for clip in batch) == list(range(clips))
    assert len({len(batches) for batches in taken}) == 1
    assert all(1 <= len(batch) <= max(batch_size, 2) for batches in taken for batch in batches)
    if processes == 1:
        assert [len(batch) for batch in taken[0][:-1]] == [batch_size] * (len(taken[0]) - 1)


def test_fewer_clips_than_processes_are_validated_by_all(monkeypatch):
    assert shares(lambda: SharedBatches(range(2), 8), 3, monkeypatch) == [[[0, 1]]] * 3


def rows(run):
    with (run / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_two_processes_train_as_one_does_and_write_each_file_once(tiny_store, tiny_recipe, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(tiny_store, store)
    # All clips have an event: the loss is a mean over those that have one, of each process.
    write_split(store / "splits" / "train.txt", [f"clip{i:02d}" for i in range(16) if i % 4 != 3])
    (store / "splits" / "test.txt").unlink()
    write_split(store / "splits" / "val.txt", [f"clip{i}" for i in (16, 17, 18, 20, 21)])
    recipe = replace(tiny_recipe, epochs=8, batch_size=12)
    fit(store, tmp_path / "one", recipe)
    write_recipe(tmp_path, replace(recipe, batch_size=6, devices=2))
    (tmp_path / "train.py").write_text(SCRIPT)
    words = ["train", str(store), "--config", str(tmp_path / "train.yaml"), "--out", str(tmp_path / "two")]
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MOVED": str(tmp_path / "moved.txt")}
    command = [sys.executable, str(tmp_path / "train.py"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" -> ") == 1
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert len({row["val_accuracy"] for row in one}) > 2
    for alone, together in zip(one, two, strict=True):
        assert together == pytest.approx(alone, rel=1e-3)
        assert together["val_accuracy"] == alone["val_accuracy"]
    moved = (tmp_path / "moved.txt").read_text().splitlines()
    assert {line.split()[0] for line in moved} == {"0"}
    assert moved.count("0 train.yaml") == moved.count("0 localizer.json") == 1
    assert moved.count("0 metrics.csv") == moved.count("0 times.csv") == moved.count("0 last.ckpt") == 8
    one, two = ({path.name for path in (tmp_path / run).rglob("*")} for run in ("one", "two"))
    assert {name for name in one ^ two if "tfevents" not in name} == {"curves.png"}
