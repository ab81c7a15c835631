import pytest
import torch

from dmin.device import device_of
from dmin.errors import DataError, DminError
from dmin.features import extract
from dmin.inference import Localizer
from dmin.training.fit import _trainer, fit
from dmin.training.recipe import LocalizationRecipe


@pytest.fixture
def machine(monkeypatch):
    """Pretends that this machine has some GPUs."""

    def pretend(cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "meant"),
    [
        ("auto", 0, False, "cpu"),
        ("auto", 2, False, "cuda"),
        ("auto", 0, True, "mps"),
        ("cpu", 2, False, "cpu"),
        ("cuda", 1, False, "cuda"),
        ("cuda:1", 2, False, "cuda:1"),
        ("mps", 0, True, "mps"),
    ],
)
def test_a_name_means_a_device_of_this_machine(machine, name, cuda, mps, meant):
    machine(cuda, mps)
    assert device_of(name) == torch.device(meant)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "meta", "cuda1", "", "CPU"])
def test_other_names_are_refused(name):
    with pytest.raises(DminError, match=r"^device is '.*': must be auto, cpu, cuda, cuda:1 \(the second GPU\) or mps$"):
        device_of(name)


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "here"),
    [("cuda", 0, False, "cpu"), ("cuda:2", 2, False, "cuda:0, cuda:1, cpu"), ("mps", 1, False, "cuda:0, cpu")],
)
def test_what_is_not_here_is_told_with_what_is(machine, name, cuda, mps, here):
    machine(cuda, mps)
    with pytest.raises(
        DminError, match=f"^device is '{name}', but this machine has {here}: give one of these, or auto$"
    ):
        device_of(name)


def test_python_refuses_it_before_anything_is_written(machine, tiny_store, tmp_path, tiny_recipe):
    from dataclasses import replace

    machine()
    video = tmp_path / "video.mp4"
    video.write_bytes(b"x")
    calls = {
        "run": lambda: fit(tiny_store, tmp_path / "run", replace(tiny_recipe, device="cuda")),
        "store": lambda: extract(video, tmp_path / "store", device="cuda"),
        "none": lambda: Localizer.from_pretrained(device="cuda"),
    }
    for folder, call in calls.items():
        with pytest.raises(DminError, match="^device is 'cuda', but this machine has cpu"):
            call()
        assert not (tmp_path / folder).exists()


def test_one_device_is_not_several():
    with pytest.raises(DataError, match="device is 'cuda:1', which is one, and devices 2: leave devices out"):
        LocalizationRecipe(device="cuda:1", devices=2)
    for devices in ("auto", 1):
        assert LocalizationRecipe(device="cuda:1", devices=devices).devices == devices


@pytest.mark.parametrize(
    ("device", "accelerator", "devices"),
    [("auto", "auto", 3), ("cpu", "cpu", 3), ("cuda", "gpu", 3), ("cuda:1", "gpu", [1]), ("mps", "mps", 3)],
)
def test_training_runs_there(monkeypatch, tmp_path, device, accelerator, devices):
    given = {}
    monkeypatch.setattr("lightning.Trainer", lambda **options: given.update(options))
    _trainer(tmp_path, LocalizationRecipe(device=device, devices="auto" if ":" in device else 3), [])
    assert (given["accelerator"], given["devices"]) == (accelerator, devices)
