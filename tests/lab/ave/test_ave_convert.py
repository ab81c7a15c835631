"""Checkpoints of the released code through `dmin convert`: the same answers; and files that are none."""

from __future__ import annotations

import pickle
import re
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dmin import backbones
from dmin.cli.commands import run
from dmin.data.annotations import categories, read_annotations
from dmin.errors import ModelError
from dmin.features import Settings
from dmin.lab.ave.convert import convert_official, read_checkpoint
from dmin.lab.ave.files import CATEGORIES
from dmin.lab.ave.official import NETWORKS
from dmin.lab.ave.store import RELEASED, RELEASED_VECTORS
from dmin.models import DCMR, DMIN, DMINConfig
from dmin.models.settings import LocalizerSettings, MatcherSettings
from dmin.training.presets import recipe_of
from lab.ave.official_checkpoints import golden, light_state, seeded_inputs, seeded_state
from oracles import dmin as dmin_oracle
from oracles import matching as matching_oracle
from oracles.checks import assert_agree
from oracles.released_dcmr import released_dcmr

USED = {"full": 11_390_778, "weak": 11_391_549, "a2v": 8_219_393, "v2a": 8_219_393}
STORED = {"full": 17_744_890, "weak": 17_745_661, "a2v": 17_744_890, "v2a": 17_744_890}


@pytest.fixture(scope="module", params=NETWORKS)
def converted(request, tmp_path_factory):
    """Network, its seeded weights, and the folder that `dmin convert` makes of their checkpoint."""
    network, folder = request.param, tmp_path_factory.mktemp("converted")
    state = {name: torch.from_numpy(value) for name, value in seeded_state(network).items()}
    checkpoint, out = folder / "weights.pt", folder / "model"
    torch.save({f"module.{name}": value for name, value in state.items()}, checkpoint)
    words = ["convert", "--from", "official", str(checkpoint), "--out", str(out), "--network", f"official-{network}"]
    # The seeded norm has left its start, so what is called a DCMR gets a note; here none is wanted.
    assert run([*words, "--quiet"]) == 0
    checkpoint.unlink()
    yield network, state, out
    (out / "model.safetensors").unlink()


def loaded(network, folder):
    return (DMIN if network in ("full", "weak") else DCMR).from_pretrained(folder)


def test_the_precision_and_the_network_are_the_checkpoints(converted):
    network, _, folder = converted
    model = loaded(network, folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float64}
    preset = recipe_of(f"official-{network}").model
    if network in ("full", "weak"):
        preset = replace(preset, category_names=CATEGORIES)
        assert LocalizerSettings.load(folder) == LocalizerSettings.of(RELEASED, 10, threshold=0.5)
    else:
        assert MatcherSettings.load(folder) == MatcherSettings.of(RELEASED_VECTORS, 10)
    assert model.config == preset


@torch.no_grad()
def test_the_answers_are_the_released_networks(converted):
    network, state, folder = converted
    check = {"full": check_full, "weak": check_weak, "a2v": check_matching, "v2a": check_matching}[network]
    check(loaded(network, folder), state)


def check_full(model, _state):
    answers = golden()
    visual, audio = tensors(seeded_inputs("full", len(answers["labels"])))
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        output = model.to(dtype)(visual.to(dtype), audio.to(dtype), return_attention=True)
        assert_agree(output.relevance_logits, answers["relevance_logits"], tolerance)
        assert_agree(output.category_logits, answers["category_logits"], tolerance)
        assert_agree(output.unimodal_category_logits, answers["unimodal_logits"], tolerance)
        assert_agree(output.attention.spatial, answers["spatial_attention"], tolerance)


def check_weak(model, state):
    visual, audio = tensors(seeded_inputs("weak", 1))
    visual, audio = visual[:, :4, :2, :2], audio[:, :4]  # the literal oracle takes its time
    seen = {}
    for name in ("visual_encoder", "visual_cross", "audio_cross"):
        part = getattr(model, name)
        part.register_forward_hook(lambda _, __, output, name=name: seen.__setitem__(name, output.values))
    output = model(visual, audio)
    literal = dmin_oracle.dmin(model, visual[0].numpy(), audio[0].numpy())
    for name in ("relevance_logits", "category_logits", "unimodal_category_logits"):
        assert_agree(getattr(output, name)[0], literal[name])
    # What differs from full, out of torch's own modules and by the released names: two heads, 29 outputs, four heads.
    attention = nn.MultiheadAttention(256, 2, batch_first=True, dtype=torch.float64)
    attention.load_state_dict(part_of(state, "AVInter.video_multihead"))
    query = seen["audio_cross"] * seen["visual_cross"]
    memory = torch.cat([seen["audio_cross"], seen["visual_cross"]], 1)
    norm = nn.LayerNorm(256, dtype=torch.float64)
    norm.load_state_dict(part_of(state, "AVInter.norm1"))
    fused = norm(query + attention(query, memory, memory)[0])
    heads = {"classifier": output.relevance_logits, "classifier_self": output.unimodal_relevance_logits}
    heads |= {"event_classifier": output.category_logits, "event_self": output.unimodal_category_logits}
    for name, found in heads.items():
        head = part_of(state, f"localize_module.{name}")
        values = seen["visual_encoder"] if name.endswith("_self") else fused
        values = values.amax(1) if name.startswith("event") else values
        assert_agree(found, (values @ head["weight"].T + head["bias"]).squeeze(-1).numpy())
    assert output.category_logits.shape == (1, 29)


