import csv
from dataclasses import replace
from types import SimpleNamespace

import pytest

from dmin.training import clock as clocks
from dmin.training.clock import EpochTimes, StepClock
from dmin.training.fit import fit


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """A clock whose time is moved by the tests: `clock.now`."""
    clock = StepClock(tmp_path)
    clock.now = 100.0
    monkeypatch.setattr(clocks.time, "perf_counter", lambda: clock.now)
    return clock


def train(clock, epoch, waits, steps):
    """An epoch whose batches come after these waits and take these steps; validation takes 50 s more."""
    clock.on_train_epoch_start()
    for wait, step in zip(waits, steps, strict=True):
        clock.now += wait
        clock.on_train_batch_start()
        clock.now += step
        clock.on_train_batch_end()
    clock.now += 50
    clock.on_train_epoch_end(SimpleNamespace(current_epoch=epoch, is_global_zero=True))


def test_steps_and_waits_are_told_apart(clock):
    train(clock, 0, waits=[1, 2], steps=[3, 6])
    train(clock, 1, waits=[0, 0, 0], steps=[4, 4, 4])
    assert clock.epochs == [EpochTimes(1, 9, 3), EpochTimes(2, 12, 0)]
    assert [times.waiting_share for times in clock.epochs] == [0.25, 0]
    assert clock.waiting_share == 3 / 24
    assert clock.median_seconds == 4
    rows = list(csv.DictReader((clock.run / "times.csv").open()))
    assert rows == [
        {"epoch": "1", "step_seconds": "9.0000", "waiting_seconds": "3.0000", "waiting_share": "0.2500"},
        {"epoch": "2", "step_seconds": "12.0000", "waiting_seconds": "0.0000", "waiting_share": "0.0000"},
    ]


def test_a_resumed_clock_goes_on(clock, tmp_path):
    train(clock, 0, waits=[1], steps=[3])
    other = StepClock(tmp_path)
    other.load_state_dict(clock.state_dict())
    assert (other.epochs, other.seconds) == (clock.epochs, clock.seconds)
    assert StepClock(tmp_path).waiting_share == StepClock(tmp_path).median_seconds == 0


def test_a_run_tells_its_share_of_waiting(tiny_store, tiny_recipe, tmp_path, caplog):
    steps = []
    with caplog.at_level("INFO", logger="dmin"):
        report = fit(tiny_store, tmp_path / "run", replace(tiny_recipe, epochs=2), progress=lambda *s: steps.append(s))
    assert 0 < report.waiting_share < 1
    rows = list(csv.DictReader((tmp_path / "run" / "times.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    waiting, working = (sum(float(row[f"{name}_seconds"]) for row in rows) for name in ("waiting", "step"))
    assert waiting / (waiting + working) == pytest.approx(report.waiting_share, abs=1e-2)
    last, done, total = steps[-1]
    assert (done, total) == (2, 2)
    assert last.endswith(f"{report.waiting_share:.0%} of the time waiting for data)")
    assert caplog.messages[-1] == f"{report.waiting_share:.0%} of the time waiting for data"
