from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import dmin.lab.zoo.cmran  # noqa: F401  # registers the system
from dmin.data.clips import Batch
from dmin.errors import ModelError
from dmin.layers import EncoderConfig, InterModalityConfig
from dmin.models import DMIN, DMINConfig
from dmin.models.config import config_from
from dmin.models.systems import SYSTEMS, merged
from dmin.tasks.objectives import OBJECTIVES
from dmin.training.recipe import recipe_from
from lab.zoo.joint_clips import LENGTHS, TINY, clips, parameters
from oracles import cmran as oracle
from oracles.checks import FEW, assert_agree, in_float64

CMRAN = SYSTEMS["cmran"]
SMALL = {
    "visual_width": 6,
    "width": 4,
    "encoder": {"heads": 2, "hidden": 5},
    "inter_modality": {"heads": 2, "hidden": 5},
    "visual_attention": {"size": 4, "bottleneck": 3},
}
MAPS = ("inter_modality_visual", "inter_modality_audio")


def tiny(kind="full"):
    return in_float64(DMIN(config_from(DMINConfig, merged(TINY, SMALL, CMRAN.options(kind, scheduled=True)["model"]))))


def task_of(kind):
    options = recipe_from(CMRAN.options(kind, scheduled=True))
    return OBJECTIVES["decoupled"](3, kind, options)


def batch_of(labels):
    visual, audio, mask = clips([4, 2], 4)
    return Batch((), visual, audio, torch.tensor(labels), mask)


@FEW
@given(lengths=LENGTHS, kind=st.sampled_from(["full", "weak"]))
def test_against_the_oracle(lengths, kind):
    model, seconds = tiny(kind), max(lengths) + 1
    visual, audio, mask = clips(lengths, seconds)
    output = model(visual, audio, mask, return_attention=True)
    for clip, length in enumerate(lengths):
        literal = oracle.cmran(model, *(tensor[clip, :length].detach().numpy() for tensor in (visual, audio)))
        assert_agree(output.relevance_logits[clip, :length], literal["relevance_logits"])
        assert_agree(output.category_logits[clip], literal["category_logits"])
        for name in ("spatial", "channel"):
            assert_agree(getattr(output.attention, name)[clip, :length], literal[name])
        for name in MAPS:
            own, other = getattr(output.attention, name)[clip, :, :length].split(seconds, -1)
            assert_agree(torch.cat([own[..., :length], other[..., :length]], -1), literal[name])


@pytest.mark.parametrize(("kind", "count"), [("full", 9_509_150), ("weak", 9_509_407)])
def test_as_many_parameters_as_the_released_networks_use(kind, count):
    assert parameters(DMIN, CMRAN.options(kind)["model"]) == count


@pytest.mark.parametrize("kind", ["full", "weak"])
def test_there_is_nothing_unimodal(kind):
    model = tiny(kind)
    output = model(*clips([3], 3))
    assert output.unimodal_category_logits is None
    assert output.unimodal_relevance_logits is None
    assert recipe_from(CMRAN.options(kind)).unimodal_weight == 0


@pytest.mark.parametrize(
    ("kind", "heads", "milestones", "clip"), [("full", 4, (10, 20, 30), 0.1), ("weak", 2, (5, 20, 40), 0.5)]
)
def test_what_the_system_is(kind, heads, milestones, clip):
    recipe = recipe_from(CMRAN.options(kind, scheduled=True))
    network = recipe.model
    assert (network.visual_attention.name, network.inter_modality.name, network.fusion.heads) == (
        "agsca",
        "cmra",
        heads,
    )
    assert (network.visual_width, network.visual_dropout) == (512, 0.2)
    assert network.encoder == EncoderConfig(layers=2, heads=4, hidden=2048, dropout=0.1)
    assert network.inter_modality == InterModalityConfig(name="cmra", heads=4, hidden=2048, dropout=0.1)
    assert (recipe.learning_rate, recipe.rate_factor, recipe.milestones) == (5e-4, 0.5, milestones)
    assert (recipe.gradient_clip, recipe.batch_size, recipe.epochs) == (clip, 32, 200)


def test_its_pooling_is_of_its_own_schedule_only():
    assert recipe_from(CMRAN.options("weak", scheduled=True)).mil_pooling == "logits"
    assert recipe_from(CMRAN.options("weak")).mil_pooling is None


def test_full_loss_is_both_cross_entropies_at_equal_weight():
    batch, model = batch_of([[3, 1, 1, 3], [2, 2, 0, 0]]), tiny("full")
    output = model(batch.visual, batch.audio, batch.mask)
    relevant = (batch.labels[batch.mask] < 3).double()
    relevance = F.binary_cross_entropy(output.relevance_logits[batch.mask].sigmoid(), relevant)
    category = F.cross_entropy(output.category_logits, torch.tensor([1, 2]))
    torch.testing.assert_close(task_of("full").losses(output, batch)["loss"], relevance + category)


def test_weak_loss_is_the_soft_margin_alone():
    batch, model = batch_of([[3, 1, 1, 3], [3, 3, 0, 0]]), tiny("weak")
    output = model(batch.visual, batch.audio, batch.mask)
    present = ([0, 1, 0, 0], [0, 0, 0, 1])
    literal = [
        oracle.weak_loss(output.relevance_logits[clip, :length].tolist(), output.category_logits[clip].tolist(), there)
        for clip, (length, there) in enumerate(zip((4, 2), present, strict=True))
    ]
    loss = task_of("weak").losses(output, batch)["loss"]
    assert loss.item() == pytest.approx(sum(literal) / 2, abs=1e-9)


def test_a_unimodal_loss_needs_heads():
    options = CMRAN.options("full") | {"unimodal_weight": 0.1}
    batch, model = batch_of([[0] * 4] * 2), tiny("full")
    task = OBJECTIVES["decoupled"](3, "full", recipe_from(options))
    with pytest.raises(ModelError, match="unimodal_weight is 0.1, but the network has no unimodal heads: set it to 0"):
        task.losses(model(batch.visual, batch.audio, batch.mask), batch)
