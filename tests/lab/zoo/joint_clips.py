"""Tiny clips, and the comparison with an oracle, for the tests of networks with one choice per second."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from dmin.models.config import config_from
from oracles.checks import assert_agree, draw

TINY = {"category_names": ("Dog", "Rain", "Bell"), "visual_size": 5, "audio_size": 3, "regions": 6}
AVE = {"category_names": tuple(f"category {number}" for number in range(28))}
"""What a network of the AVE dataset has, its features being VGG-19's and VGGish's."""
LENGTHS = st.lists(st.integers(1, 5), min_size=1, max_size=3)
"""Real seconds of each clip."""


def clips(lengths, seconds, seed=0):
    """Maps [B, T, 2, 3, 5], audio [B, T, 3] and mask [B, T]."""
    mask = torch.arange(seconds) < torch.tensor(lengths)[:, None]
    return draw(len(lengths), seconds, 2, 3, 5, seed=seed), draw(len(lengths), seconds, 3, seed=seed + 1), mask


def assert_as_oracle(model, oracle, lengths):
    """Each clip of a batch, padded or of full length, answers as the oracle does for its real seconds alone."""
    _compare(model, oracle, lengths, max(lengths) + 1, masked=True)
    _compare(model, oracle, [max(lengths)] * len(lengths), max(lengths), masked=False)


def _compare(model, oracle, lengths, seconds, masked):
    visual, audio, mask = clips(lengths, seconds)
    output = model(visual, audio, mask if masked else None, return_attention=True)
    assert output.segment_logits.shape == (len(lengths), seconds, model.config.categories + 1)
    given = {"logits": output.segment_logits}
    if output.attention is not None:
        given["spatial"] = output.attention.spatial.flatten(2)
    if output.agreement is not None:
        given["agreement"] = output.agreement
    for clip, length in enumerate(lengths):
        real = (tensor[clip, :length].detach() for tensor in (visual.flatten(2, 3), audio))
        expected = oracle(model, *(tensor.numpy() for tensor in real))
        assert set(given) == set(expected)
        for name, values in given.items():
            assert_agree(values[clip, :length], expected[name])
            assert name == "logits" or (values[clip, length:] == 0).all()


def parameters(network, options):
    """Number of parameters that a network for AVE has, given a system's options for it."""
    return sum(
        parameter.numel() for parameter in network(config_from(network.config_type, {**AVE, **options})).parameters()
    )
