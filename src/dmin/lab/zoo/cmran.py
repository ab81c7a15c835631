"""CMRAN (Xu et al. 2020): DMIN with two slots filled otherwise, and without a unimodal loss.

Where all systems share one schedule (the preset family `brief`), CMRAN keeps the weak pooling `probabilities` and
CMRA's dropout of 0.02, as that schedule has them. Its public code pools logits and has 0.1; these belong to its own
schedule.
"""

from __future__ import annotations

from dmin.models.dmin import DMIN
from dmin.models.systems import SYSTEMS, System

_SLOTS = {"visual_attention": {"name": "agsca"}, "inter_modality": {"name": "cmra"}, "unimodal_heads": False}

SYSTEMS.add(
    "cmran",
    System(
        name="cmran",
        title="CMRAN",
        paper="Xu, Zeng, Wu, Tan, Gan: Cross-Modal Relation-Aware Networks for Audio-Visual Event Localization. ACM MM",
        year=2020,
        source="public code (FloretCat/CMRAN); where all systems share one schedule, weak pooling of probabilities and "
        "dropout 0.02 in CMRA are a choice of ours",
        network=DMIN,
        method={
            "all": {"unimodal_weight": 0.0, "model": _SLOTS},
            "weak": {"model": {"fusion": {"heads": 2}}},
        },
        schedule={
            "all": {
                "epochs": 200,
                "batch_size": 32,
                "learning_rate": 5e-4,
                "rate_factor": 0.5,
                "model": {"inter_modality": {"dropout": 0.1}},
            },
            "full": {"milestones": (10, 20, 30), "gradient_clip": 0.1},
            "weak": {"milestones": (5, 20, 40), "gradient_clip": 0.5, "mil_pooling": "logits"},
        },
    ),
)
