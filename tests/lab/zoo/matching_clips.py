"""What the tests of the compared systems of matching share: tiny clips and their queries."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from oracles.checks import draw

SIZES = {"visual_size": 5, "audio_size": 3}
AVE = {"visual_size": 512, "audio_size": 128}
DIRECTIONS = st.sampled_from(["a2v", "v2a"])


@st.composite
def queries(draw_one):
    """(first second, seconds, real seconds of the clip) of one to three clips."""
    clips = []
    for _ in range(draw_one(st.integers(1, 3))):
        real = draw_one(st.integers(1, 5))
        start = draw_one(st.integers(0, real - 1))
        clips.append((start, draw_one(st.integers(1, real - start)), real))
    return clips


def matching_clips(queries, padding=0, seed=0):
    """Averaged maps [B, T, 5], audio [B, T, 3], query_mask [B, T], mask [B, T]."""
    second = torch.arange(max(real for _, _, real in queries) + padding)
    start, length, real = torch.tensor(queries).T[..., None]
    query_mask, mask = (second >= start) & (second < start + length), second < real
    shape = len(queries), len(second)
    return draw(*shape, 5, seed=seed), draw(*shape, 3, seed=seed + 1), query_mask, mask


def clip_by_clip(direction, visual, audio, query_mask, mask):
    """(asking [S, D], query [S], asked [T, D]) of each clip, as arrays without padding."""
    asking, asked = (audio, visual) if direction == "a2v" else (visual, audio)
    for clip, length in enumerate(mask.sum(1).tolist()):
        parts = (tensor[clip, :length].detach().numpy() for tensor in (asking, query_mask, asked))
        yield tuple(parts)
