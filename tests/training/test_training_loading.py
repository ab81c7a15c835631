import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dmin.data.clips import ClipDataset
from dmin.data.splice import SplicedClips
from dmin.errors import DataError
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DCMRConfig
from dmin.training import loading as module
from dmin.training.fit import fit
from dmin.training.loading import Loading, available_bytes, hold_clips, training_device
from dmin.training.prepare import job_of
from dmin.training.recipe import MatchingRecipe
from dmin.training.resuming import EpochOrder

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
    """Sets how many bytes are free, by the kind of device; and lets this machine have two GPUs."""
    there = {}

    def available(device, processes=1):
        return there[device.type] / processes

    monkeypatch.setattr(module, "available_bytes", available)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    return there


@pytest.mark.parametrize(
    ("cache", "device", "memory", "gpu", "place"),
    [
        ("auto", "cpu", 200, None, CPU),
        ("auto", "cpu", 199, None, None),
        ("auto", "cuda:1", 200, 400, GPU),
        ("auto", "cuda:1", 200, 399, CPU),
        ("auto", "cuda:1", 199, 399, None),
        ("memory", "cuda:1", 100, 10**6, CPU),
        ("device", "cuda:1", 0, 100, GPU),
        ("device", "cpu", 100, None, CPU),
        ("none", "cuda:1", 10**6, 10**6, None),
    ],
)
def test_features_are_held_where_they_fit(tiny_recipe, free, cache, device, memory, gpu, place):
    free |= {"cpu": memory, "cuda": gpu}
    decision = Loading.of(100, replace(tiny_recipe, cache=cache, device=device))
    assert decision.held_on == place
    assert decision.reason.startswith("features (0.0 MB) are read ")
    assert ("held" in decision.reason) == (place is not None)


@pytest.mark.parametrize(("cache", "words"), [("memory", "in memory"), ("device", "on cuda:1")])
def test_what_is_asked_for_and_does_not_fit_is_refused(tiny_recipe, free, cache, words):
    free |= {"cpu": 3e9, "cuda": 3e9}
    with pytest.raises(
        DataError, match=f"^cache is '{cache}', but the features take 4.0 GB and 3.0 GB are free {words}: choose auto"
    ):
        Loading.of(4 * 10**9, replace(tiny_recipe, cache=cache, device="cuda:1"))


def test_memory_is_divided_among_the_processes_of_a_machine(tiny_recipe, free):
    free |= {"cpu": 400, "cuda": 0}
    assert Loading.of(100, replace(tiny_recipe, device="cuda")).held_on == CPU  # on each of two GPUs
    assert Loading.of(101, replace(tiny_recipe, device="cuda")).held_on is None
    assert Loading.of(100, replace(tiny_recipe, devices=3)).held_on is None


def test_each_process_holds_features_on_its_own_gpu(tiny_recipe, free, monkeypatch):
    recipe = replace(tiny_recipe, device="cuda")
    assert training_device(recipe) == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert training_device(recipe) == torch.device("cuda", 1)
    assert training_device(replace(recipe, device="cuda:0")) == torch.device("cuda", 0)


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


def test_workers_read_files_alone_and_only_what_is_not_drawn(tiny_store, tiny_recipe, monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 8)
    clips = ClipDataset(tiny_store, "train")
    files, memory = Loading(None, ""), Loading(CPU, "")
    loaders = [files.loader(clips, tiny_recipe), memory.loader(clips, tiny_recipe)]
    loaders.append(files.loader(SplicedClips(clips, 0.5, "visual"), tiny_recipe))
    assert [loader.num_workers for loader in loaders] == [4, 0, 0]
    assert loaders[0].multiprocessing_context == multiprocessing.get_context("spawn")
    monkeypatch.setattr(module, "cores", lambda: 1000)
    assert files.loader(clips, tiny_recipe).num_workers == 8


@pytest.mark.parametrize(("place", "pinned"), [(None, True), (CPU, True), (GPU, False)])
def test_batches_are_pinned_for_a_gpu_unless_they_are_there(tiny_store, tiny_recipe, free, place, pinned):
    clips = ClipDataset(tiny_store, "train")
    assert Loading(place, "").loader(clips, replace(tiny_recipe, device="cuda")).pin_memory == pinned
    assert not Loading(None, "").loader(clips, tiny_recipe).pin_memory


def test_batches_come_in_the_order_given(tiny_store, tiny_recipe):
    job = job_of(tiny_store, replace(tiny_recipe, cache="memory"))
    decision = hold_clips(job.clips, job.recipe)
    order = EpochOrder(job.train, seed=3)
    batches = list(decision.loader(job.train, job.recipe, order))
    assert [window for batch in batches for window in batch.windows] == [job.train.windows[index] for index in order]
    assert [batch.visual.dtype for batch in batches] == [torch.float16] * 2
    assert [clips._features is clips.store for clips in job.clips] == [False, False]
