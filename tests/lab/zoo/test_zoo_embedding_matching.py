from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import Batch, Window
from dmin.lab.zoo.embedding_matching import (
    RIDGE,
    ContrastiveMatching,
    CorrelationMatching,
    contrastive_loss,
    correlation_loss,
    embedding_window_scores,
)
from dmin.models.outputs import EmbeddingOutput, WindowOutput
from dmin.tasks.matching import Matching
from oracles import avdln, dcca
from oracles.checks import FEW, assert_agree, draw


def answer(query, candidates):
    return EmbeddingOutput(query, candidates, query @ candidates.mT)


def drawn(clips, seconds, size, seed=0):
    return draw(clips, seconds, size, seed=seed), draw(clips, seconds, size, seed=seed + 1)


def some(clips, seconds, seed=0):
    """Event [B, T], and mask [B, T] with padding last."""
    generator = torch.Generator().manual_seed(seed)
    real = torch.randint(1, seconds + 1, (clips, 1), generator=generator)
    mask = torch.arange(seconds) < real
    return (torch.rand(clips, seconds, generator=generator) < 0.5) & mask, mask


@FEW
@given(clips=st.integers(1, 3), seconds=st.integers(1, 5), size=st.integers(1, 4), seed=st.integers(0, 99))
def test_contrastive_loss_second_by_second(clips, seconds, size, seed):
    query, candidates = drawn(clips, seconds, size, seed)
    event, mask = some(clips, seconds, seed)
    loss = contrastive_loss(answer(query, candidates), event, mask)
    arrays = (tensor.detach().numpy() for tensor in (query, candidates, event, mask))
    assert_agree(loss, avdln.contrastive(*arrays))


def test_contrastive_loss_pulls_events_together_and_others_apart_up_to_the_margin():
    query, every = torch.zeros(1, 1, 4), torch.ones(1, 1, dtype=torch.bool)
    for apart, together, separate in ((0.5, 1.0, 1.0), (1.5, 9.0, 0.0)):  # distances 1 and 3
        output = answer(query, torch.full((1, 1, 4), apart))
        assert float(contrastive_loss(output, every, every)) == pytest.approx(together)
        assert float(contrastive_loss(output, ~every, every)) == pytest.approx(separate)


@pytest.mark.parametrize("of_event", [True, False])
def test_contrastive_loss_of_equal_vectors_has_no_nan(of_event):
    query, every = draw(1, 2, 3), torch.ones(1, 2, dtype=torch.bool)
    loss = contrastive_loss(answer(query, query.detach().clone()), every & of_event, every)
    loss.backward()
    assert float(loss.detach()) == (0.0 if of_event else 4.0)
    assert torch.equal(query.grad, torch.zeros_like(query))


@FEW
@given(clips=st.integers(2, 5), seconds=st.integers(2, 6), size=st.integers(1, 5), seed=st.integers(0, 99))
def test_correlation_loss_by_singular_values(clips, seconds, size, seed):
    query, candidates = drawn(clips, seconds, size, seed)
    event, _ = some(clips, seconds, seed)
    event[0, :2] = True
    loss = correlation_loss(answer(query, candidates), event)
    pairs = (tensor[event].detach().numpy() for tensor in (query, candidates))
    assert_agree(loss, -sum(dcca.correlations(*pairs, RIDGE)), tolerance=1e-8)


