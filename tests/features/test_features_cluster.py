"""A real Ray of two workers on this machine: it does what the pool does, whoever is killed."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from features_fakes import PAIR, DeadlyEye, TinyEar, make_video

from dmin import plugins
from dmin.backbones import registry
from dmin.cli.commands import run
from dmin.errors import DataError, MissingPackageError
from dmin.features import FeatureStore, cluster, extract, ray_connection
from dmin.features.cluster import RayCluster, Room
from dmin.features.workers import Pool, WorkerError
from dmin.results.events import Events

RED, GREEN, BLUE, GREY = (230, 20, 20), (20, 230, 20), (20, 20, 230), (120, 120, 120)


@pytest.fixture(scope="module")
def ray():
    """A Ray as the engine starts it, of two cores, in whose workers this file can be imported."""
    pytest.importorskip("ray.data", reason="the extra ray is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setattr(ray_connection, "cores", lambda: 2)
        with ray_connection.connected(None):
            yield


class Trouble(DeadlyEye):
    """Green kills its process; blue does so once, and red once kills the worker that the process belongs to."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        maps = super().forward(frames)
        red, _, blue = maps[..., :3].mean((0, 1, 2)).tolist()
        for name, seen, process in (("red", red, os.getppid()), ("blue", blue, os.getpid())):
            if seen > 0.7 and not (self.folder / name).exists():
                (self.folder / name).touch()
                os.kill(process, signal.SIGKILL)
                signal.pause()  # until this process is ended, too
        return maps


def contents(store: Path) -> dict[str, tuple[list, dict]]:
    """All that is in a store, by id."""
    opened = FeatureStore.open(store)
    clips = {video_id: opened.read(video_id) for video_id in opened.ids()}
    return {
        video_id: (clip.visual.tolist(), clip.audio.tolist(), clip.duration_seconds, opened.source(video_id))
        for video_id, clip in clips.items()
    }


