from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.layers.inter_modality import INTER_MODALITY, InterModalityConfig
from lab.zoo.layers.cross_clips import LENGTHS, assert_as_oracle, pair, real
from oracles import blocks
from oracles.attention import inter_modality_attention
from oracles.basics import part, weights_of
from oracles.checks import FEW, assert_agree, assert_finite, assert_reaches_all, draw, in_float64
from oracles.cmca import co_attention
from oracles.fgnl import modified, unmodified
from oracles.gnl import generalized_non_local
from oracles.han import hybrid_attention

WIDTH = 8
OPTIONS = InterModalityConfig(heads=2, hidden=5, dropout=0.5, alpha=0.3)
names = pytest.mark.parametrize("name", list(INTER_MODALITY))


def products(own, other):
    return lambda weights, *pair: inter_modality_attention(
        weights, OPTIONS.heads, *pair, OPTIONS.alpha, OPTIONS.mean_pairs, (own, other)
    )


ATTENTIONS = {
    "dima": products("mha", "dfa"),
    "cmra": products("mha", "mha"),
    "dfa-mha": products("dfa", "mha"),
    "dfa-dfa": products("dfa", "dfa"),
    "han": lambda weights, *pair: hybrid_attention(weights, OPTIONS.heads, *pair),
    "gnl-star": lambda weights, *pair: (generalized_non_local(weights, 8, "softmax", True, *pair), None),
    "gnl": lambda weights, *pair: (generalized_non_local(weights, 8, "softmax", False, *pair), None),
    "fgnl-star": lambda weights, *pair: modified(weights, OPTIONS.heads, *pair),
    "fgnl": unmodified,
}
"""Those with eq. 10 around them."""

WITHOUT = {"cmca": co_attention, "none": lambda weights, encoded, other: encoded}
"""Those without."""


def slot(name):
    return in_float64(INTER_MODALITY[name](WIDTH, OPTIONS))


def test_what_there_is():
    assert set(INTER_MODALITY) == {*ATTENTIONS, *WITHOUT}


@pytest.mark.parametrize("name", list(ATTENTIONS))
@FEW
@given(lengths=LENGTHS)
def test_with_eq_10_around(name, lengths):
    module = slot(name)
    weights = weights_of(module)

    def literal(own, other):
        attended, maps = ATTENTIONS[name](part(weights, "attention"), own, other)
        return blocks.around(weights, attended, own), maps

    assert module.takes_own
    assert_as_oracle(lambda own, other, *rest: module(own, None, other, *rest), literal, lengths, WIDTH)


@pytest.mark.parametrize("name", list(WITHOUT))
@FEW
@given(lengths=LENGTHS)
def test_without(name, lengths):
    module = slot(name)
    weights = weights_of(module)

    def literal(encoded, other):
        return WITHOUT[name](weights, encoded, other), None

    assert not module.takes_own
    assert_as_oracle(lambda encoded, *rest: module(None, encoded, *rest), literal, lengths, WIDTH)


@names
@FEW
@given(data=st.data())
def test_what_may_not_be_looked_at_changes_nothing(name, data):
    # In matching only the query's seconds may be looked at, and they may stand in the middle of a clip.
    module, time = slot(name), 4
    whole = data.draw(st.integers(1, time))
    holes = st.lists(st.booleans(), min_size=time, max_size=time).filter(any)
    mask = torch.tensor([data.draw(holes)]) if module.takes_own else real([whole], time)
    other_mask = torch.tensor([data.draw(holes)])
    x, e, y, noise = (draw(1, time, WIDTH, seed=seed) for seed in range(4))
    calm = module(x, e, y, mask, other_mask).values
    unlike = [torch.where(keep[..., None], kept, 9 * noise) for keep, kept in ((mask, x), (mask, e), (other_mask, y))]
    assert_agree(module(*unlike, mask, other_mask).values[mask], calm[mask].detach().numpy())


@names
def test_gradients(name):
    module = slot(name)
    own, other = pair(width=WIDTH)
    masks = real([3, 1], 3), real([2, 4], 4)
    if list(module.parameters()):
        assert_reaches_all(module, module(own, own, other, *masks).values.pow(3).sum())
        assert_finite(module, module(0 * own, 0 * own, 0 * other, *masks).values.sum())


@names
def test_half_precision(name):
    module = slot(name).to(torch.bfloat16)
    own, other = (sequence.bfloat16() for sequence in pair(width=WIDTH))
    values = module(own, own, other, real([3, 1], 3), real([2, 4], 4)).values
    assert values.dtype == torch.bfloat16
    assert values.isfinite().all()


def test_as_many_parameters_as_published():
    for name in ("dima", "cmra"):
        assert sum(p.numel() for p in INTER_MODALITY[name](256, InterModalityConfig()).parameters()) == 1_315_072


def test_an_unknown_name():
    with pytest.raises(ModelError, match="unknown inter-modality attention 'fgnl-sta': did you mean 'fgnl-star'"):
        INTER_MODALITY["fgnl-sta"]


@pytest.mark.parametrize("name", ["gnl-star", "gnl"])
def test_a_width_that_does_not_fit_the_groups(name):
    with pytest.raises(ModelError, match="width is 12 and GNL has 8 groups"):
        INTER_MODALITY[name](12, InterModalityConfig())