def test_correlation_loss_has_the_gradient_of_finite_differences():
    event = torch.ones(2, 6, dtype=torch.bool)
    event[1, 4:] = False

    def loss(query, candidates):
        return correlation_loss(answer(query, candidates), event)

    assert torch.autograd.gradcheck(loss, drawn(2, 6, 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["equal", "opposite", "still", "one channel only", "steep", "orthogonal"])
def test_correlation_loss_is_finite_where_singular_values_coincide_or_vanish(kind, dtype):
    query = draw(8, 10, 16).detach()
    candidates = {
        "equal": query,
        "opposite": -query,
        "still": torch.zeros_like(query),
        "one channel only": query[..., :1].expand_as(query),
        "steep": query * torch.logspace(-6, 6, 16),
        "orthogonal": torch.linalg.qr(draw(80, 32).detach()).Q[:, :16].reshape(8, 10, 16),
    }[kind]
    query, candidates = (side.to(dtype).requires_grad_() for side in (query, candidates.clone()))
    loss = correlation_loss(answer(query, candidates), torch.ones(8, 10, dtype=torch.bool))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert -16 <= float(loss.detach()) <= 1e-6
    assert query.grad.isfinite().all()
    assert candidates.grad.isfinite().all()
    if kind in ("equal", "opposite"):
        assert float(loss.detach()) < -15.5


@pytest.mark.parametrize("pairs", [0, 1, 2, 5])
def test_correlation_loss_of_fewer_pairs_than_channels(pairs):
    query, candidates = (side.detach().float().requires_grad_() for side in drawn(1, 6, 16))
    loss = correlation_loss(answer(query, candidates), (torch.arange(6) < pairs)[None])
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    for side in (query, candidates):
        assert side.grad.isfinite().all()
        assert bool(side.grad.any()) == (pairs > 1)
    if pairs < 2:
        assert float(loss.detach()) == 0


@FEW
@given(clips=st.integers(1, 3), asking=st.integers(1, 5), seconds=st.integers(1, 6), seed=st.integers(0, 999))
def test_window_scores_are_sums_over_the_querys_seconds(clips, asking, seconds, seed):
    similarity = draw(clips, asking, seconds, seed=seed).detach()
    query, _ = some(clips, asking, seed)
    query[:, seed % asking] = True
    real = [max(int(query[clip].sum()), seconds - clip) for clip in range(clips)]
    mask = torch.arange(max(seconds, *real, asking)) < torch.tensor(real)[:, None]
    padded = torch.nn.functional.pad(similarity, (0, mask.shape[1] - seconds), value=torch.nan)
    for clip, length in enumerate(real):  # where it is padding only by the mask
        padded[clip, :, seconds:length] = 0.5
        padded[clip, :, length:] = torch.nan
    scores = embedding_window_scores(padded, query, mask)
    assert scores.shape == mask.shape
    for clip, length in enumerate(real):
        expected = avdln.window_sums(padded[clip, :, :length].numpy(), query[clip].tolist())
        assert_agree(scores[clip, : len(expected)], expected)
        assert (scores[clip, len(expected) :] == -torch.inf).all()


def test_half_precision_is_widened_before_the_sum():
    similarity = torch.full((1, 8, 8), 1.0, dtype=torch.bfloat16)
    similarity[0, 0, 0] = 256.0  # up there bfloat16 counts by twos
    every = torch.ones(1, 8, dtype=torch.bool)
    assert float(embedding_window_scores(similarity, every, every)[0, 0]) == 263.0


def batch_of(labels, lengths):
    labels = torch.tensor(labels)
    clips, seconds = labels.shape
    windows = tuple(Window(str(clip), 0, length) for clip, length in enumerate(lengths))
    mask = torch.arange(seconds) < torch.tensor(lengths)[:, None]
    return Batch(windows, torch.zeros(clips, seconds, 1, 1, 2), torch.zeros(clips, seconds, 2), labels, mask)


BATCH = batch_of([[1, 0, 0, 1], [0, 0, 1, 0]], [4, 3])
"""Category 0 is event; the last second of the second clip is padding, whatever its label."""


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (ContrastiveMatching, lambda output, event: contrastive_loss(output, event, BATCH.mask)),
        (CorrelationMatching, correlation_loss),
    ],
)
def test_tasks_train_on_the_events_of_real_seconds(make, expected):
    output = answer(*drawn(2, 4, 3))
    event = torch.tensor([[False, True, True, False], [True, True, False, False]])
    assert torch.equal(make(1).losses(output, BATCH)["loss"], expected(output, event))


@pytest.mark.parametrize("make", [ContrastiveMatching, CorrelationMatching])
def test_tasks_count_the_windows_of_largest_likeness(make):
    task, metric = make(1), make(1).metric()
    similarity = torch.zeros(2, 4, 4)
    similarity[0, 1, 1] = similarity[0, 2, 2] = 1.0  # right: seconds 1 and 2 fit themselves
    similarity[1, 0, 1] = similarity[1, 1, 2] = 1.0  # wrong: a second too late
    similarity[:, :, 3] = 9.0  # padding in the second clip
    similarity[0, 1, 3] = similarity[0, 2, 3] = 0.0
    output = EmbeddingOutput(torch.zeros(2, 4, 3), torch.zeros(2, 4, 3), similarity)
    assert_agree(task.window_scores(output, BATCH)[0], [0.0, 2.0, 0.0, -torch.inf])
    assert_agree(task.window_scores(output, BATCH)[1], [0.0, 2.0, -torch.inf, -torch.inf])
    task.count(metric, output, BATCH)
    assert float(metric.compute()) == 0.5


def test_the_task_of_windows_counts_alike():
    task, metric = Matching(1), Matching(1).metric()
    output = WindowOutput(torch.tensor([[0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 9.0]]))
    assert_agree(task.window_scores(output, BATCH)[1], [1.0, 2.0, -torch.inf, -torch.inf])
    task.count(metric, output, BATCH)
    assert float(metric.compute()) == 0.5