def check_matching(model, state):
    direction = model.config.direction
    inputs = seeded_inputs(direction, 2)
    visual, audio = tensors(inputs)
    query = torch.from_numpy(inputs["labels"]).bool()
    found = model(visual, audio, query).segment_logits
    for clip in range(2):
        assert_agree(found[clip], released_dcmr(state, direction, visual[clip], audio[clip], query[clip]).numpy())
    assert_agree(found[0], matching_oracle.dcmr(model, visual[0].numpy(), audio[0].numpy(), query[0].numpy()))
    assert found.std() > 1e-2  # so that wrong weights would show


def tensors(inputs):
    return torch.from_numpy(inputs["visual"]), torch.from_numpy(inputs["audio"])


def part_of(state, prefix):
    return {name.removeprefix(f"{prefix}."): value for name, value in state.items() if name.startswith(f"{prefix}.")}


def saved(folder, state, name="weights.pt"):
    """A checkpoint file; the light states make it small."""
    path = folder / name
    torch.save(state, path)
    return path


def of_released_training(network, **changes):
    """A light state in which AVInter.norm1 stands where training would leave it."""
    state = light_state(network)
    if network in ("a2v", "v2a"):
        state["AVInter.norm1.weight"], state["AVInter.norm1.bias"] = torch.ones(256), torch.zeros(256)
    return state | changes


