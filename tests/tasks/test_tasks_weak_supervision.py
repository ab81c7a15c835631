from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import clip_labels
from dmin.errors import ModelError
from dmin.tasks.weak_supervision import POOLINGS, weak_loss


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def literal_clip(category, relevance, labels, pooling):
    """One clip, second by second."""
    if pooling == "probabilities":
        best = max(sigmoid(r) for r in relevance)
        shares = [best * q for q in softmax(category)]
        shares[-1] = 1 - sum(shares[:-1])
    else:
        pooled = [max(sigmoid(r) * z for r in relevance) for z in category]
        shares = [sigmoid(score) for score in softmax(np.array(pooled))]
    return -np.mean([np.log(p) if y else np.log(1 - p) for p, y in zip(shares, labels, strict=True)])


def draw(clips, seconds, categories, seed):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    output = SimpleNamespace(
        relevance_logits=normal(clips, seconds),
        category_logits=normal(clips, categories + 1),
        unimodal_relevance_logits=normal(clips, seconds),
        unimodal_category_logits=normal(clips, categories + 1),
    )
    labels = torch.randint(0, categories + 1, (clips, seconds), generator=generator)
    mask = torch.arange(seconds)[None] < torch.randint(1, seconds + 1, (clips, 1), generator=generator)
    return output, labels, mask


@given(
    st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(0, 999), st.floats(0, 1),
    st.sampled_from(sorted(POOLINGS)),
)  # fmt: skip
def test_the_loss_is_equation_18(clips, seconds, categories, seed, weight, pooling):
    output, labels, mask = draw(clips, seconds, categories, seed)
    literal = 0.0
    for i in range(clips):
        real = mask[i].numpy()
        present = {int(label) for label in labels[i][mask[i]] if label < categories} or {categories}
        target = [c in present for c in range(categories + 1)]
        pair = [
            literal_clip(one.detach()[i].numpy(), two.detach()[i].numpy()[real], target, pooling)
            for one, two in (
                (output.category_logits, output.relevance_logits),
                (output.unimodal_category_logits, output.unimodal_relevance_logits),
            )
        ]
        literal += ((1 - weight) * pair[0] + weight * pair[1]) / clips
    assert abs(weak_loss(output, labels, mask, weight, pooling).total.item() - literal) < 1e-9


@pytest.mark.parametrize("pooling", sorted(POOLINGS))
def test_gradients_reach_every_logit_that_may_speak_and_no_padding(pooling):
    output, labels, _ = draw(2, 4, 3, 0)
    mask = torch.tensor([[True, True, False, False], [True] * 4])
    weak_loss(output, labels, mask, pooling=pooling).total.backward()
    assert (output.category_logits.grad != 0).all()
    assert (output.relevance_logits.grad[0, 2:] == 0).all()
    assert (output.relevance_logits.grad != 0).any(1).all()


def test_huge_logits_have_a_finite_loss():
    output, labels, mask = draw(1, 2, 2, 0)
    for name in vars(output):
        setattr(output, name, (getattr(output, name).detach() * 1e4).requires_grad_())
    loss = weak_loss(output, labels, mask).total
    loss.backward()
    assert loss.isfinite()
    assert output.category_logits.grad.isfinite().all()


def test_only_which_categories_a_clip_has_counts():
    output, labels, mask = draw(1, 4, 2, 0)
    labels = torch.tensor([[2, 1, 1, 2]])
    mask = torch.ones_like(mask)
    assert weak_loss(output, labels, mask).total == weak_loss(output, labels.roll(1), mask).total
    assert clip_labels(labels, mask, 2).tolist() == [[0, 1, 0]]


def test_errors():
    output, labels, mask = draw(1, 4, 2, 0)
    with pytest.raises(ModelError, match="did you mean 'logits'"):
        weak_loss(output, labels, mask, pooling="logit")
    output.unimodal_relevance_logits = None
    with pytest.raises(ModelError, match="supervision='weak'"):
        weak_loss(output, labels, mask)
