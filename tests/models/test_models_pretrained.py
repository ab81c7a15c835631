from __future__ import annotations

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from dmin.errors import ModelError
from dmin.layers import EncoderConfig, InterModalityConfig, VisualAttentionConfig
from dmin.models import DMIN, DMINConfig

TINY = DMINConfig(
    category_names=("Dog", "Baby cry, infant cry", "Möwe"),
    visual_size=5,
    audio_size=3,
    visual_width=None,
    width=4,
    encoder=EncoderConfig(hidden=5),
    inter_modality=InterModalityConfig(hidden=5, mean_pairs=True),
    visual_attention=VisualAttentionConfig(size=4, bottleneck=3, factors=2, lstm_layers=2, channel_residual=True),
)


@pytest.fixture
def saved(tmp_path):
    DMIN(TINY).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_there_and_back(tmp_path, capsys):
    model = DMIN(TINY)
    model.save_pretrained(tmp_path)
    restored = DMIN.from_pretrained(tmp_path)
    assert restored.config == TINY
    assert isinstance(restored.config.category_names, tuple)
    assert not restored.training
    visual, audio = torch.rand(1, 3, 2, 2, 5), torch.rand(1, 3, 3)
    assert torch.equal(restored(visual, audio).category_logits, model.eval()(visual, audio).category_logits)
    assert capsys.readouterr() == ("", "")


def test_the_folder_holds_readable_files_and_no_leftovers(saved):
    assert sorted(path.name for path in saved.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    config = json.loads((saved / "config.json").read_text("utf-8"))
    assert config["model"] == "DMIN"
    assert config["category_names"] == ["Dog", "Baby cry, infant cry", "Möwe"]
    assert config["width"] == 4
    assert load_file(saved / "model.safetensors").keys() == DMIN(TINY).state_dict().keys()


def test_the_model_card_says_what_is_known(saved):
    card = (saved / "README.md").read_text()
    assert "library_name: dmin" in card
    assert re.search(r"- \*\*Network\*\*: DMIN, [\d,]+ parameters", card)
    assert "More Information" not in card


def test_a_model_card_of_ones_own_stays(saved):
    (saved / "README.md").write_text("mine")
    model = DMIN(TINY)
    model.save_pretrained(saved)
    assert (saved / "README.md").read_text() == "mine"
    assert torch.equal(DMIN.from_pretrained(saved).category.weight, model.category.weight)


def test_a_save_that_fails_leaves_the_old_model(saved, monkeypatch):
    before = (saved / "model.safetensors").read_bytes()

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("huggingface_hub.PyTorchModelHubMixin._save_pretrained", full)
    with pytest.raises(OSError, match="No space left"):
        DMIN(TINY).save_pretrained(saved)
    assert (saved / "model.safetensors").read_bytes() == before
    assert DMIN.from_pretrained(saved).config == TINY
    assert len(list(saved.iterdir())) == 3


def test_weights_in_half_precision_are_loaded_as_float32(saved):
    weights = saved / "model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(weights).items()}, weights)
    assert DMIN.from_pretrained(saved).category.weight.dtype == torch.float32


def test_nothing_there(tmp_path):
    with pytest.raises(ModelError, match=r"no config.json in .*: give a folder that `dmin train` or save_pretrained"):
        DMIN.from_pretrained(tmp_path)
    for name in (tmp_path / "missing", "a/b/c", "../runs/dog"):
        with pytest.raises(ModelError, match=r"no model .*: give a folder .* or a repository id"):
            DMIN.from_pretrained(name)


def test_a_file_instead_of_a_folder(saved):
    with pytest.raises(ModelError, match=r"no model '.*model.safetensors'"):
        DMIN.from_pretrained(saved / "model.safetensors")


def test_the_hub_cannot_give_it(tmp_path):
    options = {"local_files_only": True, "cache_dir": tmp_path}
    with pytest.raises(ModelError, match="is no folder here, and it is not in the cache.*local_files_only"):
        DMIN.from_pretrained("nobody/nothing", **options)


def test_missing_weights(saved):
    (saved / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no model.safetensors in "):
        DMIN.from_pretrained(saved)


def test_damaged_weights(saved):
    (saved / "model.safetensors").write_bytes(b"not at all")
    with pytest.raises(ModelError, match=r"does not hold the weights of the network in config.json"):
        DMIN.from_pretrained(saved)


def test_weights_of_other_shapes(saved):
    change_config(saved, width=8)
    with pytest.raises(ModelError, match=r"does not hold the weights of the network in config.json \(.*size mismatch"):
        DMIN.from_pretrained(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "DCMR"}, "is not the configuration of a DMIN"),
        ({"widht": 8}, "unknown option 'widht': did you mean 'width'.*; a newer dmin may know it"),
        ({"width": "wide"}, "does not fit DMINConfig"),
        ({"width": 3}, r"width is 3 and encoder.heads 4"),
        ({"encoder": {"layer": 1}}, "EncoderConfig: unknown option 'layer': did you mean 'layers'"),
        ({"inter_modality": "dima"}, "was written by dmin 0.1.0.*make it anew with `dmin train"),
    ],
)
def test_configurations_that_do_not_fit(saved, changes, message):
    change_config(saved, **changes)
    with pytest.raises(ModelError, match=message):
        DMIN.from_pretrained(saved)


def test_a_damaged_configuration(saved):
    (saved / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config.json cannot be read"):
        DMIN.from_pretrained(saved)