def test_the_command_says_what_it_made(tmp_path, capsys):
    path = saved(tmp_path, of_released_training("full"))
    assert run(["convert", str(path), "--out", str(tmp_path / "model"), "--preset", "official-full"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    first, parameters, unused, *rest = captured.out.splitlines()
    assert first == "network:    official-full (as given)"
    assert parameters == "parameters: 11,390,778 used of 17,744,890 stored"
    assert unused.startswith("not used:   spatial_channel_att.affine_video_guided_1, ")
    assert rest == [f"-> {tmp_path / 'model'}", f"next: dmin evaluate {tmp_path / 'model'} STORE"]


def test_a_guess_is_a_note_on_the_terminal(tmp_path, capsys):
    path = saved(tmp_path, of_released_training("full"))
    assert run(["convert", str(path), "--out", str(tmp_path / "model")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("network:    official-full (a guess)\n")
    assert f"note: the weights in {path} fit full, a2v and v2a alike" in captured.err
    assert "say which with --network" in captured.err


@pytest.mark.parametrize("wrap", [OrderedDict, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": s}])
def test_wrappers_prefixes_and_shared_memory(tmp_path, wrap):
    state = wrap({f"module.module.{name}": value for name, value in of_released_training("a2v").items()})
    done = convert_official(saved(tmp_path, state, "DCMR-A2V.pth"), tmp_path / "model")
    assert (done.network, done.known_by) == ("a2v", "file name")
    assert (done.used, done.stored) == (USED["a2v"], STORED["a2v"])
    assert {"v_fc", "AVInter", "spatial_channel_att", "localize_module.event_self"} <= set(done.dropped)
    model = DCMR.from_pretrained(tmp_path / "model")
    assert all(bool((parameter == torch.tensor(0.01)).all()) for parameter in model.parameters())


def test_safetensors_too_and_half_precision(tmp_path):
    state = {name: value.half().clone() for name, value in of_released_training("weak").items()}
    save_file(state, tmp_path / "weights.safetensors")
    done = convert_official(tmp_path / "weights.safetensors", tmp_path / "model")
    assert (done.network, done.known_by, done.used, done.stored) == ("weak", "keys", USED["weak"], STORED["weak"])
    assert DMIN.from_pretrained(tmp_path / "model").relevance.weight.dtype == torch.float32


def test_backbones_as_features(tmp_path):
    cards = backbones.cards()
    made_by = Settings.of(cards["vgg19"], cards["vggish"])
    for network, kind in (("full", LocalizerSettings), ("v2a", MatcherSettings)):
        path = saved(tmp_path, of_released_training(network))
        convert_official(path, tmp_path / network, network, features="backbones")
        assert kind.load(tmp_path / network).features == made_by
    with pytest.raises(ModelError, match="unknown features 'backbone': did you mean 'backbones'"):
        convert_official(path, tmp_path / "model", features="backbone")


class TestWhichNetwork:
    """Full, a2v and v2a have the same names and sizes."""

    def test_a_guess_warns(self, tmp_path):
        path = saved(tmp_path, of_released_training("full"))
        with pytest.warns(UserWarning, match="full was taken: say which with --network"):
            assert convert_official(path, tmp_path / "model").known_by == "guess"
        assert isinstance(DMIN.from_pretrained(tmp_path / "model").config, DMINConfig)

    @pytest.mark.parametrize("name", ["weights.pt", "full.pt", "a2v-or-v2a.pt"])
    def test_weights_that_were_never_trained_as_dmin_are_not_guessed(self, tmp_path, name):
        path = saved(tmp_path, of_released_training("a2v"), name)
        with pytest.raises(ModelError, match="no trained full: give --network a2v or --network v2a"):
            convert_official(path, tmp_path / "model")
        assert not (tmp_path / "model").exists()

    def test_what_is_given_is_done(self, tmp_path, recwarn):
        path = saved(tmp_path, of_released_training("v2a"))
        assert convert_official(path, tmp_path / "v2a", "v2a").network == "v2a"
        assert not recwarn
        with pytest.warns(UserWarning, match="so it is no trained full"):
            convert_official(path, tmp_path / "full", "full")
        with pytest.warns(UserWarning, match="was trained, as a2v never does"):
            convert_official(saved(tmp_path, of_released_training("full")), tmp_path / "a2v", "official-a2v")

    def test_parts_without_a_use_may_be_absent(self, tmp_path):
        state = {name: value for name, value in light_state("v2a").items() if not name.startswith("AVInter")}
        assert convert_official(saved(tmp_path, state), tmp_path / "model", "v2a").used == USED["v2a"]

    def test_an_unknown_one(self, tmp_path):
        with pytest.raises(ModelError, match="unknown network 'ful': did you mean 'full'"):
            convert_official(tmp_path / "weights.pt", tmp_path / "model", "official-ful")


def without(state, name):
    return {key: value for key, value in state.items() if key != name}


HEAD = "localize_module.event_classifier.weight"
NORM = "audio_encoder.encoder.layers.1.norm2.bias"


@pytest.mark.parametrize(
    ("state", "network", "message"),
    [
        (without(light_state("full"), HEAD), "full", f"lacks {HEAD}, which the released full has: give the file"),
        (light_state("full") | {"v_fc2.bias": torch.ones(1)}, "full", r"holds v_fc2.bias, which the released full "),
        ({"conv.weight": torch.ones(1), "a": torch.ones(1)}, "a2v", r"holds conv.weight \(and 1 more\), which"),
        (light_state("full") | {HEAD: torch.ones(29, 256)}, "full", rf"{HEAD} is \[29, 256\].* has \[28, 256\]"),
        (light_state("full") | {NORM: torch.ones(256).long()}, "v2a", f"{NORM} is .* of torch.int64"),
        (light_state("full") | {NORM: torch.full([256], torch.nan)}, "full", f"{NORM} holds numbers that are not fin"),
        (light_state("weak") | {NORM: torch.full([256], torch.inf)}, None, f"{NORM} holds numbers that are not fin"),
        (light_state("weak"), "full", "it is not of full but of weak: give --network weak"),
        (light_state("weak"), "a2v", "it is not of a2v but of weak: give --network weak"),
        (light_state("full"), "weak", "it is not of weak: give --network full, a2v or v2a"),
        (light_state("full") | {"module.v_fc.bias": torch.ones(1)}, "full", "holds v_fc.bias twice"),
        (light_state("full") | {"v_fc.bias": 3.0}, "full", r"holds 'v_fc.bias' \(float\), it must hold dense"),
        (light_state("full") | {3: torch.ones(1)}, "full", "holds 3 "),
        (light_state("full") | {NORM: torch.ones(256).to_sparse()}, "full", r"\(torch.sparse_coo on cpu\)"),
        (light_state("full") | {NORM: torch.ones(256, device="meta")}, "full", r"\(torch.strided on meta\)"),
        ([torch.ones(1)], "full", "holds a list, it must hold tensors by name"),
        (torch.ones(1), "full", "holds a Tensor, it must hold tensors by name"),
        ({}, "full", "holds nothing, it must hold tensors by name"),
        ({"state_dict": {"state_dict": {"a": torch.ones(1)}}}, "full", r"holds 'state_dict' \(dict\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:AVInter.norm1")
def test_a_checkpoint_that_is_another(tmp_path, state, network, message):
    path = saved(tmp_path, state)
    with pytest.raises(ModelError, match=message) as caught:
        convert_official(path, tmp_path / "model", network)
    assert str(caught.value).startswith(str(path))
    assert not (tmp_path / "model").exists()


class Runs:
    """A pickle that would do something."""

    def __reduce__(self):
        return Path.touch, (Path("it-ran"),)


class TestFilesThatAreNoCheckpoint:
    """No traceback, and nothing in them runs."""

    @pytest.mark.parametrize("ending", ["pt", "safetensors"])
    @pytest.mark.filterwarnings("error")  # torch's advice on the file's format is for its own developers
    @pytest.mark.parametrize("content", [b"", b"hello, this is a text", b"\x80\x04]\x94.", b"PK\x03\x04", b"\x93NUMPY"])
    def test_other_files(self, tmp_path, content, ending):
        path = tmp_path / f"file.{ending}"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=rf"file.{ending} is no .* or it is cut off: get"):
            read_checkpoint(path)

    @pytest.mark.parametrize("zipped", [True, False])
    def test_cut_off(self, tmp_path, zipped):
        path = tmp_path / "weights.pt"
        torch.save({"a": torch.ones(1000)}, path, _use_new_zipfile_serialization=zipped)
        whole = path.read_bytes()
        for length in range(0, len(whole), max(1, len(whole) // 40)):
            path.write_bytes(whole[:length])
            with pytest.raises(ModelError, match=re.escape(str(path))):
                read_checkpoint(path)

    def test_damaged(self, tmp_path):
        path, generator = tmp_path / "weights.pt", np.random.default_rng(0)
        torch.save({"a": torch.ones(3)}, path, _use_new_zipfile_serialization=False)
        whole, refused = path.read_bytes(), 0
        for place in generator.integers(len(whole), size=100):
            path.write_bytes(whole[:place] + generator.bytes(1) + whole[place + 1 :])
            try:
                read_checkpoint(path)
            except ModelError:
                refused += 1
        assert refused > 50

    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("whole", [nn.Linear(2, 2), nn.DataParallel(nn.Linear(2, 2)), {"model": nn.Linear(2, 2)}])
    def test_a_whole_model(self, tmp_path, whole, zipped, capsys):
        path = tmp_path / "model.pt"
        torch.save(whole, path, _use_new_zipfile_serialization=zipped)
        assert run(["convert", str(path), "--out", str(tmp_path / "out")]) == 1
        err = capsys.readouterr().err
        assert f"dmin: {path} holds Python's torch.nn." in err
        assert "torch.save(model.state_dict(), 'weights.pt')" in err
        assert len(err.splitlines()) == 1

    def test_code_does_not_run(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        torch.save({"a": Runs()}, tmp_path / "zipped.pt")
        (tmp_path / "plain.pt").write_bytes(pickle.dumps(Runs(), protocol=2))
        (tmp_path / "new.pt").write_bytes(pickle.dumps(Runs()))
        for name in ("zipped", "plain", "new"):
            with pytest.raises(ModelError):
                read_checkpoint(tmp_path / f"{name}.pt")
        assert not (tmp_path / "it-ran").exists()

    def test_no_file(self, tmp_path):
        for name in ("missing.pt", "missing.safetensors"):
            with pytest.raises(ModelError, match=f"{name} does not exist: give the file"):
                convert_official(tmp_path / name, tmp_path / "model")
        (tmp_path / "folder.pt").mkdir()
        with pytest.raises(ModelError, match="folder.pt cannot be read"):
            convert_official(tmp_path / "folder.pt", tmp_path / "model")


class TestWhereItGoes:
    def test_again_is_fine_and_another_network_is_not(self, tmp_path):
        path, out = saved(tmp_path, of_released_training("a2v")), tmp_path / "model"
        for _ in range(2):
            convert_official(path, out, "a2v")
        with pytest.raises(ModelError, match="holds another model: give another folder as --out"):
            convert_official(path, out, "v2a")
        assert DCMR.from_pretrained(out).config.direction == "a2v"
        (out / "config.json").unlink()
        with pytest.raises(ModelError, match="holds another model"):
            convert_official(path, out, "a2v")

    def test_a_file(self, tmp_path):
        path = saved(tmp_path, of_released_training("a2v"))
        with pytest.raises(ModelError, match="weights.pt is a file: give a folder as --out"):
            convert_official(path, path, "a2v")


def test_the_categories_are_aves(shared):
    assert categories(read_annotations(shared / "ave" / "Annotations.txt")) == CATEGORIES
    assert len(set(CATEGORIES)) == 28
