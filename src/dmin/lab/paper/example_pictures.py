"""Chooses the clips of the paper's figures by rules, and prepares the trained systems' answers for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dmin.errors import DataError
from dmin.lab.paper.drawing.attended_seconds import Attended, QuerySecond, attended_figure
from dmin.lab.paper.drawing.attention_grids import AttentionGrid, ClipGrids, grids_figure
from dmin.lab.paper.drawing.region_rows import ClipRegions, RegionMaps, regions_figure
from dmin.lab.paper.drawing.system_lanes import ClipAnswers, SystemAnswers, systems_figure
from dmin.lab.paper.examples import Answer, AskedSystem, Example
from dmin.models import LocalizationModel, MatchingModel

CLIPS = 2
"""Number of clips that the rules of Fig. 7, 8 and 10 choose."""
COLUMNS = 3
"""Number of seconds of each kind in Fig. 9."""
SHORTEST_EVENT = 3


def where_answers_differ(asked: Sequence[AskedSystem]) -> list[str]:
    """The first clips by id to which the systems' answers differ, whoever is right; the first of all if none do."""
    ids = [answer.video_id for answer in asked[0].answers]
    differing = [video_id for video_id in ids if len({system.answer(video_id).labels for system in asked}) > 1]
    return (differing or ids)[:CLIPS]


def events_and_background(asked: Sequence[AskedSystem]) -> list[str]:
    """The first clips by id with an event, then the next ones with background."""
    answers = asked[0].answers
    events = [answer.video_id for answer in answers if any(answer.truth)][:COLUMNS]
    rest = [answer for answer in answers if answer.video_id not in events]
    return events + [answer.video_id for answer in rest if not all(answer.truth)][:COLUMNS]


def with_room(asked: Sequence[AskedSystem]) -> list[str]:
    """The first clips by id whose event is long enough, and shorter than the clip."""
    return [
        answer.video_id
        for answer in asked[0].answers
        if SHORTEST_EVENT <= sum(label is not None for label in answer.truth) < len(answer.truth)
    ][:CLIPS]


def answers(asked: Sequence[AskedSystem], examples: Sequence[Example]) -> list[Figure]:
    """Fig. 7 and 8: a picture per clip, a lane per system."""
    return [_answers(asked, example) for example in examples]


def _answers(asked: Sequence[AskedSystem], example: Example) -> Figure:
    query: Literal["picture", "sound"] | None = None
    first = asked[0].model
    if isinstance(first, MatchingModel):
        query = "sound" if first.config.direction == "a2v" else "picture"
    systems = tuple(_system(system, example) for system in asked)
    truth = asked[0].answer(example.video_id).truth
    about = "a query's true place and the windows found" if query else "the truth, and what each system says"
    background = "background" if query is None else "elsewhere"
    clip = ClipAnswers(
        example.video_id,
        about,
        truth,
        systems,
        example.frames,
        example.waveform,
        _category_names(asked),
        query,
        background,
    )
    return systems_figure(clip)


def _system(system: AskedSystem, example: Example) -> SystemAnswers:
    answer = system.answer(example.video_id)
    if isinstance(system.model, MatchingModel):
        late = answer.labels.index("query") - answer.truth.index("query")
        score = "exact" if not late else f"{abs(late)} s too\n{'late' if late > 0 else 'early'}"
        return SystemAnswers(system.name, answer.labels, score)
    attention = None
    if example.frames is not None and (spatial := system.attention(example.video_id).spatial) is not None:
        attention = spatial[0].numpy()
    return SystemAnswers(system.name, answer.labels, attention=attention)


def regions(asked: Sequence[AskedSystem], examples: Sequence[Example]) -> list[Figure]:
    """Fig. 9: columns are seconds of several clips, rows are systems.

    Raises:
        DataError: No frames are at hand, or a system does not look at regions.
    """
    events = sum(any(asked[0].answer(example.video_id).truth) for example in examples[:COLUMNS])
    frames, truth, seconds = [], [], []
    for number, example in enumerate(examples):
        if example.frames is None:
            raise DataError(f"no video of {example.video_id} is at hand: give their folder with --videos")
        answer = asked[0].answer(example.video_id)
        seconds.append(_middle(answer, event=number < events))
        frames.append(example.frames[seconds[-1]])
        truth.append(answer.truth[seconds[-1]])
    maps = []
    for system in asked:
        spatial = [system.attention(example.video_id).spatial for example in examples]
        rows = [one[0, second].numpy() for one, second in zip(spatial, seconds, strict=True) if one is not None]
        if len(rows) < len(examples):
            raise DataError(f"{system.name} does not look at regions: choose other --rows")
        maps.append(RegionMaps(system.name, np.stack(rows)))
    columns = tuple(f"{e.video_id}, {second} s" for e, second in zip(examples, seconds, strict=True))
    about = "where each attention looks: event seconds, then background seconds"
    return [
        regions_figure(
            ClipRegions(
                "Spatial attention", about, tuple(truth), np.stack(frames), tuple(maps), _category_names(asked), columns
            )
        )
    ]


def attended(asked: Sequence[AskedSystem], examples: Sequence[Example]) -> list[Figure]:
    """Fig. 10: two pictures per clip. In (a) the picture of its event's middle second asks, in (b, c) all seconds'.

    Raises:
        DataError: A system has no attention across modalities.
    """
    figures = []
    for example in examples:
        weights = [_weights(system, example) for system in asked]
        figures += [_attended(asked, example, weights), _grids(asked, example, weights)]
    return figures


def _weights(system: AskedSystem, example: Example) -> NDArray[np.floating]:
    """Weights [T, 2 T] of a clip's pictures and sounds for its pictures, mean over heads."""
    weights = system.attention(example.video_id).inter_modality_visual  # [1, heads, T, 2 T]
    if weights is None:
        raise DataError(f"{system.name} has no attention across modalities: choose other --rows")
    mean: NDArray[np.floating] = weights[0].mean(0).numpy()
    return mean


def _grids(asked: Sequence[AskedSystem], example: Example, weights: Sequence[NDArray[np.floating]]) -> Figure:
    grids = tuple(AttentionGrid(system.name, grid) for system, grid in zip(asked, weights, strict=True))
    about = "the picture of each second (rows) asks all seconds (columns); mean over heads, each row over its largest"
    truth = asked[0].answer(example.video_id).truth
    return grids_figure(ClipGrids(example.video_id, about, "picture", truth, grids, _category_names(asked)))


def _attended(asked: Sequence[AskedSystem], example: Example, weights: Sequence[NDArray[np.floating]]) -> Figure:
    answer = asked[0].answer(example.video_id)
    second = _middle(answer, event=any(answer.truth))
    rows = [Attended(system.name, grid[second]) for system, grid in zip(asked, weights, strict=True)]
    about = "the picture of one second asks; mean over heads, products with its own and with the other modality's keys"
    return attended_figure(
        QuerySecond(
            example.video_id,
            about,
            second,
            "picture",
            answer.truth,
            tuple(rows),
            example.frames,
            example.waveform,
            _category_names(asked),
        )
    )


def _category_names(asked: Sequence[AskedSystem]) -> tuple[str, ...]:
    """Categories of the first system, which choose the colours; none in matching."""
    first = asked[0].model
    return tuple(first.config.category_names) if isinstance(first, LocalizationModel) else ()


def _middle(answer: Answer, event: bool) -> int:
    """The middle one of a clip's event seconds, or of its background seconds."""
    seconds = [t for t, label in enumerate(answer.truth) if (label is not None) == event]
    return seconds[len(seconds) // 2]
