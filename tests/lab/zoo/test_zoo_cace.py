from __future__ import annotations

import pytest
import torch
from hypothesis import given

from dmin.data.clips import Batch
from dmin.errors import ModelError
from dmin.lab.zoo.cace import CACE, CACEConfig, best_seconds
from dmin.lab.zoo.contrast import ContrastSupervision
from dmin.models.outputs import PADDING_LOGIT
from dmin.models.systems import SYSTEMS
from lab.zoo.joint_clips import AVE, LENGTHS, TINY, clips, parameters
from oracles import cace as oracle
from oracles.checks import FEW, assert_agree, assert_finite, assert_reaches_all, draw, dropouts_of, in_float64

SMALL = {"visual_width": 4, "hidden": 3, "width": 4, "heads": 2, "feed_forward": 6}
OF_SECONDS = ("relevance_logits", "gates", "queries", "keys")
OF_CLIPS = ("category_logits", "side_logits")


def tiny(seed=0, **options):
    return in_float64(CACE(CACEConfig(**(TINY | SMALL | options))), seed)


@FEW
@given(lengths=LENGTHS)
def test_against_the_oracle(lengths):
    model = tiny(visual_share=0.5, audio_share=0.7, gate_share=0.9, side_share=0.8, contrast_share=0.6)
    visual, audio, mask = clips(lengths, max(lengths) + 1)
    output = model(visual, audio, mask, return_attention=True)
    for clip, length in enumerate(lengths):
        real = (tensor[clip, :length].detach().numpy() for tensor in (visual.flatten(2, 3), audio))
        expected = oracle.cace(model, *real)
        for name in OF_SECONDS:
            assert_agree(getattr(output, name)[clip, :length], expected[name])
        for name in OF_CLIPS:
            assert_agree(getattr(output, name)[clip], expected[name])
        assert_agree(output.attention.spatial[clip, :length].flatten(1), expected["spatial"])
        assert (output.relevance_logits[clip, length:] == PADDING_LOGIT).all()
        assert (output.attention.spatial[clip, length:] == 0).all()


def test_without_a_mask_all_seconds_are_real():
    visual, audio, mask = clips([3, 3], 3)
    with_mask, without = tiny()(visual, audio, mask), tiny()(visual, audio)
    assert without.attention is None
    for name in OF_SECONDS + OF_CLIPS:
        assert_agree(getattr(without, name), getattr(with_mask, name).detach())


@pytest.mark.parametrize("seconds", [1, 3, 4, 6])
def test_the_best_four_seconds_or_as_many_as_there_are(seconds):
    scores = draw(2, seconds, 3)
    for clip in scores:
        assert_agree(best_seconds(clip[None])[0], oracle.best_four(clip.detach().numpy()))
    padded = torch.cat([scores, torch.full((2, 2, 3), 9.0)], 1)
    mask = (torch.arange(seconds + 2) < seconds).expand(2, -1)
    assert_agree(best_seconds(padded, mask), best_seconds(scores).detach())


def test_keys_are_noisy_in_training_only():
    visual, audio, mask = clips([4, 2], 4)
    model = tiny(seed=10)  # its keys have several channels; the length of one alone is 1 with noise, too
    for part in model.modules():  # dropout would differ, too
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    output = model(visual, audio, mask)
    assert torch.equal(output.keys, output.queries)
    assert not torch.equal(model.train()(visual, audio, mask).keys, output.queries)


def test_as_many_parameters_as_the_released_network_uses():
    assert parameters(CACE, SYSTEMS["cace"].options("full")["model"]) == 9_283_417


def test_shapes_on_the_features_of_ave():
    output = CACE(CACEConfig(**AVE)).eval()(torch.rand(2, 10, 7, 7, 512), torch.rand(2, 10, 128))
    shapes = {name: tuple(getattr(output, name).shape) for name in OF_SECONDS + OF_CLIPS}
    assert shapes == {
        "relevance_logits": (2, 10),
        "gates": (2, 10),
        "queries": (2, 10, 256),
        "keys": (2, 10, 256),
        "category_logits": (2, 28),
        "side_logits": (2, 28),
    }


def test_dropout_is_that_of_the_released_code():
    model = CACE(CACEConfig(**AVE))
    assert [part.p for part in model.visual if isinstance(part, torch.nn.Dropout)] == [0.2]
    assert dropouts_of(model.guidance) == {0.2}
    for part in (model.visual_encoder, model.audio_encoder, model.visual_cross, model.audio_cross):
        assert dropouts_of(part) == {0.1}
    for part in (model.visual_fusion, model.audio_fusion):
        assert (part.attention.dropout, part.dropout.p) == (0.2, 0.1)


def test_its_losses_reach_all_parameters():
    visual, audio, mask = clips([4, 3], 4)
    batch = Batch((), visual, audio, torch.tensor([[3, 1, 1, 3], [2, 3, 0, 0]]), mask)
    model = tiny()
    loss = ContrastSupervision(3).losses(model(visual, audio, mask), batch)["loss"]
    assert_reaches_all(model, loss, without=("key.bias",))  # moves all scores of a softmax alike


def test_nothing_anywhere_has_finite_gradients():
    model = tiny()
    for parameter in model.parameters():
        parameter.data.zero_()
    visual, audio, mask = clips([4, 2], 4)
    batch = Batch((), visual, audio, torch.tensor([[3, 1, 1, 3], [3, 3, 0, 0]]), mask)
    assert_finite(model, ContrastSupervision(3).losses(model(visual, audio, mask), batch)["loss"])


def test_bfloat16_autocast_is_finite_and_close():
    model = tiny().float()
    visual, audio, mask = clips([4, 2], 4)
    visual, audio = visual.detach().float(), audio.detach().float()
    exact = model(visual, audio, mask)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(visual, audio, mask)
    torch.testing.assert_close(rough.relevance_logits.float(), exact.relevance_logits, atol=0.1, rtol=0.1)
    assert rough.queries.dtype == torch.float32


def test_what_the_system_is():
    options = SYSTEMS["cace"].options("full", scheduled=True)
    assert SYSTEMS["cace"].supervisions == ("full",)
    assert (CACE.objective, options["contrast_weight"]) == ("contrast", 1.0)
    assert (options["epochs"], options["batch_size"], options["learning_rate"]) == (200, 64, 7e-4)
    assert (options["milestones"], options["rate_factor"], options["gradient_clip"]) == ((10, 20, 30), 0.5, 0.5)
    c = CACEConfig(**AVE)
    shares = (c.visual_share, c.audio_share, c.gate_share, c.side_share, c.contrast_share)
    assert shares == (0.4, 0.3, 0.1, 0.3, 0.6)
    assert (c.visual_width, c.hidden, c.width, c.layers, c.heads, c.feed_forward) == (512, 256, 256, 2, 4, 1024)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"supervision": "weak"}, "supervision is 'weak': must be 'full', CACE-Net is described for no other"),
        ({"heads": 3}, "width is 4 and heads 3: the width must be a multiple of it"),
        ({"audio_share": 1.5}, "audio_share is 1.5: must be within 0 and 1"),
        ({"visual_width": 3}, "visual_width is 3 and feed_forward 6: must be 4 and 2 at least"),
        ({"layers": 0}, "layers is 0: must be at least 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        tiny(**options)
