from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import Batch
from dmin.errors import ModelError
from dmin.tasks.decoding import decode, event_scores
from dmin.tasks.localization import NO_EVENT, clip_categories, localization_loss
from dmin.tasks.matching import Matching
from dmin.tasks.metrics import SegmentAccuracy
from dmin.tasks.objectives import OBJECTIVES, LossOptions


def literal_loss(output, labels, mask, weight, relevance_loss):
    """Eq. 15-17 as loops over clips, seconds and categories."""
    clips, seconds = labels.shape
    categories = output.category_logits.shape[1]
    relevance, real = 0.0, 0
    category, unimodal, labelled = 0.0, 0.0, 0
    for i in range(clips):
        counts = np.zeros(categories)
        for t in range(seconds):
            if not mask[i, t]:
                continue
            real += 1
            p = 1 / (1 + np.exp(-float(output.relevance_logits[i, t])))
            event = labels[i, t] < categories
            relevance -= np.log(p) if event else np.log(1 - p)
            if event:
                counts[labels[i, t]] += 1
        if counts.any():
            labelled += 1
            target = int(counts.argmax())
            for logits, which in ((output.category_logits, "fused"), (output.unimodal_category_logits, "unimodal")):
                e = np.exp(logits[i].numpy())
                term = -np.log(e[target] / e.sum())
                if which == "fused":
                    category += term
                else:
                    unimodal += term
    relevance /= real if relevance_loss == "mean" else clips
    return relevance + (weight * unimodal + (1 - weight) * category) / max(labelled, 1)


@pytest.mark.parametrize("relevance_loss", ["mean", "sum"])
@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(0, 10_000), st.floats(0, 1))
def test_the_loss_is_equations_15_to_17(relevance_loss, clips, seconds, categories, seed, weight):
    generator = torch.Generator().manual_seed(seed)
    output = SimpleNamespace(
        relevance_logits=torch.randn(clips, seconds, generator=generator, dtype=torch.float64),
        category_logits=torch.randn(clips, categories, generator=generator, dtype=torch.float64),
        unimodal_category_logits=torch.randn(clips, categories, generator=generator, dtype=torch.float64),
    )
    labels = torch.randint(0, categories + 1, (clips, seconds), generator=generator)
    lengths = torch.randint(1, seconds + 1, (clips, 1), generator=generator)
    mask = torch.arange(seconds)[None] < lengths
    expected = literal_loss(output, labels, mask, weight, relevance_loss)
    loss = localization_loss(output, labels, mask, weight, relevance_loss)
    assert abs(float(loss.total) - expected) < 1e-9
    task = OBJECTIVES["decoupled"](
        categories, "full", LossOptions(unimodal_weight=weight, relevance_loss=relevance_loss)
    )
    assert float(task.losses(output, Batch((), None, None, labels, mask))["loss"]) == float(loss.total)


def test_an_unknown_relevance_loss_is_told_with_the_known_ones():
    output = SimpleNamespace(
        relevance_logits=torch.zeros(1, 2), category_logits=torch.zeros(1, 3), unimodal_category_logits=None
    )
    with pytest.raises(ModelError, match="'median'.*mean, sum"):
        localization_loss(output, torch.zeros(1, 2, dtype=torch.long), torch.ones(1, 2, dtype=torch.bool), 0, "median")


def test_a_batch_without_events_has_a_finite_loss_and_gradient():
    logits = torch.zeros(2, 3, requires_grad=True)
    output = SimpleNamespace(
        relevance_logits=torch.zeros(2, 4), category_logits=logits, unimodal_category_logits=logits
    )
    loss = localization_loss(output, torch.full((2, 4), 3), torch.ones(2, 4, dtype=torch.bool))
    loss.total.backward()
    assert loss.category == 0
    assert logits.grad.abs().sum() == 0


def test_padding_says_nothing_about_the_clip():
    labels = torch.tensor([[1, 0, 0], [2, 2, 2]])
    mask = torch.tensor([[True, False, False], [True, True, True]])
    assert clip_categories(labels, mask, 2).tolist() == [1, NO_EVENT]


@pytest.mark.parametrize("task", [OBJECTIVES["decoupled"](3, "full", LossOptions()), Matching(3)])
def test_networks_get_no_mask_where_nothing_is_padded(task):
    masks = []
    batch = Batch((), torch.ones(1, 2, 1, 1, 4), torch.ones(1, 2, 5), torch.ones(1, 2).long(), torch.ones(1, 2) > 0)
    padded = replace(batch, mask=torch.tensor([[True, False]]))
    for each in (batch, padded):
        task.answer(lambda *inputs: masks.append(inputs[-1]), each)
    assert masks[0] is None
    assert masks[1] is padded.mask


def test_decoding_takes_the_clips_category_from_the_threshold_on():
    output = SimpleNamespace(
        relevance_logits=torch.tensor([[-1.0, 0.0, 2.0]]),
        category_logits=torch.tensor([[0.0, 5.0]]),
        unimodal_category_logits=None,
    )
    assert decode(output, 2).tolist() == [[2, 1, 1]]
    assert decode(output, 2, threshold=0.8).tolist() == [[2, 2, 1]]


def test_accuracy_adds_up_over_batches_and_leaves_padding_out():
    metric = SegmentAccuracy()
    metric.update(torch.tensor([[0, 1]]), torch.tensor([[0, 0]]), torch.tensor([[True, False]]))
    metric.update(torch.tensor([[2, 2, 2]]), torch.tensor([[2, 2, 0]]), torch.ones(1, 3, dtype=torch.bool))
    assert float(metric.compute()) == 0.75


def test_scores_say_what_decoding_says():
    output = SimpleNamespace(
        relevance_logits=torch.tensor([[2.0, -2.0], [2.0, -2.0]]),
        category_logits=torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 3.0]]),  # the second clip's best is background
    )
    scores = event_scores(output, 2)
    torch.testing.assert_close(scores.relevance[0], torch.tensor([2.0, -2.0]).sigmoid())
    assert scores.relevance[1].tolist() == [0, 0]
    torch.testing.assert_close(scores.categories.sum(-1), torch.ones(2, 2))
    said = torch.where(scores.relevance >= 0.5, scores.categories.argmax(-1), 2)
    assert said.tolist() == decode(output, 2).tolist() == [[0, 2], [2, 2]]
