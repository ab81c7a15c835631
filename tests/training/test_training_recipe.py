import json
from dataclasses import asdict, replace

import pytest

from dmin.errors import DataError, ModelError
from dmin.features import Settings
from dmin.models.settings import LocalizerSettings
from dmin.training.presets import options_of, presets, recipe_of, system_options, variants
from dmin.training.recipe import write_recipe


def test_settings_survive_the_disk(tmp_path):
    settings = LocalizerSettings.of(Settings("lite0", "1", "sfx", "1", 4.0, 44_100), 10, threshold=0.6)
    settings.save(tmp_path)
    assert LocalizerSettings.load(tmp_path) == settings
    assert settings.features == Settings("lite0", "1", "sfx", "1", 4.0, 44_100)


def test_a_folder_without_settings_says_what_to_give(tmp_path):
    with pytest.raises(ModelError, match="give a folder that `dmin train` wrote"):
        LocalizerSettings.load(tmp_path)
    (tmp_path / "localizer.json").write_text("{}")
    with pytest.raises(ModelError, match="is damaged or of another version of dmin"):
        LocalizerSettings.load(tmp_path)


@pytest.mark.parametrize("threshold", [None, "0.5", -0.1, 1.5, float("nan")])
def test_a_threshold_beyond_0_and_1_is_refused(threshold, tmp_path):
    settings = LocalizerSettings.of(Settings("lite0", "1", "sfx", "1", 4.0, 44_100), 10, threshold=0.6)
    (tmp_path / "localizer.json").write_text(json.dumps(asdict(settings) | {"threshold": threshold}))
    with pytest.raises(ModelError, match=f"threshold is {threshold!r}: must be a number within 0 and 1"):
        LocalizerSettings.load(tmp_path)


def test_presets_have_names_and_a_first_line_that_tells():
    assert {"paper", "official-full", "small"} <= set(presets())
    for preset in presets().values():
        assert preset.words
        assert not preset.words.startswith("#")
        recipe_of(preset.name)
    with pytest.raises(ModelError, match="did you mean 'paper'"):
        options_of("papr")


@pytest.mark.parametrize("name", ["epochs", "batch_size", "window_seconds"])
def test_nothing_is_trained_in_no_epochs(name):
    with pytest.raises(DataError, match=f"{name} is 0: must be at least 1"):
        recipe_of("small", **{name: 0})


def test_a_variant_is_laid_over_a_preset():
    for name in variants():
        small = recipe_of("small", name)
        assert (small.epochs, small.model.width) == (30, 128)
        assert small.model != recipe_of("small").model
    assert recipe_of("weak-small", "agva").model.supervision == "weak"


def test_a_file_lies_over_the_presets_it_names(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("presets: [small, weak, agva]\nepochs: 3\nmodel: {width: 64}\n")
    expected = recipe_of("small", "weak", "agva", epochs=3, model={"width": 64})
    assert recipe_of(str(mine)) == expected
    assert (expected.unimodal_weight, expected.model.supervision) == (0.08, "weak")
    mine.write_text("presets: [smal]")
    with pytest.raises(ModelError, match="unknown preset 'smal': did you mean 'small'"):
        recipe_of(str(mine))
    mine.write_text("presets: small")
    with pytest.raises(DataError, match=r"presets is 'small': give a list of names, e.g. presets: \[small, agva\]"):
        recipe_of(str(mine))


def test_a_family_gives_all_systems_one_schedule_or_their_own():
    small = [system_options(name, "full", "small") for name in ("avel", "psp", "cmran", "dmin")]
    assert {options["epochs"] for options in small} == {30}
    assert (recipe_of("psp-full").epochs, recipe_of("psp-full-small").agreement_weight) == (300, 100)
    assert (recipe_of("cmran-weak").mil_pooling, recipe_of("cmran-weak-small").mil_pooling) == ("logits", None)
    assert recipe_of("cmran-full-small").model.width == 128


def test_a_system_is_asked_for_what_it_has():
    with pytest.raises(DataError, match="dam is not described for weak: give full"):
        system_options("dam", "weak", "small")
    with pytest.raises(DataError, match="unknown preset family 'smal': did you mean 'small'"):
        system_options("dam", "full", "smal")
    with pytest.raises(DataError, match="PSPConfig: unknown option 'heads'"):
        recipe_of("psp-full", model={"heads": 2})
    with pytest.raises(DataError, match="LocalizationRecipe: unknown option 'epoch': did you mean 'epochs'"):
        recipe_of("small", epoch=2)
    with pytest.raises(DataError, match="the system psp is for localization, got task matching"):
        recipe_of("psp-full", task="matching")


def test_hardware_is_no_part_of_a_recipe(tmp_path):
    recipe = recipe_of("small")
    write_recipe(tmp_path, recipe)
    moved = replace(
        recipe, device="cpu", devices=4, nodes=2, precision="bf16-mixed", cache="none", epochs=recipe.epochs + 1
    )
    write_recipe(tmp_path, moved)
    assert "devices: 4" in (tmp_path / "train.yaml").read_text()
    with pytest.raises(DataError, match=r"another recipe \(different: learning_rate\)"):
        write_recipe(tmp_path, replace(moved, learning_rate=1.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed is -1: must be from 0 to 4294967295"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0: must be from 0 to inf"),
        ({"gradient_clip": -0.1}, "gradient_clip is -0.1: must be"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1: must be"),
        ({"devices": 0}, "devices is 0: must be auto, or a number of 1 or more"),
        ({"devices": "foo"}, "devices is 'foo': must be auto"),
        ({"precision": "16-true"}, "unknown precision '16-true': did you mean '32-true' or '16-mixed'"),
        ({"threshold": 5.0}, "threshold is 5: must be within 0 and 1"),
        ({"false_event_share": -0.5}, "false_event_share is -0.5: must be within 0 and 1"),
    ],
)
def test_values_out_of_range_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        recipe_of("small", **options)
