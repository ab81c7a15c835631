"""Run folders to be published: untrained networks for the features of the tiny store, with what a run leaves beside."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from dmin.layers import EncoderConfig, FusionConfig, InterModalityConfig, VisualAttentionConfig
from dmin.models import DCMR, DMIN, DCMRConfig, DMINConfig
from dmin.models.settings import LocalizerSettings, MatcherSettings
from tiny_stores import CATEGORIES

PARTS = {
    "encoder": EncoderConfig(layers=1, heads=2, hidden=8),
    "inter_modality": InterModalityConfig(heads=2, hidden=8),
}
FEATURES = ("tiny-visual", "1", "tiny-audio", "1", 2.0, 100)
EVENTS = {
    "data": "somewhere/clips-store",
    "split": "test",
    "clips": 20,
    "threshold": 0.5,
    "segment_accuracy": {"value": 0.91, "low": 0.85, "high": 0.96, "clips": 20},
    "event_accuracy": {"value": 0.93, "low": 0.9, "high": 0.95, "clips": 20},
    "boundary_f1": {
        "0": {"value": 0.4, "low": 0.3, "high": 0.5, "clips": 20},
        "1": {"value": 0.6, "low": None, "high": None, "clips": 4},
    },
    "category_accuracy_given_event": {"value": 0.75, "low": None, "high": None, "clips": 4},
    "relevance_f1": 0.8,
    "event_f1": {"0.3": 0.7, "0.5": 0.6},
    "false_event_seconds": None,
    "confusion": [[1]],
}


def make_run(folder: Path, window_seconds: int = 4) -> Path:
    """A run of event localization, with what training and evaluating it leave there."""
    torch.manual_seed(0)
    config = DMINConfig(
        category_names=CATEGORIES, visual_size=8, audio_size=6, regions=4, visual_width=8, width=8, **PARTS,
        fusion=FusionConfig(heads=2), visual_attention=VisualAttentionConfig(size=8, bottleneck=8),
    )  # fmt: skip
    DMIN(config).save_pretrained(folder)
    LocalizerSettings(*FEATURES, window_seconds, threshold=0.5).save(folder)
    (folder / "train.yaml").write_text("epochs: 3\n")
    (folder / "metrics.csv").write_text("epoch\n1\n")
    for stray in ("checkpoints/last.ckpt", "tensorboard/events.1", ".lock", "curves.png", "test/confusion.png"):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_bytes(b"not to be sent")
    return folder


def make_matching_run(folder: Path, direction: str = "a2v") -> Path:
    """A run of matching."""
    torch.manual_seed(0)
    DCMR(DCMRConfig(direction, protocol="strict", visual_size=8, audio_size=6, width=8, **PARTS)).save_pretrained(
        folder
    )
    MatcherSettings(*FEATURES, window_seconds=10).save(folder)
    return folder


def leave_evaluation(folder: Path, data: Any = EVENTS, older: bool = False) -> None:
    """Leave metrics.json in a folder of a run, as `dmin evaluate` does."""
    folder.mkdir(exist_ok=True)
    path = folder / "metrics.json"
    path.write_text(json.dumps(data))
    if older:
        os.utime(path, (1, 1))
