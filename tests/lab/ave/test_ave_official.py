"""Our network with the released network's weights gives the released network's answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dmin.lab.ave.convert import released_network
from dmin.lab.ave.official import NETWORKS, idle_part, released_name
from lab.ave.official_checkpoints import golden, light_state, seeded_inputs, seeded_state


@pytest.fixture(scope="module")
def official():
    """Weights, inputs and answers of the released full network, drawn again from its seed."""
    answers, state = golden(), seeded_state("full")
    sums = [np.abs(value).sum() for value in state.values()]
    np.testing.assert_allclose(sums, answers["weights_abs_sum"])
    return state, seeded_inputs("full", len(answers["labels"])), answers


def network(state):
    model = released_network("full").double().eval()
    model.load_state_dict({name: torch.from_numpy(state[released_name(name)]) for name in model.state_dict()})
    return model


def answers(model, visual, audio):
    """Logits, maps and what flows between the modules, by the golden file's names."""
    seen = {}

    def note(name, of=lambda output: output):
        return lambda module, arguments, output: seen.__setitem__(name, of(output))

    model.agta.channel.excite.register_forward_hook(note("channel_attention_logits"))
    model.agta.register_forward_hook(note("v_agta", lambda output: output.values))
    for name, module in {
        "v_self": model.visual_encoder,
        "a_self": model.audio_encoder,
        "v_cross": model.visual_cross,
        "a_cross": model.audio_cross,
    }.items():
        module.register_forward_hook(note(name, lambda output: output.values))
    model.fusion.register_forward_hook(note("fused"))
    output = model(visual, audio, return_attention=True)
    return seen | {
        "relevance_logits": output.relevance_logits,
        "category_logits": output.category_logits,
        "unimodal_logits": output.unimodal_category_logits,
        "spatial_attention": output.attention.spatial,
    }


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_every_answer_agrees(official, dtype, tolerance):
    state, inputs, golden = official
    visual, audio = (torch.from_numpy(inputs[name]).to(dtype) for name in ("visual", "audio"))
    with torch.no_grad():
        found = answers(network(state).to(dtype), visual, audio)
    assert len(found) == 11
    for name, value in found.items():
        np.testing.assert_allclose(value.numpy(), golden[name], rtol=0, atol=tolerance, err_msg=name)


def test_the_gradient_agrees(official):
    state, inputs, golden = official
    model = network(state)
    output = model(torch.from_numpy(inputs["visual"]), torch.from_numpy(inputs["audio"]))
    labels = torch.from_numpy(golden["labels"])  # [3, 10, 29], one-hot, background last
    category = labels[..., :28].amax(1).argmax(-1)
    loss = F.binary_cross_entropy_with_logits(output.relevance_logits, 1 - labels[..., 28])
    loss = loss + 0.9 * F.cross_entropy(output.category_logits, category)
    loss = loss + 0.1 * F.cross_entropy(output.unimodal_category_logits, category)
    loss.backward()
    norm = torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm()
    assert loss.item() == pytest.approx(float(golden["loss"]), rel=1e-9)
    assert norm.item() == pytest.approx(float(golden["gradient_norm"]), rel=1e-9)


def test_what_runs_and_what_is_only_stored(official):
    state, _, _ = official
    used = {released_name(name) for name in network(state).state_dict()}
    assert sum(state[name].size for name in used) == 11_390_778
    assert sum(value.size for value in state.values()) == 17_744_890


@pytest.mark.parametrize("name", NETWORKS)
def test_each_stored_parameter_is_used_or_idle_and_fits(name):
    stored = light_state(name)
    with torch.device("meta"):
        model = released_network(name)
    used = {released_name(ours): tensor.shape for ours, tensor in model.state_dict().items()}
    assert len(used) == len(model.state_dict())
    assert used == {theirs: stored[theirs].shape for theirs in used}
    assert {theirs for theirs in stored if idle_part(theirs, name) is None} == set(used)


def test_a_name_that_nobody_has_is_not_idle():
    assert idle_part("video_encoder.encoder_layer2.weight", "full") is None
    assert idle_part("AVInter2.weight", "a2v") is None
    assert idle_part("localize_module.classifier_self.weight", "a2v") is None
    assert idle_part("spatial_channel_att.affine_video_guided_1.bias", "a2v") == "spatial_channel_att"
