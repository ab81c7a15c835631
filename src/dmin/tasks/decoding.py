"""From a network's answer to events, second by second: one reading of every kind of head (section VI-B)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from dmin.models.outputs import JointOutput


@dataclass(frozen=True)
class EventScores:
    """A network's answer as probabilities."""

    relevance: Tensor
    """[B, T]: is there an event in this second? 0 throughout a clip whose best category is background."""
    categories: Tensor
    """[B, T, C], each row summing to 1: which category, if any."""


@singledispatch
def event_scores(output: Any, categories: int) -> EventScores:
    """Read an answer, before any threshold.

    Where relevance and category are told apart, all seconds share the clip's category; where each second has one choice
    among the categories and background, relevance is the best category's share against background's, so that 0.5 is
    where the choice turns.

    Args:
        output: The network's answer, a `JointOutput` or what looks like a `DecoupledOutput`; with logits for C + 1
            categories the best one may be background itself.
        categories: C.

    Example:
        >>> output = JointOutput(torch.tensor([[[3.0, 1.0, 1.0], [0.0, 1.0, 2.0]]]))
        >>> [round(value, 3) for value in event_scores(output, 2).relevance[0].tolist()]
        [0.881, 0.269]
    """
    logits = output.category_logits
    background = logits.argmax(-1, keepdim=True) == categories  # [B, 1]
    relevance = output.relevance_logits.sigmoid().masked_fill(background, 0.0)
    shares = logits[:, None, :categories].softmax(-1).expand(-1, relevance.shape[1], -1)
    return EventScores(relevance, shares)


@event_scores.register
def _(output: JointOutput, categories: int) -> EventScores:
    events, background = output.segment_logits[..., :categories], output.segment_logits[..., categories]
    relevance = (events.amax(-1) - background).sigmoid()
    return EventScores(relevance, events.softmax(-1))


@singledispatch
def category_relevance(output: Any, categories: int) -> Tensor:
    """Relevance of each second [B, T, C], were it known that the clip is of this category and of no other.

    Where relevance and category are told apart, it is the same for all categories; where each second has one choice, it
    is the category's share against background's.

    Args:
        output: The network's answer, as for `event_scores`.
        categories: C.

    Example:
        >>> output = JointOutput(torch.tensor([[[3.0, 1.0, 1.0], [0.0, 1.0, 2.0]]]))
        >>> [[round(value, 3) for value in second] for second in category_relevance(output, 2)[0].tolist()]
        [[0.881, 0.5], [0.119, 0.269]]
    """
    relevance: Tensor = output.relevance_logits.sigmoid()
    return relevance[..., None].expand(*relevance.shape, categories)


@category_relevance.register
def _(output: JointOutput, categories: int) -> Tensor:
    events, background = output.segment_logits[..., :categories], output.segment_logits[..., categories:]
    return (events - background).sigmoid()


def decode(output: Any, categories: int, threshold: float = 0.5) -> Tensor:
    """Label of each second: its best category where relevance reaches the threshold, else background C.

    Args:
        output: The network's answer.
        categories: C.
        threshold: Lowest relevance that counts as event (section VI-B: s_t >= 0.5).

    Returns:
        [B, T] in 0..C.
    """
    return decode_scores(event_scores(output, categories), threshold)


def decode_scores(scores: EventScores, threshold: float) -> Tensor:
    """As `decode`, from what was read of an answer.

    Args:
        scores: With any axes before time; categories have one more at the end.
        threshold: Lowest relevance that counts as event.
    """
    return torch.where(is_event(scores.relevance, threshold), scores.categories.argmax(-1), scores.categories.shape[-1])


def is_event(relevance: Tensor, threshold: float) -> Tensor:
    """Tell seconds that count as event; one of no relevance at all never does, even if the threshold is 0."""
    return (relevance >= threshold) & (relevance > 0)
