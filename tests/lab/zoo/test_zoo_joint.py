"""Losses of joint heads against literal loops, and how their answers are read."""

import math

import numpy as np
import pytest
import torch

from dmin.data.clips import Batch, Window
from dmin.errors import ModelError
from dmin.lab.zoo.joint import JointFullSupervision, JointWeakSupervision, agreement_loss, clip_proportions
from dmin.models.outputs import DecoupledOutput, JointOutput
from dmin.tasks.decoding import decode, event_scores

CATEGORIES, LENGTHS = 3, (5, 2, 4)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, CATEGORIES + 1, (3, 5), generator=generator)
    labels[1] = CATEGORIES
    mask = torch.arange(5) < torch.tensor(LENGTHS)[:, None]
    features = torch.zeros(3, 5, 1)
    return Batch(tuple(Window(str(i), 0, n) for i, n in enumerate(LENGTHS)), features, features, labels, mask)


@pytest.fixture
def output():
    generator = torch.Generator().manual_seed(2)
    logits = 3 * torch.randn(3, 5, CATEGORIES + 1, generator=generator, dtype=torch.float64)
    return JointOutput(logits, torch.rand(3, 5, generator=generator, dtype=torch.float64))


def softmax(row):
    parts = [math.exp(value) for value in row]
    return [part / sum(parts) for part in parts]


def soft_margin(scores, targets):
    """Mean over labels of the binary cross-entropy of a sigmoid of the scores."""
    total = 0.0
    for score, target in zip(scores, targets, strict=True):
        sure = 1 / (1 + math.exp(-score))
        total -= target * math.log(sure) + (1 - target) * math.log(1 - sure)
    return total / len(scores)


def real(batch):
    return [(clip, second) for clip, length in enumerate(LENGTHS) for second in range(length)]


def test_full_supervision_is_the_mean_over_real_seconds(batch, output):
    entropies, margins = [], []
    for clip, second in real(batch):
        shares = softmax(output.segment_logits[clip, second].tolist())
        label = int(batch.labels[clip, second])
        entropies.append(-math.log(shares[label]))
        margins.append(soft_margin(shares, [float(i == label) for i in range(CATEGORIES + 1)]))
    loss = JointFullSupervision(CATEGORIES).losses(output, batch)["loss"]
    assert float(loss) == pytest.approx(np.mean(entropies), rel=1e-9)
    loss = JointFullSupervision(CATEGORIES, "soft-margin").losses(output, batch)["loss"]
    assert float(loss) == pytest.approx(np.mean(margins), rel=1e-9)


def test_the_pair_loss_compares_shares_over_time(batch, output):
    total = 0.0
    for clip, length in enumerate(LENGTHS):
        alike = output.agreement[clip, :length].tolist()
        event = [float(label < CATEGORIES) for label in batch.labels[clip, :length].tolist()]
        for one, other in zip(alike, event, strict=True):
            total += (one / sum(alike) - (other / sum(event) if sum(event) else 0.0)) ** 2
    expected = total / sum(LENGTHS)
    found = agreement_loss(output.agreement, batch.labels < CATEGORIES, batch.mask)
    assert float(found) == pytest.approx(expected, rel=1e-9)
    losses = JointFullSupervision(CATEGORIES, agreement_weight=100.0).losses(output, batch)
    assert float(losses["loss"] - losses["segment_loss"]) == pytest.approx(100 * expected, rel=1e-9)
    with pytest.raises(ModelError, match="agreement_weight is 100, but the network gives no agreement"):
        JointFullSupervision(CATEGORIES, agreement_weight=100.0).losses(JointOutput(output.segment_logits), batch)


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("target", ["labels", "proportions"])
def test_weak_supervision_pools_over_real_seconds(batch, output, pooling, target):
    expected = []
    for clip, length in enumerate(LENGTHS):
        rows = output.segment_logits[clip, :length].numpy()
        shares = softmax(rows.max(0) if pooling == "max" else rows.mean(0))
        labels = batch.labels[clip, :length].tolist()
        known = [labels.count(label) / length for label in range(CATEGORIES + 1)]
        if target == "labels":
            known = [float(share > 0) for share in known]
            known[CATEGORIES] = float(not any(known[:CATEGORIES]))
        if pooling == "max":
            expected.append(soft_margin(shares, known))
        else:
            entropy = [-y * math.log(p) - (1 - y) * math.log(1 - p) for y, p in zip(known, shares, strict=True)]
            expected.append(np.mean(entropy))
    loss = JointWeakSupervision(CATEGORIES, pooling, target).losses(output, batch)["loss"]
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-7)


def test_misspelt_options_are_named(batch, output):
    with pytest.raises(ModelError, match="unknown segment_loss 'cross entropy': did you mean 'cross-entropy'"):
        JointFullSupervision(CATEGORIES, "cross entropy").losses(output, batch)
    with pytest.raises(ModelError, match="unknown mil_pooling of a joint head 'logits'.*Known: max, mean"):
        JointWeakSupervision(CATEGORIES, "logits").losses(output, batch)
    with pytest.raises(ModelError, match="unknown clip_target 'label': did you mean 'labels'"):
        JointWeakSupervision(CATEGORIES, clip_target="label").losses(output, batch)


def test_proportions_leave_padding_out(batch):
    shares = clip_proportions(batch.labels, batch.mask, CATEGORIES)
    torch.testing.assert_close(shares.sum(1), torch.ones(3))
    assert shares[1, CATEGORIES] == 1


def test_a_joint_answer_is_decoded_by_its_largest_logit(output):
    assert torch.equal(decode(output, CATEGORIES), output.segment_logits.argmax(-1))
    scores = event_scores(output, CATEGORIES)
    assert torch.equal(scores.relevance >= 0.5, output.segment_logits.argmax(-1) < CATEGORIES)
    careful = decode(output, CATEGORIES, threshold=0.9)
    assert (careful < CATEGORIES).sum() < (decode(output, CATEGORIES) < CATEGORIES).sum()


def test_seconds_of_a_decoupled_answer_share_the_clips_category():
    output = DecoupledOutput(torch.tensor([[2.0, -2.0]]), torch.tensor([[0.0, 1.0]]))
    assert decode(output, 2).tolist() == [[1, 2]]
    scores = event_scores(output, 2)
    assert scores.categories.shape == (1, 2, 2)
    assert torch.equal(scores.categories[:, 0], scores.categories[:, 1])
