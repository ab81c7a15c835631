from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given

from dmin.data.clips import Batch, Window
from dmin.errors import ModelError
from dmin.lab.zoo.dcca import DCCA, DCCAConfig, linear_cca
from dmin.lab.zoo.embedding_matching import CorrelationMatching, correlation_loss
from dmin.models.systems import SYSTEMS
from lab.zoo.matching_clips import DIRECTIONS, SIZES, clip_by_clip, matching_clips, queries
from oracles import dcca as oracle
from oracles.checks import FEW, assert_agree, assert_finite, draw, in_float64


def tiny(direction="a2v", **options):
    return in_float64(DCCA(DCCAConfig(direction=direction, **(SIZES | {"hidden": 4, "embedding": 3} | options))))


def outputs_of_pairs(model, visual, audio, query_mask, mask):
    """Both outputs [N, 2 d] of the queries' seconds, by the oracle."""
    pairs = (tensor[query_mask].detach().numpy() for tensor in (visual, audio))
    return np.concatenate(oracle.outputs(model, *pairs), 1)


STEPS = [
    matching_clips([(0, 3, 4), (1, 3, 4)], seed=1),
    matching_clips([(0, 4, 4), (0, 4, 4), (0, 3, 4)], seed=2),
    matching_clips([(2, 2, 4)], seed=3),
]


def trained(direction="a2v", **options):
    """A network whose moments have seen three steps of unequal size."""
    model = tiny(direction, **options).train()
    for step in STEPS:
        model(*step)
    return model.eval()


@pytest.mark.parametrize("momentum", [0.2, 1.0])
@pytest.mark.parametrize("direction", ["a2v", "v2a"])
def test_moments_weigh_each_step_by_its_pairs(direction, momentum):
    model = trained(direction, momentum=momentum)
    mean, covariance = oracle.moments([outputs_of_pairs(model, *step) for step in STEPS], momentum)
    assert_agree(model.mean, mean)
    assert_agree(model.covariance, covariance)


@FEW
@given(queries=queries(), direction=DIRECTIONS)
def test_against_the_oracle(queries, direction):
    model = trained(direction)
    moments = model.mean.numpy(), model.covariance.numpy()
    given_clips = matching_clips(queries, padding=1)
    similarity = model(*given_clips).similarity
    for clip, (asking, _, asked) in enumerate(clip_by_clip(direction, *given_clips)):
        length = queries[clip][2]
        visual, audio = (asked, asking) if direction == "a2v" else (asking, asked)
        expected = oracle.similarity(model, *moments, visual, audio)
        expected = expected.T if direction == "a2v" else expected
        assert_agree(similarity[clip, :length, :length], expected, tolerance=1e-8)


def test_projections_make_both_sides_white_and_what_is_left_diagonal():
    numbers = draw(40, 6).detach()
    covariance = (numbers @ draw(6, 6, seed=1).detach()).T.cov()
    found = linear_cca(covariance, ridge=1e-12)
    for part, projection in ((slice(3), found.visual), (slice(3, 6), found.audio)):
        torch.testing.assert_close(projection.T @ covariance[part, part] @ projection, torch.eye(3).double())
    crossed = found.visual.T @ covariance[:3, 3:] @ found.audio
    torch.testing.assert_close(crossed, crossed.diagonal().diag())
    assert crossed.diagonal().tolist() == sorted(crossed.diagonal().tolist(), reverse=True)


@pytest.mark.parametrize("direction", ["a2v", "v2a"])
def test_which_modality_asks(direction):
    model = trained(direction)
    visual, audio, query_mask, _ = matching_clips([(1, 2, 4)])
    for mode in (True, False):
        output = model.train(mode)(visual, audio, query_mask)
        seen, heard = model.visual(visual), model.audio(audio)
        query, candidates = (heard, seen) if direction == "a2v" else (seen, heard)
        assert torch.equal(output.query, query)
        assert torch.equal(output.candidates, candidates)


