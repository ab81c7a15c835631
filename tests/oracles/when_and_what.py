"""Figures that tell *when* an event is from *what* it is, counted second by second. C is background."""

from __future__ import annotations


def event_accuracy(clips, background):
    """Clips: pairs of true labels and of yes or no for event, as the model has it that knows the category."""
    right = total = 0
    for labels, timed in clips:
        for label, said in zip(labels, timed, strict=True):
            is_event = label != background
            if is_event and said:
                right += 1
            if not is_event and not said:
                right += 1
            total += 1
    return right / total


def category_accuracy(clips, background):
    """Clips: pairs of true labels and best categories."""
    right = total = 0
    for labels, best in clips:
        for label, said in zip(labels, best, strict=True):
            if label == background:
                continue
            total += 1
            if said == label:
                right += 1
    return right / total if total else 0.0


def boundaries(events):
    """(second, kind) of each change from one second to the next."""
    found = []
    for second in range(1, len(events)):
        if events[second] and not events[second - 1]:
            found.append((second, "start"))
        if not events[second] and events[second - 1]:
            found.append((second, "end"))
    return found


def most_pairs(true, said, tolerance):
    """The most boundaries of the truth that can have one of the answer each: every choice is tried."""
    if not true:
        return 0
    (second, kind), rest = true[0], true[1:]
    best = most_pairs(rest, said, tolerance)  # without a partner
    for place, (other, other_kind) in enumerate(said):
        if kind == other_kind and abs(second - other) <= tolerance:
            best = max(best, 1 + most_pairs(rest, said[:place] + said[place + 1 :], tolerance))
    return best


def boundary_f1(clips, background, tolerance):
    """Clips: pairs of true labels and of yes or no for event."""
    hits = said_total = true_total = 0
    for labels, timed in clips:
        true, said = boundaries([label != background for label in labels]), boundaries(list(timed))
        hits += most_pairs(true, said, tolerance)
        true_total, said_total = true_total + len(true), said_total + len(said)
    return 2 * hits / (said_total + true_total) if said_total + true_total else 0.0
