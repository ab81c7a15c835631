from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from dmin.errors import ModelError
from dmin.models import DMINConfig


def test_the_defaults_are_the_paper():
    config = DMINConfig()
    assert config == DMINConfig.paper()
    assert (config.visual_size, config.audio_size, config.width, config.heads, config.alpha) == (512, 128, 256, 4, 0.5)
    assert not config.mean_pairs
    assert not config.channel_residual


def test_official_differs_only_where_it_says_so():
    official = DMINConfig.official()
    assert (
        replace(
            official,
            lstm_layers=1,
            mean_pairs=False,
            channel_residual=False,
            spatial_bias=False,
            mfb_dropout_first=False,
        )
        == DMINConfig.paper()
    )
    assert DMINConfig.official(width=64, lstm_layers=3).lstm_layers == 3


def test_json_there_and_back():
    config = DMINConfig(("Dog", "Baby cry, infant cry", "Möwe"), visual_width=None)
    assert DMINConfig(**json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 250}, "width is 250 and heads 4: the width must be a multiple of it"),
        ({"fusion_heads": 3}, "width is 256 and fusion_heads 3"),
        ({"guide_size": 5}, "guide_size is 5: must be even"),
        ({"encoder_layers": 0}, "encoder_layers is 0: must be at least 1"),
        ({"visual_width": 0}, "visual_width is 0: must be at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0: must be at least 0 and less than 1"),
        ({"alpha": 1.5}, "alpha is 1.5: must be within 0 and 1"),
        ({"category_names": ("Dog", "Dog")}, "category_names has Dog more than once"),
        ({"category_names": ("Dog", "")}, "must be names, none of them empty"),
    ],
)
def test_what_no_network_can_have(options, message):
    with pytest.raises(ModelError, match=message):
        DMINConfig(**options)