def test_in_training_the_outputs_themselves_are_compared():
    output = trained().train()(*matching_clips([(1, 2, 4)]))
    pairs = (tensor[0].detach().numpy() for tensor in (output.query, output.candidates))
    assert_agree(output.similarity[0], oracle.cosines(*pairs))


@pytest.mark.parametrize("direction", ["a2v", "v2a"])
@pytest.mark.parametrize("mode", [True, False])
def test_a_query_from_elsewhere_moves_nothing(direction, mode):
    model = trained(direction).train(mode)
    visual, audio, query_mask, _ = matching_clips([(1, 2, 4)])
    expected = copy.deepcopy(model)(visual, audio, query_mask).similarity[:, 1:3].detach()
    before = {name: value.clone() for name, value in model.named_buffers()}
    asking, asked = (audio, visual) if direction == "a2v" else (visual, audio)
    assert_agree(model.find(asking[:, 1:3], asked).similarity, expected)
    assert model.find(asking, asked).similarity.shape == (1, 4, 4)
    assert all(torch.equal(before[name], value) for name, value in model.named_buffers())


def test_evaluation_and_a_lone_pair_move_nothing():
    model = trained()
    before = {name: value.clone() for name, value in model.named_buffers()}
    model(*matching_clips([(0, 3, 4)]))
    model.train()(*matching_clips([(0, 1, 4)]))
    assert all(torch.equal(before[name], value) for name, value in model.named_buffers())


def test_projections_are_worked_out_anew_only_if_the_moments_change():
    model, given_clips = trained(), matching_clips([(1, 2, 4)])
    with torch.inference_mode():
        first = model(*given_clips).similarity
    kept = model._known
    assert torch.equal(model(*given_clips).similarity, first)
    assert model._known is kept
    assert torch.equal(copy.deepcopy(model)(*given_clips).similarity, first)
    other = in_float64(tiny(), seed=1).train()
    other(*STEPS[0])
    model.load_state_dict(other.state_dict())
    assert_agree(model(*given_clips).similarity, other.eval()(*given_clips).similarity.detach())
    assert model._known is not kept
    model.train()(*STEPS[1])
    assert not torch.allclose(model.eval()(*given_clips).similarity, other(*given_clips).similarity)
    for dtype in (torch.float32, torch.float64):  # the second has the very moments of the first, in a wider type
        assert model.to(dtype)(*given_clips).similarity.dtype == dtype
        assert model._known.visual.dtype == dtype


def test_moments_survive_the_disk(tmp_path):
    model, given_clips = trained().float(), matching_clips([(1, 2, 4)])
    model.save_pretrained(tmp_path)
    again = DCCA.from_pretrained(tmp_path)
    assert torch.equal(again.covariance, model.covariance)
    assert torch.equal(again(*given_clips).similarity, model(*given_clips).similarity)


def test_fewer_pairs_than_channels_and_no_pair_at_all():
    model = tiny(embedding=6).train()
    fresh = model.eval()(*matching_clips([(1, 2, 4)])).similarity
    model.train()(*matching_clips([(1, 2, 4)]))
    moved = model.eval()(*matching_clips([(1, 2, 4)])).similarity
    for similarity in (fresh, moved):
        assert similarity.isfinite().all()
        assert similarity.abs().max() <= 1 + 1e-9


def test_dark_and_silent_clips_give_no_nan():
    model, query_mask = tiny().train(), torch.ones(2, 3, dtype=torch.bool)
    output = model(torch.zeros(2, 3, 5), torch.zeros(2, 3, 3), query_mask)
    assert_finite(model, correlation_loss(output, query_mask))
    assert model.eval()(torch.zeros(2, 3, 5), torch.zeros(2, 3, 3), query_mask).similarity.isfinite().all()