def index_of(store: Path) -> list[str]:
    return sorted({line for file in (store / "index").iterdir() for line in file.read_text().splitlines()})


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_it_makes_the_same_store_as_the_pool_whoever_is_killed(tmp_path: Path) -> None:
    for name, colour in {"a": GREY, "b": BLUE, "c": RED, "d": GREEN, "e": GREY}.items():
        make_video(tmp_path / "videos" / f"{name}.mp4", [colour, colour])
    (tmp_path / "videos" / "f.mp4").write_text("no video")
    told: list[int] = []
    trouble = {"visual": Trouble(tmp_path), "audio": TinyEar()}
    report = extract(
        tmp_path / "videos", tmp_path / "ray", **trouble, engine=RayCluster(), progress=lambda *at: told.append(at[1])
    )
    assert (tmp_path / "red").exists()
    assert (tmp_path / "blue").exists()
    pooled = extract(tmp_path / "videos", tmp_path / "pool", visual=DeadlyEye(), audio=TinyEar(), engine=Pool(1))
    assert report == pooled
    assert (report.done, len(report.failed)) == (("a", "b", "c", "e"), 2)
    assert told == list(range(7))
    assert contents(tmp_path / "ray") == contents(tmp_path / "pool")
    assert index_of(tmp_path / "ray") == index_of(tmp_path / "pool")


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_the_command_does_what_is_missing_with_a_plugin_of_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry._makers, "_entries", dict(registry._known()))
    monkeypatch.setattr(plugins, "loaded", [])
    monkeypatch.chdir(tmp_path)
    Path("pair.py").write_text(PAIR)
    make_video(Path("videos", "a.mp4"), [RED])
    words = ["extract", "videos", "--out", "store", "--visual", "eye-of-mine", "--audio", "ear-of-mine"]
    words += ["--plugin", "pair.py", "--quiet"]
    assert run(words) == 0
    before = FeatureStore.open("store").path("a").stat()
    make_video(Path("videos", "day", "b.mp4"), [RED, GREY])
    make_video(Path("videos", "c.mp4"), [RED], sound=False)
    capfd.readouterr()
    assert run([*words, "--engine", "ray", "--workers", "1"]) == 1
    out, err = capfd.readouterr()
    assert out == "1 extracted, 1 there already, 1 failed -> store\n"
    assert err.startswith("dmin: videos/c.mp4 has no audio stream: to take it as silent, use --missing-audio silence")
    assert FeatureStore.open("store").ids() == ("a", "day/b")
    assert FeatureStore.open("store").path("a").stat() == before


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_it_writes_the_same_answers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        make_video(tmp_path / "videos" / f"{name}.mp4", [RED, GREY], size=64)
    (tmp_path / "videos" / "bad.mp4").write_text("no video")
    told = []
    for engine in ("pool", "ray"):
        words = ["localize", str(tmp_path / "videos"), "--out", str(tmp_path / engine), "--threshold", "0", "--quiet"]
        assert run([*words, "--no-picture", "--engine", engine, "--workers", "1"]) == 1
        out, err = capfd.readouterr()
        told.append((sorted(out.replace(str(tmp_path / engine), "OUT").splitlines()), err))
    assert told[0] == told[1]
    assert "1 of 3 videos failed" in told[0][1]
    for name in ("a", "b"):
        one, other = (Events.from_json(tmp_path / engine / f"{name}.json") for engine in ("pool", "ray"))
        assert [s.relevance for s in one.seconds] == pytest.approx([s.relevance for s in other.seconds], abs=1e-4)
    assert run([*words, "--no-picture", "--engine", "pool"]) == 1
    assert capfd.readouterr().out.count("(there already)") == 2


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A worker without Ray, whose process answers each item with itself and a warning."""

    def result(item: int) -> int:
        if item == 9:
            raise DataError("disk full")
        warnings.warn("odd", stacklevel=1)
        return item

    counts = cluster._Attempts()
    attempts = SimpleNamespace(begin=SimpleNamespace(remote=counts.begin), end=SimpleNamespace(remote=counts.end))
    processes = SimpleNamespace(begin=lambda item: item, result=result)
    monkeypatch.setattr(cluster, "import_ray", lambda: SimpleNamespace(get=lambda answer: answer))
    monkeypatch.setattr(cluster, "Processes", lambda *_: nullcontext(processes))
    worker = cluster._Worker(cluster._Start(print, None, Path.cwd(), (), False), attempts)
    worker.counts = counts
    return worker


def outcome(worker, item: int) -> tuple:
    return pickle.loads(worker({"index": 5, "item": pickle.dumps(item)})["outcome"])


def test_an_item_that_takes_every_worker_along_is_lost(worker) -> None:
    for _ in range(5):
        assert outcome(worker, 7) == (7, ["odd"])
    for _ in range(3):
        worker.counts.begin(5)
    lost, _ = outcome(worker, 7)
    assert str(lost) == "its worker was lost 3 times: perhaps memory ran out; try fewer workers"


def test_errors_are_outcomes_of_a_worker(worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    raised, _ = outcome(worker, 9)
    assert repr(raised.error) == "DataError('disk full')"
    start = cluster._Start(print, None, tmp_path / "gone", (), False)
    raised, _ = outcome(cluster._Worker(start, worker._attempts), 7)
    assert f" has no folder {tmp_path / 'gone'}: all machines of the cluster must see" in str(raised.error)


def machine(cores: float, gpus: float = 0, memory_gb: float = 64) -> dict[str, float]:
    resources = {"CPU": cores, "memory": memory_gb * 1e9}
    return resources | ({"GPU": gpus} if gpus else {})


@pytest.mark.parametrize(
    ("machines", "device", "room"),
    [
        ([machine(2), machine(16)], "auto", Room(18, 0.0)),
        ([machine(16, memory_gb=9)], "auto", Room(4, 0.0)),
        ([machine(32, 1), machine(64)], "auto", Room(8, 0.125)),
        ([machine(32, 1), machine(64)], "cpu", Room(64, 0.0)),
        ([machine(32, 1), machine(64)], "cuda", Room(8, 0.125)),
        ([machine(32, 4), machine(6, 2)], "cuda", Room(18, 0.3333)),
        ([machine(4, 8)], "auto", Room(4, 1.0)),
        ([{"memory": 1e11}, machine(2)], "auto", Room(2, 0.0)),
    ],
)
def test_room_for_workers(machines: list[dict[str, float]], device: str, room: Room) -> None:
    assert Room.of(machines, device) == room


def test_no_room() -> None:
    with pytest.raises(WorkerError, match="no machine of the Ray cluster has a GPU: give auto or cpu"):
        Room.of([machine(8)], "cuda")
    with pytest.raises(WorkerError, match="has room for a worker: a core and 2 GB of memory"):
        Room.of([machine(8, memory_gb=1)], "auto")


def test_a_missing_extra_is_told_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"ray is not installed: run `pip install 'dmin\[ray\]'`"):
        RayCluster()
    (tmp_path / "a.mp4").touch()
    for words in (["extract", "--out", str(tmp_path / "store")], ["localize", "--out", str(tmp_path / "out")]):
        assert run([*words, str(tmp_path / "a.mp4"), "--engine", "ray"]) == 2
        assert "ray is not installed" in capsys.readouterr().err
        assert run([*words, str(tmp_path / "a.mp4"), "--address", "auto"]) == 2
        assert "--address is 'auto', which is that of a Ray cluster: give --engine ray, too" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_nothing_to_do_needs_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "import_ray", lambda: None)
    assert list(RayCluster("nowhere:1").apply(print, [])) == []


def test_an_address_where_nobody_is_is_told_in_seconds() -> None:
    pytest.importorskip("ray.data", reason="the extra ray is not installed")
    import ray

    if ray.is_initialized():
        pytest.skip("this process has a Ray already, which is taken")
    with pytest.raises(WorkerError, match=r"no Ray cluster at '127.0.0.1:9' \(.*refused\): start one by `ray start"):
        list(RayCluster("127.0.0.1:9").apply(print, [1]))
