from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.layers import DenseInterModalityAttention, InterModalityConfig, MultiHeadAttention, full_channel_pair_product
from oracles import attention as oracle
from oracles.basics import weights_of
from oracles.checks import FEW, assert_agree, assert_gradients, assert_reaches_all, draw, in_float64

UNDROPPED = InterModalityConfig(heads=2, dropout=0.0)
sizes = {
    "heads": st.integers(1, 3),
    "size": st.integers(1, 4),
    "seconds": st.integers(1, 5),
    "batch": st.integers(1, 3),
}


@FEW
@given(size=st.integers(1, 6), alpha=st.floats(0, 1), seed=st.integers(0, 99))
def test_full_channel_pair_product(size, alpha, seed):
    queries, keys = draw(3, size, seed=seed), draw(4, size, seed=seed + 100)
    literal = [
        [oracle.full_channel_pair_product(q, k, alpha) for k in keys.detach().numpy()] for q in queries.detach().numpy()
    ]
    assert_agree(full_channel_pair_product(queries, keys, alpha), literal)


def test_the_mean_over_cyclic_shifts_is_the_sum_divided_by_the_size():
    query, key = np.random.default_rng(0).standard_normal((2, 5))
    total = oracle.full_channel_pair_product(query, key, 0.3)
    assert oracle.rolled_channel_pair_product(query, key, 0.3) == pytest.approx(total / 5)


def test_equal_weights_make_it_the_product_of_the_sums():
    query, key = draw(1, 4), draw(1, 4, seed=1)
    assert_agree(full_channel_pair_product(query, key, 1 / 4), (query.sum() * key.sum() / 4).reshape(1, 1).detach())


@FEW
@given(**sizes, memory_seconds=st.integers(1, 5))
def test_multi_head_attention(heads, size, seconds, batch, memory_seconds):
    module = in_float64(MultiHeadAttention(heads * size, heads, dropout=0.3))
    queries, memory = draw(batch, seconds, heads * size), draw(batch, memory_seconds, heads * size, seed=1)
    attended = module(queries, memory=memory, return_weights=True)
    for clip in range(batch):
        values, weights = oracle.dot_product_attention(
            weights_of(module), heads, queries[clip].detach().numpy(), memory[clip].detach().numpy()
        )
        assert_agree(attended.values[clip], values)
        assert_agree(attended.weights[clip], weights)


@pytest.mark.parametrize("products", list(itertools.product(["mha", "dfa"], repeat=2)))
@FEW
@given(**sizes, other_seconds=st.integers(1, 5), alpha=st.floats(0, 1), mean_pairs=st.booleans())
def test_dense_inter_modality_attention(products, heads, size, seconds, other_seconds, batch, alpha, mean_pairs):
    config = InterModalityConfig(heads=heads, dropout=0.3, alpha=alpha, mean_pairs=mean_pairs)
    module = in_float64(DenseInterModalityAttention(heads * size, config, *products))
    own, other = draw(batch, seconds, heads * size), draw(batch, other_seconds, heads * size, seed=1)
    attended = module(own, other, return_weights=True)
    for clip in range(batch):
        pair = (sequence[clip].detach().numpy() for sequence in (own, other))
        values, weights = oracle.inter_modality_attention(weights_of(module), heads, *pair, alpha, mean_pairs, products)
        assert_agree(attended.values[clip], values)
        assert_agree(attended.weights[clip], weights)


