"""The paper's presets, every field of theirs written out."""

import json
from dataclasses import asdict

import pytest

from dmin.training.presets import recipe_of
from dmin.training.recipe import LocalizationRecipe, MatchingRecipe

ATTENTION = {
    "visual_size": 512,
    "audio_size": 128,
    "width": 256,
    "encoder": {"layers": 2, "heads": 4, "hidden": 2048, "dropout": 0.1},
    "inter_modality": {
        "name": "dima",
        "heads": 4,
        "hidden": 2048,
        "dropout": 0.02,
        "alpha": 0.5,
        "mean_pairs": False,
    },
}
DMIN = {
    **ATTENTION,
    "category_names": [],
    "regions": 49,
    "unimodal_heads": True,
    "visual_width": 512,
    "visual_dropout": 0.2,
    "visual_attention": {
        "name": "agta",
        "size": 256,
        "bottleneck": 256,
        "factors": 5,
        "heads": 4,
        "dropout": 0.1,
        "dropout_first": False,
        "lstm_layers": 1,
        "channel_residual": False,
        "spatial_bias": False,
    },
    "fusion": {"heads": 4, "dropout": 0.1},
}
DCMR = {**ATTENTION, "matching": "windowed", "protocol": "context", "query_start": 1.0}
SCHEDULE = {
    "epochs": 200,
    "batch_size": 32,
    "learning_rate": 5e-5,
    "milestones": [10, 20, 30],
    "rate_factor": 0.5,
    "weight_decay": 0.0,
    "window_seconds": 10,
    "seed": 0,
    "device": "auto",
    "devices": "auto",
    "nodes": 1,
    "precision": "32-true",
    "cache": "auto",
    "compile": False,
}
LOCALIZATION = {
    **SCHEDULE,
    "task": "localization",
    "system": "dmin",
    "relevance_loss": "mean",
    "mil_pooling": None,
    "segment_loss": "cross-entropy",
    "agreement_weight": 0.0,
    "contrast_weight": 1.0,
    "select": "segment",
    "clip_target": "labels",
    "remix": 0.0,
    "threshold": 0.5,
    "false_event_share": None,
}
MATCHING = {**SCHEDULE, "task": "matching", "system": "dcmr", "gradient_clip": 0.1, "splice": 0.0}
PAPER = {
    "paper": {**LOCALIZATION, "gradient_clip": 0.1, "unimodal_weight": 0.1, "model": {**DMIN, "supervision": "full"}},
    "weak-paper": {
        **LOCALIZATION,
        "gradient_clip": 0.5,
        "unimodal_weight": 0.08,
        "model": {**DMIN, "supervision": "weak"},
    },
    "a2v-paper": {**MATCHING, "model": {**DCMR, "direction": "a2v"}},
    "v2a-paper": {**MATCHING, "model": {**DCMR, "direction": "v2a"}},
}


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_presets_hold_the_papers_values(name):
    assert json.loads(json.dumps(asdict(recipe_of(name)))) == PAPER[name]


def test_the_defaults_of_recipes_are_the_papers():
    for name, default in (("paper", LocalizationRecipe()), ("a2v-paper", MatchingRecipe())):
        assert json.loads(json.dumps(asdict(default))) == PAPER[name]