def test_mixed_precision_keeps_the_moments_exact():
    exact, mixed = (DCCA(DCCAConfig(hidden=4, embedding=3, **SIZES)) for _ in range(2))
    mixed.load_state_dict(exact.state_dict())
    given_clips = matching_clips([(0, 4, 4)] * 8)
    exact.train()(*given_clips)
    with torch.autocast("cpu", torch.bfloat16):
        output = mixed.train()(*given_clips)
        loss = correlation_loss(output, given_clips[2])
        assert mixed.eval()(*given_clips).similarity.isfinite().all()
    assert_finite(mixed, loss)
    assert mixed.covariance.dtype == torch.float32
    torch.testing.assert_close(mixed.covariance, exact.covariance, rtol=0.1, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["a2v", "v2a"])
def test_what_sound_and_picture_share_is_found(direction):
    model, task = _shared_factors(direction), CorrelationMatching(1)
    train, test = _clips_of_shared_factors(128, 1), _clips_of_shared_factors(64, 2)
    assert _found(model, task, test) < 0.2
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    model.train()
    for _ in range(100):
        optimizer.zero_grad()
        task.losses(task.answer(model, train), train)["loss"].backward()
        optimizer.step()
    assert _found(model, task, test) > 0.85
    with torch.no_grad():
        unseen = -float(task.losses(task.answer(model, test), test)["loss"])
    event = task.query_mask(train)
    features = (side[event].double().numpy() for side in (train.visual[:, :, 0, 0], train.audio))
    # More, on clips never seen, than a linear CCA of the features reaches on the very clips it was made from.
    assert unseen > sum(oracle.correlations(*features, ridge=1e-3)[:3]) + 0.15


def _shared_factors(direction):
    torch.manual_seed(0)
    return DCCA(DCCAConfig(direction=direction, visual_size=12, audio_size=10, hidden=32, embedding=3))


def _clips_of_shared_factors(count, seed):
    """Three numbers a second, mixed, bent and drowned in other numbers, differently in picture and sound."""
    mixing, generator = torch.Generator().manual_seed(0), torch.Generator().manual_seed(seed)
    shared = torch.randn(count, 8, 3, generator=generator)
    sides = []
    for size in (12, 10):
        own = torch.randn(count, 8, 3, generator=generator)
        mixed = torch.cat([shared, own], -1) @ torch.randn(6, size, generator=mixing)
        sides.append(mixed + 0.3 * mixed.square() + 0.05 * torch.randn(mixed.shape, generator=generator))
    labels = torch.ones(count, 8, dtype=torch.long)
    for clip in range(count):
        labels[clip, clip % 5 : clip % 5 + 3] = 0
    windows = tuple(Window(str(clip), 0, 8) for clip in range(count))
    return Batch(windows, sides[0][:, :, None, None], sides[1], labels, torch.ones(count, 8, dtype=torch.bool))


@torch.no_grad()
def _found(model, task, batch):
    metric, mode = task.metric(), model.training
    task.count(metric, task.answer(model.eval(), batch), batch)
    model.train(mode)
    return float(metric.compute())


def test_what_the_system_is():
    options = SYSTEMS["dcca"].options("a2v", scheduled=True)
    assert DCCA.objective == "correlation"
    assert tiny().protocol == "strict"
    assert (options["epochs"], options["batch_size"], options["learning_rate"]) == (50, 256, 1e-3)
    assert (options["milestones"], options["gradient_clip"]) == ((), 0.0)
    # AVDLN's widths: only the objective differs.
    ave = DCCA(DCCAConfig(visual_size=512, audio_size=128))
    assert sum(parameter.numel() for parameter in ave.parameters()) == 98_688


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 0}, "hidden is 0: must be at least 1"),
        ({"embedding": 0}, "embedding is 0: must be at least 1"),
        ({"ridge": 0.0}, "ridge is 0: must be above 0"),
        ({"momentum": 0.0}, "momentum is 0: must be above 0 and at most 1"),
        ({"momentum": 1.5}, "momentum is 1.5: must be above 0 and at most 1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ModelError, match=message):
        tiny(**options)