@pytest.mark.parametrize("module", [MultiHeadAttention(6, 2, 0.0), DenseInterModalityAttention(6, UNDROPPED)])
class TestEachAttention:
    def attend(self, module, first, second, mask=None, return_weights=False):
        if isinstance(module, MultiHeadAttention):
            return module(first, mask, memory=second, return_weights=return_weights)
        return module(first, second, mask, mask, return_weights)

    def test_asking_for_weights_changes_no_value(self, module):
        in_float64(module)
        first, second = draw(2, 4, 6), draw(2, 4, 6, seed=1)
        mask = torch.tensor([[True] * 4, [True, True, False, False]])
        fast, open_ = (self.attend(module, first, second, mask, asked) for asked in (False, True))
        assert fast.weights is None
        assert_agree(fast.values, open_.values.detach().numpy())
        assert_agree(open_.weights.sum(-1), torch.ones(2, 2, 4))

    def test_padding_gets_no_weight_and_changes_nothing(self, module):
        in_float64(module)
        first, second = draw(1, 5, 6), draw(1, 5, 6, seed=1)
        mask = torch.tensor([[True, True, True, False, False]])
        padded = self.attend(module, first, second, mask, return_weights=True)
        short = self.attend(module, first[:, :3], second[:, :3])
        assert_agree(padded.values[:, :3], short.values.detach().numpy())
        real = mask if padded.weights.shape[-1] == 5 else mask.repeat(1, 2)
        assert padded.weights[..., ~real[0]].abs().max() == 0

    def test_gradients(self, module):
        in_float64(module)
        mask = torch.tensor([[True, True, False]])
        inputs = draw(1, 3, 6), draw(1, 3, 6, seed=1)
        for asked in (False, True):
            assert_gradients(module, lambda a, b, asked=asked: self.attend(module, a, b, mask, asked).values, *inputs)

    def test_gradients_reach_all_parameters(self, module):
        in_float64(module)
        assert_reaches_all(module, self.attend(module, draw(1, 3, 6), draw(1, 3, 6, seed=1)).values.square().sum())


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("kind", [MultiHeadAttention, DenseInterModalityAttention])
def test_dropout_falls_on_weights_in_training_only(kind, asked, monkeypatch):
    """Both ways to attend drop the share that the module was built with, and nothing in evaluation."""
    shares = []
    fused, dropped = torch.nn.functional.scaled_dot_product_attention, torch.nn.functional.dropout

    def record_fused(*tensors, attn_mask=None, dropout_p):
        shares.append(dropout_p)
        return fused(*tensors, attn_mask=attn_mask, dropout_p=dropout_p)

    def record_dropped(weights, share):
        shares.append(share)
        return dropped(weights, share)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", record_fused)
    monkeypatch.setattr(torch.nn.functional, "dropout", record_dropped)
    module = MultiHeadAttention(4, 1, dropout=0.9)
    if kind is DenseInterModalityAttention:
        module = DenseInterModalityAttention(4, InterModalityConfig(heads=1, dropout=0.9))
    sequence = torch.rand(1, 8, 4)
    inputs = (sequence,) if kind is MultiHeadAttention else (sequence, sequence)
    in_training = [module(*inputs, return_weights=asked).values for _ in range(2)]
    assert not torch.equal(*in_training)
    module.eval()
    in_evaluation = [module(*inputs, return_weights=asked).values for _ in range(2)]
    assert torch.equal(*in_evaluation)
    assert shares == [0.9, 0.9, 0.0, 0.0]


@pytest.mark.parametrize("masked", ["own", "other"])
def test_a_missing_mask_means_that_all_is_real(masked):
    module = in_float64(DenseInterModalityAttention(6, UNDROPPED))
    own, other = draw(2, 4, 6), draw(2, 3, 6, seed=1)
    every = {"own": torch.ones(2, 4, dtype=torch.bool), "other": torch.ones(2, 3, dtype=torch.bool)}
    some = {name: mask.clone() for name, mask in every.items()}
    some[masked][:, -1] = False
    alone = module(own, other, **{"mask" if masked == "own" else "other_mask": some[masked]}, return_weights=True)
    both = module(own, other, some["own"], some["other"], return_weights=True)
    assert_agree(alone.weights, both.weights.detach().numpy())
    last = 3 if masked == "own" else 6
    assert alone.weights[..., last].abs().max() == 0
    assert (alone.weights.sum((0, 1, 2)) > 0).sum() == 6
