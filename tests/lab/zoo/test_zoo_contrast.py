"""CACE-Net's losses against literal loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from dmin.data.clips import Batch
from dmin.lab.zoo.contrast import ContrastOutput, ContrastSupervision, contrast_loss
from dmin.tasks.objectives import OBJECTIVES, LossOptions
from oracles import cace as oracle
from oracles.basics import sigmoid
from oracles.checks import draw

CATEGORIES, LENGTHS = 3, (5, 2, 4)
LABELS = torch.tensor([[3, 1, 1, 3, 1], [3, 3, 0, 0, 0], [2, 0, 0, 0, 3]])
"""The second clip has no event; in its padding stands what must not be looked at."""
MASK = torch.arange(5) < torch.tensor(LENGTHS)[:, None]


def vectors(seed):
    return normalize(draw(3, 5, 6, seed=seed).detach(), dim=-1).requires_grad_()


def outcome():
    return ContrastOutput(
        draw(3, 5, seed=1),
        draw(3, CATEGORIES, seed=2),
        gates=draw(3, 5, seed=3).sigmoid(),
        side_logits=draw(3, CATEGORIES, seed=4),
        queries=vectors(5),
        keys=vectors(6),
    )


def batch():
    nothing = torch.zeros(3, 5, 1)
    return Batch((), nothing, nothing, LABELS, MASK)


def literal_contrast(queries, keys):
    losses = []
    for clip, length in enumerate(LENGTHS):
        real = (side[clip, :length].detach().numpy() for side in (queries, keys))
        losses += oracle.contrast(*real, (LABELS[clip, :length] < CATEGORIES).tolist())
    return sum(losses) / len(losses)


def test_contrast_against_the_oracle():
    queries, keys = vectors(5), vectors(6)
    loss = contrast_loss(queries, keys, LABELS < CATEGORIES, MASK)
    assert loss.item() == pytest.approx(literal_contrast(queries, keys), abs=1e-9)
    assert torch.autograd.gradcheck(lambda q, k: contrast_loss(q, k, LABELS < CATEGORIES, MASK), (queries, keys))


def test_padding_and_length_do_not_matter():
    queries, keys = vectors(5), vectors(6)
    more = torch.ones(3, 2, dtype=torch.bool)
    longer = [torch.cat([side, torch.ones(3, 2, 6)], 1) for side in (queries, keys)]
    event, mask = torch.cat([LABELS < CATEGORIES, more], 1), torch.cat([MASK, ~more], 1)
    alone = contrast_loss(queries, keys, LABELS < CATEGORIES, MASK)
    torch.testing.assert_close(contrast_loss(*longer, event, mask), alone)


def test_vectors_of_no_length_have_finite_gradients():
    queries = torch.zeros(3, 5, 6, requires_grad=True)
    contrast_loss(queries, queries, LABELS < CATEGORIES, MASK).backward()
    assert queries.grad.isfinite().all()


def test_all_losses_are_added():
    output = outcome()
    terms = ContrastSupervision(CATEGORIES, contrast_weight=2.0).losses(output, batch())
    relevance, gates = [], []
    for clip, length in enumerate(LENGTHS):
        for second in range(length):
            event = LABELS[clip, second] < CATEGORIES
            for losses, logit in ((relevance, output.relevance_logits), (gates, output.gates)):
                share = sigmoid([logit[clip, second].item()])[0]  # of a gate, too, which is within 0 and 1 already
                losses.append(-math.log(share if event else 1 - share))
    clips = {0: 1, 2: 0}  # the category with the most seconds; the second clip has none
    category, side = (
        -sum(logits[clip].log_softmax(-1)[label].item() for clip, label in clips.items()) / 2
        for logits in (output.category_logits, output.side_logits)
    )
    expected = {
        "relevance_loss": sum(relevance) / len(relevance),
        "category_loss": category,
        "gate_loss": sum(gates) / len(gates),
        "side_loss": side,
        "contrast_loss": literal_contrast(output.queries, output.keys),
    }
    assert {name: terms[name].item() for name in expected} == pytest.approx(expected, abs=1e-9)
    assert terms["loss"].item() == pytest.approx(sum(expected.values()) + expected["contrast_loss"], abs=1e-9)


def test_the_weight_is_an_option():
    for weight in (0.0, 1.0):
        task = OBJECTIVES["contrast"](CATEGORIES, "full", LossOptions(contrast_weight=weight, select="clip"))
        assert (task.contrast_weight, task.relevance_loss, task.select) == (weight, "mean", "clip")
