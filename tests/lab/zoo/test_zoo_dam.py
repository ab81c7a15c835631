from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import Batch, Window
from dmin.errors import ModelError
from dmin.lab.zoo.dam import DAM, DAMConfig, DAMMatching, DAMMatchingConfig, mean_logit
from dmin.models.outputs import PADDING_LOGIT
from dmin.models.systems import SYSTEMS
from dmin.tasks.localization import FullSupervision
from dmin.tasks.matching import Matching
from lab.zoo.joint_clips import LENGTHS, TINY, clips
from lab.zoo.matching_clips import DIRECTIONS, SIZES, clip_by_clip, matching_clips, queries
from oracles import dam as oracle
from oracles.checks import FEW, assert_agree, assert_finite, assert_reaches_all, in_float64


def tiny(**options):
    return in_float64(DAM(DAMConfig(**(TINY | {"hidden": 4, "width": 4, "heads": 2} | options))))


def tiny_matching(direction="a2v", **options):
    config = DAMMatchingConfig(direction=direction, **(SIZES | {"width": 4, "heads": 2} | options))
    return in_float64(DAMMatching(config))


@FEW
@given(lengths=LENGTHS)
def test_against_the_oracle(lengths):
    model = tiny()
    visual, audio, mask = clips(lengths, max(lengths) + 1)
    output = model(visual, audio, mask, return_attention=True)
    for clip, length in enumerate(lengths):
        real = (tensor[clip, :length].detach().numpy() for tensor in (visual.flatten(2, 3), audio))
        expected = oracle.dam(model, *real)
        assert_agree(output.relevance_logits[clip, :length], expected["relevance"])
        assert_agree(output.category_logits[clip], expected["category"])
        assert_agree(output.attention.spatial[clip, :length].flatten(1), expected["spatial"])
        assert (output.relevance_logits[clip, length:] == PADDING_LOGIT).all()
        assert (output.attention.spatial[clip, length:] == 0).all()


def test_without_a_mask_all_seconds_are_real():
    visual, audio, mask = clips([3, 3], 3)
    with_mask, without = tiny()(visual, audio, mask), tiny()(visual, audio)
    assert without.attention is None
    assert without.unimodal_category_logits is None
    assert_agree(without.relevance_logits, with_mask.relevance_logits.detach())
    assert_agree(without.category_logits, with_mask.category_logits.detach())


def test_its_loss_is_twice_that_of_lambda_one_half():
    model, labels = tiny(), torch.tensor([[3, 1, 1], [2, 3, 0]])
    visual, audio, mask = clips([3, 2], 3)
    task = FullSupervision(3, **SYSTEMS["dam"].method["full"])
    terms = task.losses(model(visual, audio, mask), Batch((), visual, audio, labels, mask))
    theirs = 0.5 * terms["category_loss"] + 0.5 * terms["relevance_loss"]
    torch.testing.assert_close(terms["loss"], 2 * theirs)
    # Keys' biases move all scores of a softmax alike, so the gradient of in_proj's middle third is 0 for a reason.
    assert_reaches_all(model, terms["loss"])


@pytest.mark.parametrize(("one", "other"), [(0.3, -1.2), (40.0, -40.0), (-3e4, 2.0), (5e3, 5e3), (-5e3, -6e3)])
def test_the_mean_of_two_sigmoids(one, other):
    logits = torch.tensor([one, other], dtype=torch.float64, requires_grad=True)
    mean = mean_logit(*logits)
    mean.backward()
    assert logits.grad.isfinite().all()
    torch.testing.assert_close(mean.sigmoid(), logits.sigmoid().mean())


@FEW
@given(queries=queries(), direction=DIRECTIONS)
def test_matching_against_the_oracle(queries, direction):
    model = tiny_matching(direction)
    given_clips = matching_clips(queries, padding=1)
    logits = model(*given_clips).segment_logits
    in_training = model.train()(*given_clips).segment_logits
    for clip, real in enumerate(clip_by_clip(direction, *given_clips)):
        length = queries[clip][2]
        assert_agree(logits[clip, :length], oracle.dam_matching(model, *real))
        assert_agree(in_training[clip, :length], oracle.dam_matching_in_training(model, *real))
        assert (logits[clip, length:] == PADDING_LOGIT).all()
        assert (in_training[clip, length:] == PADDING_LOGIT).all()


@FEW
@given(direction=DIRECTIONS, training=st.booleans(), seconds=st.integers(1, 4))
def test_a_query_from_elsewhere_is_asked_one_way_only(direction, training, seconds):
    model = tiny_matching(direction)
    visual, audio, query_mask, _ = matching_clips([(1, 2, 4), (1, 2, 4)])
    expected = model(visual, audio, query_mask).segment_logits
    asking, asked = (audio, visual) if direction == "a2v" else (visual, audio)
    found = model.train(training).find(asking[:, 1:3], asked).segment_logits
    assert_agree(found, expected.detach())
    assert model.find(asking[:, :seconds], asked).segment_logits.shape == (2, 4)


def test_matching_reaches_all_parameters():
    model, labels = tiny_matching().train(), torch.tensor([[1, 0, 0, 1], [0, 1, 1, 1]])
    visual, audio, _, mask = matching_clips([(1, 2, 4), (0, 1, 3)])
    batch = Batch((Window("a", 0, 4), Window("b", 0, 3)), visual[:, :, None, None], audio, labels, mask)
    task = Matching(1)
    assert_reaches_all(model, task.losses(task.answer(model, batch), batch)["loss"])


def test_half_precision():
    visual, audio, mask = clips([4, 2], 4)
    exact, model = tiny()(visual, audio, mask), tiny().bfloat16()
    rough = model(visual.bfloat16(), audio.bfloat16(), mask)
    torch.testing.assert_close(rough.relevance_logits.double(), exact.relevance_logits, atol=0.1, rtol=0.1)
    assert_finite(model, rough.relevance_logits[mask].sum() + rough.category_logits.float().sum())


def test_what_the_systems_are():
    full = SYSTEMS["dam"].options("full", scheduled=True)
    assert SYSTEMS["dam"].supervisions == ("full",)
    assert (DAM.objective, full["unimodal_weight"]) == ("decoupled", 0.0)
    assert DAMMatching.objective == "windows"
    assert tiny_matching().protocol == "strict"
    for options in (full, *(SYSTEMS["dam-matching"].options(kind, scheduled=True) for kind in ("a2v", "v2a"))):
        assert (options["batch_size"], options["learning_rate"], options["gradient_clip"]) == (64, 1e-3, 0)
        assert (options["epochs"], options["milestones"]) == (300, ())


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (tiny, {"supervision": "weak"}, "supervision is 'weak': must be 'full', DAM is described for no other"),
        (tiny, {"heads": 3}, "width is 4 and heads 3: the width must be a multiple of it"),
        (tiny, {"dropout": 1.0}, "dropout is 1.0: must be at least 0 and less than 1"),
        (tiny, {"hidden": 0}, "hidden is 0: must be at least 1"),
        (tiny_matching, {"heads": 3}, "width is 4 and heads 3: the width must be a multiple of it"),
        (tiny_matching, {"width": 0}, "width is 0: must be at least 1"),
    ],
)
def test_options_that_do_not_fit(make, options, message):
    with pytest.raises(ModelError, match=message):
        make(**options)
