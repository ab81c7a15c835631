"""Where networks by name come from: commits of a hub, checksums of folders, licences of cards."""

from __future__ import annotations

import pytest
import timm
import torch
from hub_tiny import save_hf, save_timm, save_tokenizer

from dmin.backbones import card_of, card_that_reads, create, fetch, homes, text_tower
from dmin.backbones.timm_names import home
from dmin.errors import ModelError
from dmin.progress import silent

README = b"---\nlicense: cc-by-nc-4.0\n---\n# A network\n"


@pytest.fixture
def on_hub(hub):
    """The hub; what was asked of others is forgotten."""
    homes._on_the_hub.cache_clear()
    yield hub
    homes._on_the_hub.cache_clear()


def saved(folder, seed=0):
    """The files of a tiny network of timm."""
    network = save_timm("test_resnet", folder)
    torch.manual_seed(seed)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.1)
    timm.models.save_for_hf(network, folder, safe_serialization=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def frames():
    return torch.arange(2 * 20 * 30 * 3).reshape(2, 20, 30, 3).to(torch.uint8)


def test_a_commit_is_the_version_and_is_found_again(on_hub, tmp_path):
    first = on_hub.add("ann/net", saved(tmp_path / "a") | {"README.md": README})
    card = card_of("timm:hf-hub:ann/net", "visual")
    before = create(card.name, "visual", card.version)(frames())
    second = on_hub.add("ann/net", saved(tmp_path / "b", 1) | {"README.md": README})
    homes._on_the_hub.cache_clear()
    moved = card_of("timm:hf-hub:ann/net", "visual")
    assert (card.version, moved.version) == (f"1-{first}", f"1-{second}")
    assert card.licence == "cc-by-nc-4.0"
    assert card.source.startswith("https://huggingface.co/ann/net (weights)")
    torch.testing.assert_close(create(card.name, "visual", card.version)(frames()), before, rtol=0, atol=0)
    assert not torch.allclose(create(card.name, "visual", moved.version)(frames()), before)
    by_revision = card_of(f"timm:hf-hub:ann/net@{first}", "visual")
    assert (by_revision.name, by_revision.version) == (card.name, card.version)


def test_weights_come_when_they_are_wanted_and_nothing_else_does(on_hub, tmp_path):
    on_hub.add("ann/net", saved(tmp_path / "a") | {"README.md": README, "tf_model.h5": b"x", "onnx/model.onnx": b"x"})
    card_of("timm:hf-hub:ann/net", "visual")
    assert not [line for line in on_hub.requests if "model.safetensors" in line]
    steps = []
    fetch("timm:hf-hub:ann/net", lambda *of: steps.append(of))
    assert [line for line in on_hub.requests if "model.safetensors" in line]
    assert not [line for line in on_hub.requests if "tf_model" in line or "onnx" in line]
    assert {step for step, *_ in steps} == {"download timm:hf-hub:ann/net"}


def test_a_plain_name_of_timm_is_a_repository_of_the_hub(on_hub, tmp_path):
    commit = on_hub.add("timm/test_resnet.r160_in1k", saved(tmp_path / "a"))
    assert home("timm:test_resnet").version == home("timm:test_resnet.r160_in1k").version == f"1-{commit}"
    assert create("timm:test_resnet").card.name == "timm:hf-hub:timm/test_resnet.r160_in1k"


@pytest.mark.parametrize("family", ["dinov2", "pe-video"])
def test_a_network_of_transformers_on_the_hub(family, on_hub, tmp_path):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    save_hf(family, tmp_path)
    commit = on_hub.add("ann/eye", {path.name: path.read_bytes() for path in tmp_path.iterdir()})
    backbone = create("hf:ann/eye", "visual")
    assert (backbone.card.version, backbone.card.licence) == (f"1-{commit}", "not stated")
    torch.testing.assert_close(backbone(frames()), create(f"hf:{tmp_path}", "visual")(frames()))


def test_a_network_that_reads_on_the_hub(on_hub, tmp_path):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    save_hf("clip", tmp_path)
    save_tokenizer(tmp_path)
    on_hub.add("ann/reads", {path.name: path.read_bytes() for path in tmp_path.iterdir()} | {"README.md": README})
    card = card_that_reads("hf:ann/reads", "visual")
    assert (card.name, card.licence) == ("hf-text:ann/reads", "cc-by-nc-4.0")
    backbone = create(card.name, "visual", card.version)
    assert not [line for line in on_hub.requests if "tokenizer" in line]  # for who reads
    embedded = text_tower(card).embed(["a dog"])
    assert [line for line in on_hub.requests if "tokenizer.json" in line]
    here = card_that_reads(f"hf:{tmp_path}", "visual")
    torch.testing.assert_close(embedded, text_tower(here).embed(["a dog"]), rtol=0, atol=0)
    torch.testing.assert_close(backbone(frames()), create(here.name, "visual")(frames()), rtol=0, atol=0)


def test_weights_that_are_not_there(on_hub, tmp_path):
    files = saved(tmp_path / "a")
    del files["model.safetensors"]
    on_hub.add("ann/net", files)
    with pytest.raises(ModelError, match="timm:hf-hub:ann/net has no weights that are known here"):
        fetch("timm:hf-hub:ann/net", silent)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:hf-hub:ann/none", "timm:hf-hub:ann/none is no folder here, and the hub has no such repository"),
        ("timm:hf-hub:ann/net@nine", "timm:hf-hub:ann/net is no folder here, and the hub has no revision 'nine' of it"),
    ],
)
def test_what_the_hub_does_not_have(on_hub, name, message, tmp_path):
    on_hub.add("ann/net", saved(tmp_path / "a"))
    with pytest.raises(ModelError, match=message):
        card_of(name, "visual")


def test_a_folder_has_a_checksum_of_what_features_depend_on(tmp_path):
    saved(tmp_path / "a")
    name = f"timm:local-dir:{tmp_path / 'a'}"
    version = card_of(name, "visual").version
    (tmp_path / "a" / "README.md").write_bytes(README.replace(b"cc-by-nc-4.0", b"other\nlicense_name: mine"))
    assert (card_of(name, "visual").version, home(name).licence) == (version, "mine")
    saved(tmp_path / "a", 1)
    assert card_of(name, "visual").version != version
