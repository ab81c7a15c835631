import multiprocessing
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dmin.data.clips import ClipDataset
from dmin.data.splice import SplicedClips
from dmin.errors import DataError
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DCMRConfig
from dmin.training import loading as module
from dmin.training.fit import fit
from dmin.training.loading import Loading, available_bytes, hold_clips
from dmin.training.order import EpochOrder
from dmin.training.prepare import job_of
from dmin.training.recipe import MatchingRecipe

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)


def contents(run: Path) -> dict[str, bytes]:
    """Weights, metrics and settings of a run; the recipe names the cache."""
    return {name: (run / name).read_bytes() for name in ("model.safetensors", "metrics.csv")}


@pytest.fixture
def dropout_recipe(tiny_recipe):
    """Draws random numbers in every step."""
    parts = ("encoder", "inter_modality", "visual_attention", "fusion")
    dropouts = {name: replace(getattr(tiny_recipe.model, name), dropout=0.2) for name in parts}
    return replace(tiny_recipe, model=replace(tiny_recipe.model, visual_dropout=0.2, **dropouts), epochs=2)


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["memory", "device", "auto"])
def test_the_result_is_the_same_wherever_features_are_held(tiny_store, dropout_recipe, tmp_path, cache):
    recipe = replace(dropout_recipe, window_seconds=4)  # windows, overlapping ones too
    for name in ("none", cache):
        fit(tiny_store, tmp_path / name, replace(recipe, cache=name))
    assert contents(tmp_path / cache) == contents(tmp_path / "none")


@pytest.mark.slow
def test_a_run_goes_on_with_another_cache(tiny_store, dropout_recipe, tmp_path):
    fit(tiny_store, tmp_path / "whole", replace(dropout_recipe, cache="memory"))
    for epochs, cache in ((1, "none"), (2, "memory")):
        fit(tiny_store, tmp_path / "parts", replace(dropout_recipe, epochs=epochs, cache=cache))
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_clips_that_are_drawn_anew_are_the_same_too(tiny_store, tmp_path):
    network = DCMRConfig(
        width=16,
        encoder=EncoderConfig(layers=1, heads=2, hidden=32, dropout=0.2),
        inter_modality=InterModalityConfig(heads=2, hidden=32, dropout=0.2),
    )
    recipe = MatchingRecipe(model=network, splice=0.5, epochs=2, batch_size=4, milestones=(), device="cpu")
    for cache in ("none", "memory"):
        fit(tiny_store, tmp_path / cache, replace(recipe, cache=cache))
    assert contents(tmp_path / "memory") == contents(tmp_path / "none")


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes are free, by the kind of device."""
    there = {}
    monkeypatch.setattr(module, "available_bytes", lambda device, processes: there[device.type] / processes)
    return there


@pytest.mark.parametrize(
    ("cache", "device", "memory", "gpu", "place"),
    [
        ("auto", CPU, 200, None, CPU),
        ("auto", CPU, 199, None, None),
        ("auto", GPU, 200, 400, GPU),
        ("auto", GPU, 200, 399, CPU),
        ("auto", GPU, 199, 399, None),
        ("memory", GPU, 100, 10**6, CPU),
        ("device", GPU, 0, 100, GPU),
        ("device", CPU, 100, None, CPU),
        ("none", GPU, 10**6, 10**6, None),
    ],
)
def test_features_are_held_where_they_fit(free, cache, device, memory, gpu, place):
    free |= {"cpu": memory, "cuda": gpu}
    decision = Loading.of(100, cache, device)
    assert decision.held_on == place
    assert decision.reason.startswith("features (0.0 MB) are read ")
    assert ("held" in decision.reason) == (place is not None)


@pytest.mark.parametrize(("cache", "words"), [("memory", "in memory"), ("device", "on cuda:1")])
def test_what_is_asked_for_and_does_not_fit_is_refused(free, cache, words):
    free |= {"cpu": 3e9, "cuda": 3e9}
    with pytest.raises(
        DataError, match=f"^cache is '{cache}', but the features take 4.0 GB and 3.0 GB are free {words}: choose auto"
    ):
        Loading.of(4 * 10**9, cache, GPU)


def test_memory_is_divided_among_the_processes_of_a_machine(free):
    free |= {"cpu": 400}
    assert [Loading.of(size, "auto", CPU, processes=2).held_on for size in (100, 101)] == [CPU, None]


def test_unknown_caches_are_named(tiny_recipe):
    with pytest.raises(DataError, match="unknown cache 'memroy'.* did you mean 'memory'"):
        replace(tiny_recipe, cache="memroy")


def test_containers_have_less(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CGROUP", tmp_path)
    monkeypatch.setattr(module, "_available_on_machine", lambda: 10_000)
    assert available_bytes(CPU) == 10_000
    for name, text in {"max": "6000\n", "current": "5000\n", "stat": "anon 1\ninactive_file 3000\n"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    assert available_bytes(CPU) == 4000
    assert available_bytes(CPU, processes=4) == 1000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(CPU) == 10_000


def test_this_machine_has_memory():
    assert 10**6 < available_bytes(CPU) < 10**15


def test_workers_read_files_alone_and_only_what_is_not_drawn(tiny_store, monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 8)
    clips = ClipDataset(tiny_store, "train")
    files, shared, memory = Loading(None, "", CPU, 1), Loading(None, "", CPU, 2), Loading(CPU, "", CPU, 1)
    loaders = [loading.loader(clips, 8) for loading in (files, shared, memory)]
    loaders.append(files.loader(SplicedClips(clips, 0.5, "visual"), 8))
    assert [loader.num_workers for loader in loaders] == [4, 2, 0, 0]
    assert loaders[0].multiprocessing_context == multiprocessing.get_context("spawn")
    monkeypatch.setattr(module, "cores", lambda: 1000)
    assert files.loader(clips, 8).num_workers == 8


class Masked(ClipDataset):
    """Labels are 1 where Ctrl-C does not reach the process, else 0."""

    def labels_of(self, window):
        held = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        return np.full(window.stop - window.start, held, np.int64)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system cannot hold signals")
def test_an_interrupt_reaches_this_process_alone(tiny_store):
    batches = Loading(None, "", CPU, 1).loader(Masked(tiny_store, "train"), 8)
    assert all(batch.labels.all() for batch in batches)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize(
    ("place", "device", "pinned"), [(None, GPU, True), (CPU, GPU, True), (GPU, GPU, False), (None, CPU, False)]
)
def test_batches_are_pinned_for_a_gpu_unless_they_are_there(tiny_store, place, device, pinned):
    assert Loading(place, "", device, 1).loader(ClipDataset(tiny_store, "train"), 8).pin_memory == pinned


def test_batches_come_in_the_order_given(tiny_store, tiny_recipe):
    job = job_of(tiny_store, tiny_recipe)
    decision = hold_clips(job.clips, "memory", CPU)
    order = EpochOrder(job.train, seed=3)
    batches = list(decision.loader(job.train, 8, order))
    assert [window for batch in batches for window in batch.windows] == [job.train.windows[index] for index in order]
    assert [batch.visual.dtype for batch in batches] == [torch.float16] * 2
    assert [clips._features is clips.store for clips in job.clips] == [False, False]
