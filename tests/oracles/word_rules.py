"""The rules of labels in words, one second at a time, as one would do them by hand."""

from __future__ import annotations

import math


def probabilities(fit: list[float]) -> list[float]:
    """Softmax of one second's fits to K texts."""
    top = max(fit)
    powers = [math.exp(value - top) for value in fit]
    return [power / sum(powers) for power in powers]


def chosen(fit: list[float]) -> int:
    return max(range(len(fit)), key=lambda place: fit[place])


def clears(fit: list[float], place: int, floor: float) -> float:
    """Logit by which a text clears its floor, or, if that is less, the best other text."""
    share = probabilities(fit)[place]
    best_other = max(value for other, value in enumerate(fit) if other != place)
    return min(math.log(share / (1 - share)) - math.log(floor / (1 - floor)), fit[place] - best_other)


def agreement(visual, audio, joint, labels, visual_floor, audio_floor) -> int | None:
    """The label of a second that is an event; None if it is none."""
    place = chosen(visual)
    if place != chosen(audio) or place >= labels:
        return None
    enough = probabilities(visual)[place] >= visual_floor and probabilities(audio)[place] >= audio_floor
    return place if enough else None


def product(visual, audio, joint, labels, visual_floor, audio_floor) -> int | None:
    seen, heard = probabilities(visual), probabilities(audio)
    both = [seen[place] * heard[place] for place in range(labels)]
    place = chosen(both)
    return place if both[place] >= visual_floor * audio_floor else None


def joint(visual, audio, joint, labels, visual_floor, audio_floor) -> int | None:
    place = chosen(joint)
    if place >= labels or probabilities(joint)[place] < math.sqrt(visual_floor * audio_floor):
        return None
    return place


def fits(picture, sound, visual_texts, audio_texts, visual_scale, audio_scale) -> tuple[list, list, list]:
    """Scaled cosines of one second with each text: by its picture, by its sound, by the sum of both."""
    seen = [visual_scale * cosine(picture, text) for text in visual_texts]
    heard = [audio_scale * cosine(sound, text) for text in audio_texts]
    scale = (visual_scale + audio_scale) / 2
    both = added(picture, sound)
    texts = zip(visual_texts, audio_texts, strict=True)
    return seen, heard, [scale * cosine(both, added(visual, audio)) for visual, audio in texts]


def added(one, other):
    return [a + b for a, b in zip(unit(one), unit(other), strict=True)]


def unit(vector):
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector]


def cosine(one, other):
    return sum(a * b for a, b in zip(unit(one), unit(other), strict=True))
