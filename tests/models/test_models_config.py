from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from dmin.errors import ModelError
from dmin.models import DMINConfig
from dmin.models.config import config_from
from dmin.training.presets import recipe_of


def test_the_defaults_are_the_paper():
    config = DMINConfig()
    assert (config.visual_size, config.audio_size, config.width) == (512, 128, 256)
    assert (config.encoder.heads, config.inter_modality.heads, config.inter_modality.alpha) == (4, 4, 0.5)
    assert not config.inter_modality.mean_pairs
    assert not config.visual_attention.channel_residual


def test_the_released_network_differs_only_where_it_says_so():
    official = recipe_of("official-full").model
    released = {"lstm_layers": 2, "channel_residual": True, "spatial_bias": True, "dropout_first": True}
    assert official == config_from(DMINConfig, {"visual_attention": released, "inter_modality": {"mean_pairs": True}})


def test_json_there_and_back():
    config = DMINConfig(("Dog", "Baby cry, infant cry", "Möwe"), visual_width=None)
    assert config_from(DMINConfig, json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 250}, r"width is 250 and encoder.heads 4: the width must be a multiple of it"),
        ({"fusion": {"heads": 3}}, r"width is 256 and fusion.heads 3"),
        ({"inter_modality": {"heads": 3}}, r"width is 256 and inter_modality.heads 3"),
        ({"encoder": {"heads": 0}}, "heads is 0: must be at least 1"),
        ({"visual_attention": {"size": 5}}, r"visual_attention.size is 5: must be even"),
        ({"encoder": {"layers": 0}}, "layers is 0: must be at least 1"),
        ({"visual_width": 0}, "visual_width is 0: must be at least 1"),
        ({"fusion": {"dropout": 1.0}}, "dropout is 1.0: must be at least 0 and less than 1"),
        ({"inter_modality": {"alpha": 1.5}}, "alpha is 1.5: must be within 0 and 1"),
        ({"category_names": ("Dog", "Dog")}, "category_names has Dog more than once"),
        ({"category_names": ("Dog", "")}, "must be names, none of them empty"),
    ],
)
def test_what_no_network_can_have(options, message):
    with pytest.raises(ModelError, match=message):
        config_from(DMINConfig, options)
