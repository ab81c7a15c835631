from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.psp import PSP, PSPConfig
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import LENGTHS, TINY, assert_as_oracle, clips, parameters
from oracles import psp as oracle
from oracles.checks import FEW, assert_agree, assert_finite, in_float64

SMALL = {"hidden": 4, "width": 4, "reduced": 2}


def tiny(seed=0, **options):
    return in_float64(PSP(PSPConfig(**(TINY | SMALL | options))), seed)


@FEW
@given(
    lengths=LENGTHS,
    supervision=st.sampled_from(["full", "weak"]),
    threshold=st.sampled_from([0.0, 0.095, 0.3, 0.6]),
    seed=st.integers(0, 9),
)
def test_against_the_oracle(lengths, supervision, threshold, seed):
    assert_as_oracle(tiny(seed, supervision=supervision, threshold=threshold), oracle.psp, lengths)


def test_the_weighting_of_weak_scores():
    # sigmoid(ReLU(.)) is within 1/2 and 1: whichever way the weighting leans, scores keep their signs and their order.
    visual, audio, mask = clips([4], 4)
    shares = []
    for lean in (-1.0, 1.0):
        model = tiny(supervision="weak")
        model.weighting.weight.data.zero_()
        plain = 2 * model(visual, audio, mask).segment_logits  # sigmoid(0) is 1/2
        model.weighting.weight.data[0] = lean * plain[0, 0].detach()  # the first second's own direction
        shares.append((model(visual, audio, mask).segment_logits / plain)[0, 0].detach())
    assert_agree(shares[0], [0.5] * 4)
    assert_agree(shares[1], [torch.sigmoid(plain[0, 0].square().sum()).item()] * 4)
    assert shares[1].min() > 0.5


def test_agreement_is_for_full_supervision():
    visual, audio, mask = clips([4, 2], 4)
    agreement = tiny()(visual, audio, mask).agreement
    assert (agreement[mask] >= 0).all()
    assert (agreement[mask] > 0).any()
    assert (agreement[~mask] == 0).all()
    assert tiny(supervision="weak")(visual, audio, mask).agreement is None


def test_attention_only_on_request():
    visual, audio, mask = clips([3], 3)
    assert tiny()(visual, audio, mask).attention is None


@pytest.mark.parametrize(("kind", "count"), [("full", 1_548_657), ("weak", 1_253_902)])
def test_as_many_parameters_as_the_released_networks_use(kind, count):
    assert parameters(PSP, SYSTEMS["psp"].options(kind)["model"]) == count


@pytest.mark.parametrize("supervision", ["full", "weak"])
def test_nothing_anywhere_has_finite_gradients(supervision):
    model = tiny(supervision=supervision)
    for parameter in model.parameters():  # nothing agrees, and both sides are 0 where their cosine is taken
        parameter.data.zero_()
    visual, audio, mask = clips([4, 2], 4)
    output = model(visual, audio, mask)
    agreement = 0.0 if output.agreement is None else output.agreement.sum()
    assert_finite(model, output.segment_logits.sum() + agreement)
    assert visual.grad.isfinite().all()
    assert audio.grad.isfinite().all()


@pytest.mark.parametrize("supervision", ["full", "weak"])
def test_bfloat16_autocast_is_finite_and_close(supervision):
    model = tiny(supervision=supervision, threshold=0.0).float()  # a share near a threshold may fall on either side
    visual, audio, mask = clips([4, 2], 4)
    visual, audio = visual.detach().float(), audio.detach().float()
    exact = model(visual, audio, mask)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(visual, audio, mask)
    torch.testing.assert_close(rough.segment_logits.float(), exact.segment_logits, atol=0.1, rtol=0.1)
    if supervision == "full":
        assert rough.agreement.dtype == torch.float32
    assert_finite(model, rough.segment_logits.float().sum())


def test_what_the_systems_are():
    full, weak = (SYSTEMS["psp"].options(kind, scheduled=True) for kind in ("full", "weak"))
    assert (full["segment_loss"], full["agreement_weight"], full["milestones"]) == ("cross-entropy", 100.0, (60, 120))
    assert (weak["mil_pooling"], weak["milestones"]) == ("mean", (80, 160))
    assert PSPConfig(**TINY, **full["model"]).threshold == 0.099
    assert PSPConfig(**TINY, **weak["model"]).threshold == 0.095
    for options in (full, weak):
        assert (options["batch_size"], options["learning_rate"], options["rate_factor"]) == (128, 1e-3, 0.8)
        assert (options["epochs"], options["gradient_clip"]) == (300, 0.0)
        assert "clip_target" not in options


def test_the_proportional_target_is_weak_only_and_marked():
    system = SYSTEMS["psp-proportional"]
    options, own = (SYSTEMS[name].options("weak", scheduled=True) for name in ("psp-proportional", "psp"))
    assert options == own | {"system": "psp-proportional", "clip_target": "proportions"}
    assert system.supervisions == ("weak",)
    assert "how long each event lasts" in system.mark
    assert "not to be compared" in system.mark
    assert not SYSTEMS["psp"].mark


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.0}, "threshold is 1.0: must be at least 0 and less than 1"),
        ({"threshold": -0.1}, "threshold is -0.1: must be at least 0"),
        ({"dropout": 1.0}, "dropout is 1.0: must be at least 0 and less than 1"),
        ({"reduced": 0}, "reduced is 0: must be at least 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        tiny(**options)
