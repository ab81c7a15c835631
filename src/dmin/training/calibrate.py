"""Calibration of the threshold: as low as clips without an event allow."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from dmin.data.clips import ClipDataset, collate
from dmin.errors import DataError
from dmin.tasks.decoding import event_scores


@torch.inference_mode()
def calibrate_threshold(model: nn.Module, clips: ClipDataset, false_event_share: float) -> float:
    """The lowest threshold at which clips without an event fire in at most a given share of their seconds.

    Never below 0.5, where the loss puts the border: calibration makes a model more careful, not less.

    Args:
        model: A network of the localization task, on the CPU.
        clips: Held-out clips, some without any event.
        false_event_share: Allowed share of seconds, in 0..1.

    Raises:
        DataError: No clip is without an event, so there is nothing to calibrate on.
    """
    model.eval()
    background = len(clips.categories)
    relevances: list[NDArray[np.float64]] = []
    for loaded in DataLoader(clips, batch_size=32, collate_fn=collate):
        batch = loaded.to("cpu")  # where the network is; clips may be held on a GPU
        relevance = event_scores(model(batch.visual, batch.audio, batch.padding_mask), background).relevance
        empty = ((batch.labels == background) | ~batch.mask).all(1)  # [B]
        relevances.append(relevance[empty][batch.mask[empty]].double().numpy())
    seconds = np.concatenate(relevances)
    if not len(seconds):
        raise DataError(
            "no clip of the validation split is without an event, so no threshold can be calibrated: add such clips "
            "(`Background&<video id>&good&0&0`), or set false_event_share to null"
        )
    return threshold_for(seconds, false_event_share)


def threshold_for(relevances: NDArray[np.float64], false_event_share: float) -> float:
    """Threshold that at most the given share of relevances reaches, at least 0.5.

    Example:
        >>> threshold_for(np.array([0.1, 0.2, 0.6, 0.9]), 0.25)
        0.75
    """
    highest_first = np.sort(relevances)[::-1]
    allowed = int(false_event_share * len(highest_first))
    if allowed >= len(highest_first):
        return 0.5
    above = highest_first[allowed - 1] if allowed else 1.0
    return float(max(0.5, (above + highest_first[allowed]) / 2))
